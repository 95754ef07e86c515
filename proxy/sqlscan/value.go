package sqlscan

import (
	"strings"
	"unicode/utf8"
)

// Keyword reports whether t is the unquoted word upper, which is given in ASCII capitals.
func Keyword(sql string, t Token, upper string) bool {
	if t.Kind != Word || t.End-t.Start != len(upper) {
		return false
	}
	for i := range len(upper) {
		if c := sql[t.Start+i]; c != upper[i] && (c < 'a' || c > 'z' || c-0x20 != upper[i]) {
			return false
		}
	}
	return true
}

// Ident returns the name that an identifier token stands for, as Postgres on UTF-8 takes it: a Word in lower case
// (ASCII only), a quoted one as written, U&"..." decoded with the UESCAPE that follows it in sql, each cut at 63 bytes.
// It shares sql's memory where nothing changes. For any other token, and for U&"..." that cannot be decoded, it is "".
func Ident(sql string, t Token) string {
	var name string
	switch t.Kind {
	case Word:
		name = lower(t.Text(sql))
	case QuotedIdent:
		name = undouble(sql[t.Start+1:t.End-1], `"`)
	case UIdent:
		name, _ = decodeUnicode(undouble(sql[t.Start+3:t.End-1], `"`), uescape(sql, t.End))
	}
	return clip(name)
}

// lower folds ASCII capitals.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

func undouble(s, quote string) string {
	if !strings.Contains(s, quote) {
		return s
	}
	return strings.ReplaceAll(s, quote+quote, quote)
}

// clip cuts a name as truncate_identifier does, at a character's edge.
func clip(name string) string {
	if len(name) < nameLen {
		return name
	}
	end := nameLen - 1
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

// uescape returns the escape character of a U& token that ends at end: that of a UESCAPE clause, or the backslash. 0:
// the clause is wrong.
func uescape(sql string, end int) byte {
	s := Scanner{sql: sql, pos: end, scs: true}
	if t, ok := s.Next(); !ok || !Keyword(sql, t, "UESCAPE") {
		return '\\'
	}
	t, _ := s.Next()
	v, ok := StringValue(sql, t)
	if !ok || sql[t.Start]|0x20 == 'n' || len(v) != 1 || v[0] >= 0x80 || is(v[0], isSpace|isHex) || strings.ContainsAny(v, `+'"`) {
		return 0
	}
	return v[0]
}

// decodeUnicode replaces the escapes of a U& literal: the escape character, then itself, four
// hexadecimal digits, or a plus and six.
func decodeUnicode(s string, escape byte) (string, bool) {
	if escape == 0 {
		return "", false
	}
	if strings.IndexByte(s, escape) < 0 {
		return s, true
	}
	var d decoder
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if c != escape {
			d.byte(c)
			continue
		}
		switch {
		case i < len(s) && s[i] == escape:
			d.byte(escape)
			i++
		case i < len(s) && s[i] == '+':
			d.rune(s[i+1:], 6)
			i += 7
		default:
			d.rune(s[i:], 4)
			i += 4
		}
	}
	return d.finish()
}

// decoder gathers decoded bytes and joins surrogate pairs.
type decoder struct {
	out  []byte
	high rune // a first surrogate that waits for its second
	bad  bool
}

func (d *decoder) byte(c byte) {
	if d.high != 0 {
		d.bad = true
	}
	d.out = append(d.out, c)
}

// rune decodes the first n hexadecimal digits of s as one code point or half of one.
func (d *decoder) rune(s string, n int) {
	if len(s) < n {
		d.bad = true
		return
	}
	r, ok := hexValue(s[:n])
	switch {
	case !ok || r == 0 || r > utf8.MaxRune:
		d.bad = true
	case d.high != 0 && r >= 0xDC00 && r <= 0xDFFF:
		d.out = utf8.AppendRune(d.out, 0x10000+(d.high-0xD800)<<10+(r-0xDC00))
		d.high = 0
	case d.high != 0 || r >= 0xDC00 && r <= 0xDFFF:
		d.bad = true
	case r >= 0xD800 && r <= 0xDBFF:
		d.high = r
	default:
		d.out = utf8.AppendRune(d.out, r)
	}
}

