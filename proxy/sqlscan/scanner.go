package sqlscan

import "strings"

// nameLen is NAMEDATALEN: an identifier keeps one byte less, an operator of that length is an error.
const nameLen = 64

// Scanner gives the tokens of one text in order. It is a value of its user's goroutine and keeps nothing but the text.
type Scanner struct {
	sql     string
	pos     int // where the next token or blank starts
	singles int // every byte in [pos, singles) is an operator + or - of its own
	scs     bool
}

// New starts at the beginning of sql. standardConforming is the setting standard_conforming_strings: on, a backslash
// in a plain '...' is an ordinary character.
func New(sql string, standardConforming bool) Scanner {
	return Scanner{sql: sql, scs: standardConforming}
}

// At is a scanner of the same text that starts at offset pos, the edge of a token.
func (s *Scanner) At(pos int) Scanner {
	return Scanner{sql: s.sql, pos: pos, scs: s.scs}
}

// Next returns the next token; false at the end of the text. After a Bad token it goes on behind it, although Postgres
// stops there.
func (s *Scanner) Next() (Token, bool) {
	sql := s.sql
	if s.pos < s.singles {
		s.pos++
		return Token{Kind: Operator, Start: s.pos - 1, End: s.pos}, true
	}
	i, closed := s.pos, true
	for i < len(sql) && is(sql[i], isSpace) {
		i++
	}
	if i < len(sql) && (sql[i] == '-' || sql[i] == '/') {
		i, closed = skipBlank(sql, i)
	}
	if i >= len(sql) {
		s.pos = i
		return Token{}, false
	}
	if !closed {
		s.pos = len(sql)
		return Token{Kind: Bad, Start: i, End: len(sql)}, true
	}
	t := s.token(i)
	s.pos = t.End
	return t, true
}

// token scans the token that starts at i, where no blank stands.
func (s *Scanner) token(i int) Token {
	sql := s.sql
	c := sql[i]
	class := classes[c]
	switch {
	case class&isIdentStart != 0:
		return s.word(i)
	case class&isDigit != 0:
		return number(sql, i)
	case class&isOperator != 0:
		return s.operator(i)
	}
	t := Token{Kind: Punct, Start: i, End: i + 1}
	next := byte(0)
	if i+1 < len(sql) {
		next = sql[i+1]
	}
	switch c {
	case '\'':
		return s.str(i, i, !s.scs)
	case '"':
		return quotedIdent(sql, i, i, QuotedIdent)
	case '$':
		return dollar(sql, i)
	case '.':
		if is(next, isDigit) {
			return number(sql, i)
		}
		if next == '.' {
			t.End++
		}
	case ':':
		if next == ':' || next == '=' {
			t.End++
		}
	case 0:
		t.Kind = Bad
	}
	return t
}

// skipBlank returns the first offset from i on that is neither white space nor in a comment; closed is false if that is
// the start of a comment without an end.
func skipBlank(sql string, i int) (next int, closed bool) {
	for i < len(sql) {
		switch c := sql[i]; {
		case is(c, isSpace):
			i++
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = lineEnd(sql, i+2)
		case c == '/' && i+1 < len(sql) && sql[i+1] == '*':
			end := commentEnd(sql, i+2)
			if end < 0 {
				return i, false
			}
			i = end
		default:
			return i, true
		}
	}
	return i, true
}

// lineEnd returns the offset of the next line break at or after i, or the text's end.
func lineEnd(sql string, i int) int {
	for i < len(sql) && sql[i] != '\n' && sql[i] != '\r' {
		i++
	}
	return i
}

// commentEnd returns the offset behind the comment whose /* ends at i; comments nest. -1: it has no end.
func commentEnd(sql string, i int) int {
	for depth := 1; ; i++ {
		skip := strings.IndexAny(sql[i:], "*/")
		if skip < 0 {
			return -1
		}
		if i += skip; i+1 == len(sql) {
			return -1
		}
		switch {
		case sql[i] == '*' && sql[i+1] == '/':
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		case sql[i] == '/' && sql[i+1] == '*':
			i++
			depth++
		}
	}
}

func (s *Scanner) word(i int) Token {
	sql := s.sql
	j := i + 1
	for j < len(sql) && is(sql[j], isIdentCont) {
		j++
	}
	if j == i+1 && j < len(sql) {
		switch c := sql[i] | 0x20; sql[j] {
		case '\'':
			switch c {
			case 'e':
				return s.str(i, j, true)
			case 'n':
				return s.str(i, j, !s.scs)
			case 'b', 'x':
				return bits(sql, i)
			}
		case '&':
			if c == 'u' && j+1 < len(sql) && sql[j+1] == '"' {
				return quotedIdent(sql, i, j+1, UIdent)
			}
			if c == 'u' && j+1 < len(sql) && sql[j+1] == '\'' {
				t := s.str(i, j+1, false)
				if !s.scs {
					t.Kind = Bad
				}
				return t
			}
		}
	}
	return Token{Kind: Word, Start: i, End: j}
}

