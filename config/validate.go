package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Validate returns everything that is wrong with c as a *[Faults], nil if nothing is. It changes nothing and reads no
// file. What [Config.Derive] fills in must stand already.
func (c *Config) Validate() error {
	faults := &Faults{}
	(&checker{faults: faults}).config(c)
	return faults.or()
}

// checker collects what is wrong with values that were read.
type checker struct {
	faults  *Faults
	origins origins // nil when the values were not read from anywhere
	unread  []Fault // settings that could not be read: nothing is said about the default in their place
}

func (k *checker) fault(path, format string, args ...any) {
	for _, f := range k.unread {
		below, found := strings.CutPrefix(path, f.Path)
		if found && (below == "" || below[0] == '.' || below[0] == '[') || strings.HasPrefix(f.Path, path+"[") {
			return
		}
	}
	k.faults.add(k.origins.locate(Fault{Path: path, Message: fmt.Sprintf(format, args...)}))
}

func (k *checker) config(c *Config) {
	k.listeners(c)
	k.issuers(c)
	k.userPolicy(c)
	k.routes(c)
	k.limits(c.Limits)

	between(k, "timeouts.login", c.Timeouts.Login, time.Second, 10*time.Minute)
	between(k, "timeouts.client_write", c.Timeouts.ClientWrite, time.Second, 24*time.Hour)
	between(k, "shutdown.min_drain", c.Shutdown.MinDrain, 0, time.Hour)
	between(k, "shutdown.max_drain", c.Shutdown.MaxDrain, time.Second, 24*time.Hour)
	between(k, "jwks.ttl", c.JWKS.TTL, time.Minute, 7*24*time.Hour)
	between(k, "jwks.stale_limit", c.JWKS.StaleLimit, time.Minute, 30*24*time.Hour)
	if c.JWKS.TTL > c.JWKS.StaleLimit {
		k.fault("jwks.stale_limit", "%s is less than jwks.ttl (%s): a good key set would stop serving before it counts as old",
			durationText(c.JWKS.StaleLimit), durationText(c.JWKS.TTL))
	}
	between(k, "facts_ttl", c.FactsTTL, time.Second, 24*time.Hour)
	oneOf(k, "log.level", c.Log.Level, LevelDebug, LevelInfo, LevelWarn, LevelError)
	oneOf(k, "log.format", c.Log.Format, FormatJSON, FormatText)
	k.admin(c)
}

func (k *checker) limits(l Limits) {
	const most = 1_000_000
	between(k, "limits.max_connections", l.MaxConnections, 1, most)
	between(k, "limits.max_connections_per_ip", l.MaxConnectionsPerIP, 0, most)
	between(k, "limits.max_unauthenticated", l.MaxUnauthenticated, 1, most)
	between(k, "limits.max_unauthenticated_per_ip", l.MaxUnauthenticatedPerIP, 0, most)
	between(k, "limits.max_message_bytes", l.MaxMessageBytes, 64*Kilobyte, Gigabyte)
	between(k, "limits.max_token_bytes", l.MaxTokenBytes, Kilobyte, 64*Kilobyte-1) // Postgres' own limit of a password message

	// A default is only a cap that is not reached; a number that somebody wrote and that cannot count is a mistake.
	d := Default().Limits
	k.within("limits.max_connections_per_ip", l.MaxConnectionsPerIP, d.MaxConnectionsPerIP, "limits.max_connections", l.MaxConnections)
	k.within("limits.max_unauthenticated", l.MaxUnauthenticated, d.MaxUnauthenticated, "limits.max_connections", l.MaxConnections)
	k.within("limits.max_unauthenticated_per_ip", l.MaxUnauthenticatedPerIP, d.MaxUnauthenticatedPerIP, "limits.max_unauthenticated", l.MaxUnauthenticated)
}

// within refuses a narrower limit above the wider one, unless it is the default.
func (k *checker) within(path string, narrow, byDefault int, widePath string, wide int) {
	if narrow > wide && narrow != byDefault {
		k.fault(path, "%d is more than %s (%d) and could never count", narrow, widePath, wide)
	}
}

func (k *checker) admin(c *Config) {
	const at = "admin.address"
	if a := c.Admin.Address; a != "" {
		k.tcpAddress(at, a)
		for i, l := range c.Listeners {
			if l.Address == a && !anyPort(a) {
				k.fault(at, "is the address of listeners[%d] already", i)
			}
		}
	}
	switch {
	case c.Admin.PProf && c.Admin.Address == "":
		k.fault("admin.pprof", "is on, but admin.address is empty: nothing would serve it")
	case c.Admin.PProf && !loopbackAddress(c.Admin.Address):
		k.fault("admin.pprof", "profiles hold the memory of the process: they are served on a loopback address only")
	}
	if c.Admin.MetricsToken.Reveal() == redacted {
		k.fault("admin.metrics_token", "is what a secret is printed as, not a secret")
	}
}

// tcpAddress checks host:port and reports whether it is one.
func (k *checker) tcpAddress(path, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		k.fault(path, `expected "host:port", found %s`, quoted(address))
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		k.fault(path, "the port must be a number up to 65535, found %s", quoted(port))
		return false
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostPattern.MatchString(host) {
		k.fault(path, "%s is neither an IP address nor a host name", quoted(host))
		return false
	}
	return true
}

// anyPort reports whether the system chooses the port, so that two such addresses differ.
func anyPort(address string) bool { return strings.HasSuffix(address, ":0") }

// hostPattern is a DNS name of ordinary labels.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// webAddress checks an address that keys or statements go over. It must not carry credentials, and not leave this
// machine without TLS. The address is not shown: it may hold a password.
func (k *checker) webAddress(at, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		k.fault(at, "expected an address like https://host/path")
	case u.User != nil:
		k.fault(at, "an address with a user or password in it is refused")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		k.fault(at, "must be https: http is accepted on loopback addresses only")
	case u.Scheme != "https" && u.Scheme != "http":
		k.fault(at, "must be https, found %s", quoted(u.Scheme))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		k.fault(at, "must end with the path: no ? or #")
	case u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/":
		k.fault(at, "the path holds empty, . or .. steps")
	}
}

// label checks a name that becomes a metric's label and part of log records.
func (k *checker) label(path, name string) {
	const most = 128
	if name == "" || len(name) > most || !printable(name) {
		k.fault(path, "expected 1 to %d printable characters, found %s", most, quoted(name))
	}
}

// identifier checks the name of a Postgres database or role.
func (k *checker) identifier(path, name string) {
	const most = 63 // NAMEDATALEN - 1: Postgres cuts what is longer
	if name == "" || len(name) > most || !printable(name) {
		k.fault(path, "expected 1 to %d bytes of printable text, found %s", most, quoted(name))
	}
}

// printable reports whether text is UTF-8 without control characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// oneOf checks a value of a closed vocabulary.
func oneOf[T ~string](k *checker, path string, value T, allowed ...T) {
	words := make([]string, len(allowed))
	for i, word := range allowed {
		if value == word {
			return
		}
		words[i] = string(word)
	}
	k.fault(path, "%s is not one of %s", quoted(string(value)), strings.Join(words, ", "))
}

// between checks a bounded number.
func between[T ~int | ~int64](k *checker, path string, value, least, most T) {
	if value < least || value > most {
		k.fault(path, "%s is not between %s and %s", numberText(value), numberText(least), numberText(most))
	}
}

// numberText prints a number of any of the types with its unit.
func numberText(number any) string {
	if d, ok := number.(time.Duration); ok {
		return durationText(d)
	}
	return fmt.Sprint(number)
}
