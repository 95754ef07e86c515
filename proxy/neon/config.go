package neon

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Defaults of a [Config].
const (
	DefaultMaxRequest  = 64 << 20 // bytes; Neon's documented limit
	DefaultMaxReply    = 64 << 20
	DefaultInFlight    = 80 // the smallest compute has about 100 connections
	DefaultQueueWait   = 10 * time.Second
	DefaultIdleTimeout = 20 * time.Second

	// largestReply keeps every length of a DataRow in its int32, however little a cell's JSON is longer than the cell.
	largestReply = 512 << 20
)

// Config says where one route's statements go. Zero values mean the defaults above.
type Config struct {
	// Host is the route's Neon host, for example ep-cool-1.us-east-2.aws.neon.tech. It picks the endpoint, whatever the URL.
	Host string
	// Endpoint is the URL that requests go to, "" for https://apiauth.<Host without its first label>/sql. Plain http is for
	// loopback addresses only.
	Endpoint string
	Database string
	Role     string

	MaxRequest  int64         // bytes of a request's body
	MaxReply    int64         // bytes of a reply's body, at most 512 MiB
	InFlight    int           // requests at once
	QueueWait   time.Duration // how long a request waits for one of them
	IdleTimeout time.Duration // an idle connection is closed after it

	// RoundTripper replaces the transport; nil is the package's own. One that reports no connection by httptrace is taken to
	// have written something as soon as it has read the body.
	RoundTripper http.RoundTripper
	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool

	// Name is the route's name in the configuration: the metrics' label "endpoint".
	Name string
}

func (c *Config) setDefaults() {
	if c.MaxRequest == 0 {
		c.MaxRequest = DefaultMaxRequest
	}
	if c.MaxReply == 0 {
		c.MaxReply = DefaultMaxReply
	}
	if c.InFlight == 0 {
		c.InFlight = DefaultInFlight
	}
	if c.QueueWait == 0 {
		c.QueueWait = DefaultQueueWait
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
}

// endpoint checks c and returns the URL of its requests.
func (c *Config) endpoint() (*url.URL, error) {
	if !isHostName(c.Host) {
		return nil, fmt.Errorf("neon: host %q is no host name", c.Host)
	}
	if c.Database == "" || c.Role == "" {
		return nil, fmt.Errorf("neon: database and role must be set")
	}
	if strings.ContainsRune(c.Database+c.Role, 0) {
		return nil, fmt.Errorf("neon: database or role holds a NUL")
	}
	if c.MaxRequest < 0 || c.InFlight < 0 || c.QueueWait < 0 || c.IdleTimeout < 0 {
		return nil, fmt.Errorf("neon: a limit is negative")
	}
	if c.MaxReply < 0 || c.MaxReply > largestReply {
		return nil, fmt.Errorf("neon: the reply limit of %d bytes is not between 1 and %d", c.MaxReply, largestReply)
	}
	text := c.Endpoint
	if text == "" {
		_, rest, ok := strings.Cut(c.Host, ".")
		if _, err := netip.ParseAddr(c.Host); err == nil || !ok || !strings.Contains(rest, ".") {
			return nil, fmt.Errorf("neon: host %q has no apiauth host, set an endpoint", c.Host)
		}
		text = "https://apiauth." + rest + "/sql"
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("neon: the endpoint is no URL") // the URL may hold a password: not quoted
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return nil, fmt.Errorf("neon: the endpoint must be scheme, host and path only")
	case u.Hostname() == "":
		return nil, fmt.Errorf("neon: the endpoint has no host")
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("neon: the endpoint must be https, or http on a loopback address: the token would be readable on the way")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/sql"
	}
	return u, nil
}

// connectionString is the Neon-Connection-String. Every part is encoded here, byte by byte: none can become another part.
func (c *Config) connectionString() string {
	return "postgresql://" + percentEncode(c.Role) + "@" + c.Host + "/" + percentEncode(c.Database)
}

func percentEncode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '~':
			b.WriteByte(c)
		case c == '.' && s != "." && s != "..": // alone they would be path segments
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// isHostName reports whether s is made of letters, digits, hyphens and dots with no empty label.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
			default:
				return false
			}
		}
	}
	return true
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
