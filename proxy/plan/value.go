package plan

import (
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// assign notes one more value.
func (s *Setting) assign(value string) {
	if s.Values++; s.Values == 1 {
		s.Value, s.Literal = value, true
	}
}

// text takes a string as the value.
func (r *reader) text(s *Setting) bool {
	return r.more && r.tok.Kind == sqlscan.String && r.value(s)
}

// word takes a string or a NonReservedWord as the value.
func (r *reader) word(s *Setting) bool {
	if r.more && sqlscan.IsNonReserved(r.sql, r.tok) {
		return r.identValue(s)
	}
	return r.text(s)
}

// identValue takes the identifier here as the value.
func (r *reader) identValue(s *Setting) bool {
	name := r.ident()
	if name != "" {
		s.assign(name)
	}
	return name != ""
}

// keyword takes the keyword here as the value, which Postgres then spells in capitals.
func (r *reader) keyword(s *Setting) bool {
	s.assign(strings.ToUpper(r.tok.Text(r.sql)))
	r.next()
	return true
}

// values takes a var_list.
func (r *reader) values(s *Setting) bool {
	for {
		if !r.value(s) {
			return false
		}
		if !r.acceptChar(',') {
			return true
		}
	}
}

// value takes one var_value: a string, a word, or a number with its sign.
func (r *reader) value(s *Setting) bool {
	switch {
	case !r.more:
		return false
	case r.tok.Kind == sqlscan.String:
		v, ok := r.constant()
		if ok {
			s.assign(v)
		}
		return ok
	case r.is("TRUE"), r.is("FALSE"), r.is("ON"), sqlscan.IsNonReserved(r.sql, r.tok):
		return r.identValue(s)
	}
	minus := r.isChar('-')
	if minus || r.isChar('+') {
		r.next()
	}
	if !r.more || r.tok.Kind != sqlscan.Number {
		return false
	}
	s.assign(number(r.tok.Text(r.sql), minus))
	r.next()
	return true
}

// number is the text that Postgres makes of a number in SET: an integer of 32 bits in decimal, all else as written.
func number(literal string, minus bool) string {
	base, digits := radix(literal)
	if n, err := strconv.ParseInt(digits, base, 32); err == nil {
		literal = strconv.FormatInt(n, 10)
		if n == 0 {
			return literal
		}
	}
	if minus {
		return "-" + literal
	}
	return literal
}

// constant takes a string constant with its UESCAPE clause. N'...' and bit strings are values of a type.
func (r *reader) constant() (string, bool) {
	prefix := r.sql[r.tok.Start] | 0x20
	v, ok := sqlscan.StringValue(r.sql, r.tok)
	if !ok || prefix == 'n' {
		return "", false
	}
	r.next()
	if prefix == 'u' && r.accept("UESCAPE") {
		r.next()
	}
	return v, true
}

// radix splits a number into its base and its digits, without underscores.
func radix(literal string) (base int, digits string) {
	digits = strings.ReplaceAll(literal, "_", "")
	if len(digits) > 2 && digits[0] == '0' {
		switch digits[1] | 0x20 {
		case 'x':
			return 16, digits[2:]
		case 'o':
			return 8, digits[2:]
		case 'b':
			return 2, digits[2:]
		}
	}
	return 10, digits
}
