package rustjson

import (
	"strconv"
	"unicode"
)

// debugString quotes s as Rust's {:?} does.
func debugString(s string) string {
	buf := []byte{'"'}
	for _, r := range s {
		switch {
		case r == 0:
			buf = append(buf, `\0`...)
		case r == '\t':
			buf = append(buf, `\t`...)
		case r == '\n':
			buf = append(buf, `\n`...)
		case r == '\r':
			buf = append(buf, `\r`...)
		case r == '"' || r == '\\':
			buf = append(buf, '\\', byte(r))
		case r != ' ' && !unicode.IsPrint(r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			buf = strconv.AppendInt(append(buf, `\u{`...), int64(r), 16)
			buf = append(buf, '}')
		default:
			buf = append(buf, string(r)...)
		}
	}
	return string(append(buf, '"'))
}