func (d *decoder) finish() (string, bool) {
	if d.bad || d.high != 0 {
		return "", false
	}
	return string(d.out), true
}

// hexValue reads at most eight hexadecimal digits.
func hexValue(s string) (rune, bool) {
	v := uint32(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint32(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | uint32(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	if v > utf8.MaxRune {
		return utf8.MaxRune + 1, true
	}
	return rune(v), true
}

// StringValue returns the value of a String token, escapes decoded, a continuation joined, U&'...' with the UESCAPE
// that follows it in sql. It shares sql's memory where nothing changes. False: t is no string constant (a bit string is
// none), or its escapes are invalid.
func StringValue(sql string, t Token) (string, bool) {
	if t.Kind != String {
		return "", false
	}
	s := t.Text(sql)
	switch s[0] {
	case '$':
		tag := strings.IndexByte(s[1:], '$') + 2
		return s[tag : len(s)-tag], true
	case 'b', 'B', 'x', 'X':
		return "", false
	}
	unicode := s[0]|0x20 == 'u'
	s = s[strings.IndexByte(s, '\'')+1:]
	end := partEnd(s, 0, t.escapes)
	value := part(s, end, t.escapes)
	if next := continuation(s, end); next >= 0 {
		var joined strings.Builder
		joined.WriteString(value)
		for next >= 0 {
			s = s[next:]
			end = partEnd(s, 0, t.escapes)
			joined.WriteString(part(s, end, t.escapes))
			next = continuation(s, end)
		}
		value = joined.String()
	}
	switch {
	case t.escapes:
		return decodeEscapes(value)
	case unicode:
		return decodeUnicode(value, uescape(sql, t.End))
	}
	return value, true
}

// part is the content of a part of a string that starts at 0 and whose closing quote ends at end. Where escapes are in
// force it stays as written: there a quote may follow a backslash.
func part(s string, end int, escapes bool) string {
	if escapes {
		return s[:end-1]
	}
	return undouble(s[:end-1], "'")
}

// decodeEscapes decodes the body of an E'...': its doubled quotes and backslash escapes. The result is valid UTF-8 or
// false.
func decodeEscapes(s string) (string, bool) {
	if !strings.ContainsAny(s, `'\`) {
		return s, true
	}
	var d decoder
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if c == '\'' {
			i++ // the second of two
		}
		if c != '\\' {
			d.byte(c)
			continue
		}
		if i == len(s) {
			return "", false
		}
		c = s[i]
		i++
		switch c {
		case 'b':
			d.byte('\b')
		case 'f':
			d.byte('\f')
		case 'n':
			d.byte('\n')
		case 'r':
			d.byte('\r')
		case 't':
			d.byte('\t')
		case 'v':
			d.byte('\v')
		case 'u':
			d.rune(s[i:], 4)
			i += 4
		case 'U':
			d.rune(s[i:], 8)
			i += 8
		case 'x':
			end := i
			for end < len(s) && end < i+2 && is(s[end], isHex) {
				end++
			}
			v, _ := hexValue(s[i:end])
			if end == i {
				v = 'x'
			}
			d.byte(byte(v))
			i = end
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := c - '0'
			for n := 0; n < 2 && i < len(s) && s[i] >= '0' && s[i] <= '7'; n++ {
				v = v<<3 | (s[i] - '0')
				i++
			}
			d.byte(v)
		default:
			d.byte(c)
		}
		if i > len(s) {
			return "", false
		}
	}
	v, ok := d.finish()
	return v, ok && utf8.ValidString(v) && strings.IndexByte(v, 0) < 0
}
