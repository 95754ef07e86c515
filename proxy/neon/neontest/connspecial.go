package neontest

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// specialReason is why a URL of one of the schemes that the WHATWG standard calls special cannot be read, "" if it can: its
// host is a domain or an address. rest is what stands behind "scheme:".
func specialReason(scheme, rest string) string {
	if scheme == "file" {
		return fileReason(rest)
	}
	rest = strings.TrimLeft(rest, `/\`)
	authority := rest[:authorityEnd(rest)]
	hostPort := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hostPort = authority[i+1:]
	}
	host, port := hostPort, ""
	if i := portColon(hostPort); i >= 0 {
		host, port = hostPort[:i], hostPort[i+1:]
	}
	if host == "" {
		return "empty host"
	}
	if reason := hostReason(host); reason != "" {
		return reason
	}
	return portReason(port)
}

// fileReason: a file URL has no port, and may have no host.
func fileReason(rest string) string {
	if len(rest) < 2 || !strings.ContainsRune(`/\`, rune(rest[0])) || !strings.ContainsRune(`/\`, rune(rest[1])) {
		return ""
	}
	host := rest[2:][:authorityEnd(rest[2:])]
	if host == "" || isDriveLetter(host) {
		return ""
	}
	return hostReason(host)
}

func authorityEnd(s string) int {
	if i := strings.IndexAny(s, `/\?#`); i >= 0 {
		return i
	}
	return len(s)
}

// portColon is the place of the first colon that is not in brackets, -1 if there is none.
func portColon(s string) int {
	inBrackets := false
	for i := range len(s) {
		switch s[i] {
		case '[':
			inBrackets = true
		case ']':
			inBrackets = false
		case ':':
			if !inBrackets {
				return i
			}
		}
	}
	return -1
}

// hostReason judges a host that is not opaque. What IDNA says of letters beyond ASCII is not looked into.
func hostReason(host string) string {
	if strings.HasPrefix(host, "[") {
		return bracketReason(host)
	}
	domain := percentBytes(host)
	if !utf8.Valid(domain) {
		return "invalid international domain name"
	}
	for _, c := range domain {
		if c <= ' ' || c == 0x7f || strings.IndexByte("#%/:<>?@[\\]^|", c) >= 0 {
			return "invalid international domain name"
		}
	}
	if !ipv4OrDomain(strings.ToLower(string(domain))) {
		return "invalid IPv4 address"
	}
	return ""
}

// ipv4OrDomain is false for a host that ends in a number and is no IPv4 address, whose parts may be octal or hexadecimal and
// fewer than four.
func ipv4OrDomain(host string) bool {
	parts := strings.Split(host, ".")
	if len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	last := parts[len(parts)-1]
	if _, ok := ipv4Number(last); !ok && strings.Trim(last, "0123456789") != "" || last == "" {
		return true
	}
	if len(parts) > 4 {
		return false
	}
	for i, part := range parts {
		n, ok := ipv4Number(part)
		if !ok || i < len(parts)-1 && n > 255 || i == len(parts)-1 && n >= 1<<(8*uint(5-len(parts))) {
			return false
		}
	}
	return true
}

// ipv4Number reads a part of an IPv4 address; ok is false if it is none.
func ipv4Number(s string) (n uint64, ok bool) {
	if s == "" {
		return 0, false
	}
	base := 10
	if hex, is := strings.CutPrefix(s, "0x"); is {
		s, base = hex, 16
	} else if len(s) > 1 && s[0] == '0' {
		s, base = s[1:], 8
	}
	if s == "" {
		return 0, true
	}
	if strings.HasPrefix(s, "+") || strings.ContainsRune(s, '_') {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil && strings.Contains(err.Error(), "out of range") {
		return 1 << 63, true
	}
	return n, err == nil
}

// isDriveLetter reports whether a segment of a path is a letter and a colon or bar.
func isDriveLetter(segment string) bool {
	return len(segment) == 2 && segment[0]|0x20 >= 'a' && segment[0]|0x20 <= 'z' && (segment[1] == ':' || segment[1] == '|')
}