// operator cuts a run of operator characters: before a comment, and before trailing + and - unless a character stands
// in it that no operator of standard SQL has.
func (s *Scanner) operator(i int) Token {
	sql := s.sql
	j, keep, extended := i, i, false // keep: behind the last character that is neither + nor -
run:
	for ; j < len(sql) && is(sql[j], isOperator); j++ {
		switch sql[j] {
		case '-':
			if j > i && j+1 < len(sql) && sql[j+1] == '-' {
				break run
			}
			continue
		case '+':
			continue
		case '/':
			if j > i && j+1 < len(sql) && sql[j+1] == '*' {
				break run
			}
		case '~', '!', '@', '#', '^', '&', '|', '`', '?', '%':
			extended = true
		}
		keep = j + 1
	}
	t := Token{Kind: Operator, Start: i, End: j}
	if !extended && keep < j && j > i+1 {
		t.End = max(keep, i+1)
		s.singles = j
	}
	if t.End-i >= nameLen {
		t.Kind = Bad
	}
	return t
}

// number scans a literal that starts with a digit, or a point and a digit.
func number(sql string, i int) Token {
	t := Token{Kind: Number, Start: i}
	if sql[i] == '0' && i+1 < len(sql) {
		end := 0
		switch sql[i+1] | 0x20 {
		case 'x':
			end = digits(sql, i+2, func(c byte) bool { return is(c, isHex) })
		case 'o':
			end = digits(sql, i+2, func(c byte) bool { return c >= '0' && c <= '7' })
		case 'b':
			end = digits(sql, i+2, func(c byte) bool { return c == '0' || c == '1' })
		}
		if end > i+2 {
			return junk(sql, t, end, isIdentCont)
		}
		if end == i+2 {
			return junk(sql, t, i+1, isIdentStart)
		}
	}
	j := decimals(sql, i)
	if j < len(sql) && sql[j] == '.' {
		if j > i && j+1 < len(sql) && sql[j+1] == '.' { // 1..2 is 1 and .. and 2
			t.End = j
			return t
		}
		j++
		if j < len(sql) && is(sql[j], isDigit) {
			j = decimals(sql, j)
		}
	}
	if j < len(sql) && sql[j]|0x20 == 'e' {
		k := j + 1
		if k < len(sql) && (sql[k] == '+' || sql[k] == '-') {
			k++
		}
		if k < len(sql) && is(sql[k], isDigit) {
			j = decimals(sql, k)
		} else if k > j+1 {
			t.Kind, t.End = Bad, k
			return t
		}
	}
	class := uint8(isIdentStart)
	if j < len(sql) && sql[j] == '$' && lettersBefore(sql[i:j]) {
		class = isIdentCont // the number could end earlier, and what follows would be an identifier that reaches further
	}
	return junk(sql, t, j, class)
}

// lettersBefore reports whether an identifier could start in the run of identifier characters that ends s.
func lettersBefore(s string) bool {
	for k := len(s) - 1; k > 0 && is(s[k], isIdentCont); k-- {
		if is(s[k], isIdentStart) {
			return true
		}
	}
	return false
}

// junk ends t at end, or, if a byte of that class stands there, makes it Bad with all that runs on.
func junk(sql string, t Token, end int, class uint8) Token {
	if end < len(sql) && is(sql[end], class) {
		t.Kind = Bad
		for end < len(sql) && is(sql[end], isIdentCont) {
			end++
		}
	}
	t.End = end
	return t
}

// decimals returns the end of digits with single underscores between them; i itself if there are none.
func decimals(sql string, i int) int {
	for j := i; ; {
		switch {
		case j < len(sql) && is(sql[j], isDigit):
			j++
		case j > i && j+1 < len(sql) && sql[j] == '_' && is(sql[j+1], isDigit):
			j += 2
		default:
			return j
		}
	}
}

// digits is decimals for another base, whose digits may start with an underscore.
func digits(sql string, i int, digit func(byte) bool) int {
	for {
		switch {
		case i < len(sql) && digit(sql[i]):
			i++
		case i+1 < len(sql) && sql[i] == '_' && digit(sql[i+1]):
			i += 2
		default:
			return i
		}
	}
}
