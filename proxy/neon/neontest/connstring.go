package neontest

import (
	"net/netip"
	"strings"
)

// target is what the header Neon-Connection-String names.
type target struct {
	endpoint, role, database string
}

// parsed is a URL as the WHATWG standard reads one whose scheme is not special: the host is opaque.
type parsed struct {
	scheme, user, host string
	ipv6               bool
	path               []string // nil if there is no path to divide
}

// parseTarget reads the connection string. The order of its errors is Neon's; credentials are looked at between the
// role and the host, by authorize.
func parseTarget(text string, authorize func() *failure) (target, *failure) {
	u, reason := parseURL(text)
	if reason != "" {
		return target{}, refusal("invalid connection string: %s", reason)
	}
	if u.scheme != "postgres" && u.scheme != "postgresql" {
		return target{}, refusal("incorrect scheme")
	}
	if u.path == nil {
		return target{}, refusal("missing database name")
	}
	database, bad := percentDecode(u.path[0])
	if bad != "" {
		return target{}, refusal("invalid username: %s", bad) // Neon has one error for both
	}
	role, bad := percentDecode(u.user)
	if bad != "" {
		return target{}, refusal("invalid username: %s", bad)
	}
	if role == "" {
		return target{}, refusal("missing username")
	}
	if f := authorize(); f != nil {
		return target{}, f
	}
	if u.ipv6 || u.host == "" {
		return target{}, refusal("missing hostname")
	}
	endpoint, _, _ := strings.Cut(u.host, ".")
	return target{endpoint: endpoint, role: role, database: database}, nil
}

func parseURL(text string) (u parsed, reason string) {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(scheme) {
		return u, "relative URL without a base"
	}
	u.scheme = strings.ToLower(scheme)
	switch u.scheme {
	case "http", "https", "ws", "wss", "ftp", "file":
		return u, specialReason(u.scheme, rest)
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	path, hasAuthority := strings.CutPrefix(rest, "//")
	if !hasAuthority {
		if strings.HasPrefix(rest, "/") {
			u.path = pathSegments(rest)
		}
		return u, ""
	}
	authority := path
	if i := strings.IndexByte(path, '/'); i >= 0 {
		authority, path = path[:i], path[i:]
	} else {
		path = ""
	}
	// A port ends at a backslash as well.
	if at := strings.LastIndexByte(authority, '@') + 1; portColon(authority[at:]) >= 0 {
		colon := at + portColon(authority[at:])
		if i := strings.IndexByte(authority[colon:], '\\'); i >= 0 {
			authority, path = authority[:colon+i], "/"+authority[colon+i:]+path
		}
	}
	hostPort := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.user, _, _ = strings.Cut(authority[:i], ":")
		hostPort = authority[i+1:]
		if i == 0 && hostPort == "" && path != "" {
			return u, "empty host"
		}
	}
	if reason := u.parseHost(hostPort); reason != "" {
		return u, reason
	}
	// ":@" alone leaves nothing behind in a URL: it counts as no user at all.
	if at := strings.LastIndexByte(authority, '@'); u.host == "" && !u.ipv6 && at > 0 && authority[:at] != ":" {
		return u, "empty host"
	}
	if path != "" {
		u.path = pathSegments(path)
	}
	return u, ""
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.')) {
			return false
		}
	}
	return s != ""
}

func (u *parsed) parseHost(hostPort string) (reason string) {
	host, port := hostPort, ""
	if i := portColon(hostPort); i >= 0 {
		host, port = hostPort[:i], hostPort[i+1:]
		if host == "" {
			return "empty host"
		}
	}
	if strings.HasPrefix(host, "[") {
		if reason := bracketReason(host); reason != "" {
			return reason
		}
		u.ipv6 = true
	} else if strings.ContainsAny(host, "\x00\t\n\r #/:<>?@[\\]^|") {
		return "invalid domain character"
	}
	u.host = host
	return portReason(port)
}

// bracketReason judges a host in brackets.
func bracketReason(host string) string {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if !strings.HasSuffix(host, "]") || err != nil || !addr.Is6() || addr.Zone() != "" {
		return "invalid IPv6 address"
	}
	return ""
}

func portReason(port string) string {
	number := 0
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "invalid port number"
		}
		if number = number*10 + int(port[i]-'0'); number > 65535 {
			return "invalid port number"
		}
	}
	return ""
}

// pathSegments divides a path that begins with a slash, dot segments resolved.
func pathSegments(path string) []string {
	var segments []string
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case ".":
			if last {
				segments = append(segments, "")
			}
		case "..":
			if len(segments) > 0 && !isDriveLetter(segments[len(segments)-1]) {
				segments = segments[:len(segments)-1]
			}
			if last {
				segments = append(segments, "")
			}
		default:
			segments = append(segments, part)
		}
	}
	return segments
}

// percentDecode decodes %XX and leaves what is no such thing. bad says where the result is not UTF-8.
func percentDecode(s string) (decoded, bad string) {
	buf := percentBytes(s)
	if _, err := textOf(buf); err != nil {
		return "", invalidUTF8(buf)
	}
	return string(buf), ""
}

func percentBytes(s string) []byte {
	buf := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high >= 0 && low >= 0 {
				buf = append(buf, byte(high<<4|low))
				i += 2
				continue
			}
		}
		buf = append(buf, s[i])
	}
	return buf
}

func unhex(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}
