package sqlscan

import "strings"

// str scans the string token that starts at start (its prefix) and whose opening quote is at quote.
func (s *Scanner) str(start, quote int, escapes bool) Token {
	sql := s.sql
	t := Token{Kind: String, Start: start, escapes: escapes}
	i := quote + 1
	for {
		end := partEnd(sql, i, escapes)
		if end < 0 {
			t.Kind, t.End = Bad, len(sql)
			return t
		}
		if i = continuation(sql, end); i < 0 {
			t.End = end
			return t
		}
	}
}

// partEnd returns the offset behind the quote that closes the part of a string whose content starts at i; a doubled
// quote does not. -1: there is none.
func partEnd(sql string, i int, escapes bool) int {
	for i < len(sql) {
		if escapes {
			skip := strings.IndexAny(sql[i:], `'\`)
			if skip < 0 {
				return -1
			}
			if i += skip; sql[i] == '\\' {
				i += 2
				continue
			}
		} else {
			skip := strings.IndexByte(sql[i:], '\'')
			if skip < 0 {
				return -1
			}
			i += skip
		}
		if i++; i == len(sql) || sql[i] != '\'' {
			return i
		}
		i++
	}
	return -1
}

// continuation returns where the content goes on behind the closing quote that ends at i: behind blanks with at least
// one line break and a quote. Only -- comments may stand there. -1: the string ends.
func continuation(sql string, i int) int {
	broken := false
	for ; i < len(sql); i++ {
		switch c := sql[i]; {
		case c == '\n' || c == '\r':
			broken = true
		case is(c, isSpace):
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = lineEnd(sql, i+2) - 1
		case c == '\'' && broken:
			return i + 1
		default:
			return -1
		}
	}
	return -1
}

// bits scans B'...' and X'...': neither doubled quotes nor escapes are known there.
func bits(sql string, i int) Token {
	t := Token{Kind: String, Start: i}
	for j := i + 2; ; {
		skip := strings.IndexByte(sql[j:], '\'')
		if skip < 0 {
			t.Kind, t.End = Bad, len(sql)
			return t
		}
		t.End = j + skip + 1
		if j = continuation(sql, t.End); j < 0 {
			return t
		}
	}
}

// quotedIdent scans the identifier that starts at start (its prefix) and whose opening quote is at quote.
func quotedIdent(sql string, start, quote int, kind Kind) Token {
	t := Token{Kind: kind, Start: start}
	for i := quote + 1; ; {
		skip := strings.IndexByte(sql[i:], '"')
		if skip < 0 {
			t.Kind, t.End = Bad, len(sql)
			return t
		}
		if i += skip + 1; i == len(sql) || sql[i] != '"' {
			if t.End = i; i == quote+2 {
				t.Kind = Bad
			}
			return t
		}
		i++
	}
}

// dollar scans what starts with a dollar sign: a parameter, a dollar-quoted string, or the sign alone.
func dollar(sql string, i int) Token {
	t := Token{Kind: Punct, Start: i, End: i + 1}
	j := i + 1
	if j < len(sql) && is(sql[j], isDigit) {
		for j < len(sql) && is(sql[j], isDigit) {
			j++
		}
		t.Kind = Param
		return junk(sql, t, j, isIdentStart)
	}
	for j < len(sql) && is(sql[j], isTagCont) {
		j++
	}
	if j == len(sql) || sql[j] != '$' {
		return t
	}
	tag := sql[i : j+1]
	t.Kind, t.End = String, len(sql)
	if content := strings.Index(sql[j+1:], tag); content >= 0 {
		t.End = j + 1 + content + len(tag)
	} else {
		t.Kind = Bad
	}
	return t
}
