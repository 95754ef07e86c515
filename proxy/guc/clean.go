package guc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxName is NAMEDATALEN - 1: application_name is cut there, in bytes, at a character.
const maxName = 63

func truncateName(s string) string {
	if len(s) <= maxName {
		return s
	}
	n := maxName
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cleanASCII spells a name as a server of that version does: before 16 every byte outside printable ASCII becomes '?', from
// 16 on \xNN (pg_clean_ascii).
func cleanASCII(s string, serverVersion int) string {
	clean := true
	for i := range len(s) {
		clean = clean && s[i] >= 32 && s[i] <= 126
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 32 && c <= 126:
			b.WriteByte(c)
		case serverVersion >= 160000:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
