package describe

import (
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// maxTokens bounds the tokens that are kept of a statement. What lies behind is seen by nobody but the server: nothing that
// needs it is rewritten.
const maxTokens = 1 << 17

// maxParams is the highest parameter number that the upstream can bind.
const maxParams = 32767

// token is a token and the number of brackets open around it; a bracket itself counts as outside.
type token struct {
	sqlscan.Token
	depth  int
	closer int // of an opening bracket: the token that closes it, or the number of tokens if they were cut before it
}

// statement is what is read of a text that holds one statement. Immutable after read.
type statement struct {
	sql    string // the whole text
	start  int    // where the statement starts in it, with its blanks and comments: behind leading semicolons
	toks   []token
	end    int  // behind the last token
	params int  // the highest n of all $n
	cut    bool // there are more than maxTokens
	// broken: quotes, comments or brackets do not balance, or there are several statements. Nothing is spliced then.
	broken, several bool

	standardConforming bool
}

func read(sql string, standardConforming bool) *statement {
	s := &statement{sql: sql, standardConforming: standardConforming}
	n := 0
	for part := range sqlscan.Statements(sql, standardConforming) {
		if n++; n > 1 {
			s.broken, s.several = true, true
			return s
		}
		s.start, s.params, s.broken = part.Start, part.MaxParam, part.Unbalanced
		s.tokens(part)
	}
	return s
}

// tokens reads the tokens of part, without its semicolon.
func (s *statement) tokens(part sqlscan.Statement) {
	scan := sqlscan.New(part.Text, s.standardConforming)
	depth := 0
	var open []int // brackets among s.toks
	for i := 0; i < part.Tokens; i++ {
		t, ok := scan.Next()
		if !ok {
			return
		}
		t.Start, t.End = t.Start+part.Start, t.End+part.Start
		s.end = t.End
		if closes(s.sql, t) && depth > 0 {
			depth--
		}
		if len(s.toks) == maxTokens {
			s.cut = true
			continue
		}
		if closes(s.sql, t) && len(open) > 0 {
			s.toks[open[len(open)-1]].closer = len(s.toks)
			open = open[:len(open)-1]
		}
		if opens(s.sql, t) {
			open = append(open, len(s.toks))
		}
		s.toks = append(s.toks, token{Token: t, depth: depth})
		if opens(s.sql, t) {
			depth++
		}
	}
	for _, i := range open {
		s.toks[i].closer = len(s.toks)
	}
}

func opens(sql string, t sqlscan.Token) bool  { return t.Is(sql, '(') || t.Is(sql, '[') }
func closes(sql string, t sqlscan.Token) bool { return t.Is(sql, ')') || t.Is(sql, ']') }

// body is the statement from its first to its last token, without its semicolon.
func (s *statement) body() string { return s.sql[s.toks[0].Start:s.end] }

// text is the source of the tokens [lo, hi).
func (s *statement) text(lo, hi int) string {
	if lo >= hi {
		return ""
	}
	return s.sql[s.toks[lo].Start:s.toks[hi-1].End]
}

// is reports whether token i is the unquoted keyword upper.
func (s *statement) is(i int, upper string) bool {
	return i >= 0 && i < len(s.toks) && sqlscan.Keyword(s.sql, s.toks[i].Token, upper)
}

// isAny reports whether token i is one of the keywords.
func (s *statement) isAny(i int, upper ...string) bool {
	for _, u := range upper {
		if s.is(i, u) {
			return true
		}
	}
	return false
}

// char reports whether token i is the single character c.
func (s *statement) char(i int, c byte) bool {
	return i >= 0 && i < len(s.toks) && s.toks[i].Is(s.sql, c)
}

// label reports whether token i stands where any keyword is a name: behind a point or AS.
func (s *statement) label(i int) bool { return s.char(i-1, '.') || s.is(i-1, "AS") }

// clause is the first token in [lo, hi) outside the brackets that lo stands in that is one of the keywords and no label; hi
// without one.
func (s *statement) clause(lo, hi int, upper ...string) int {
	for i := lo; i < hi; i++ {
		if s.toks[i].depth == s.toks[lo].depth && s.isAny(i, upper...) && !s.label(i) {
			return i
		}
	}
	return hi
}

// closing is the bracket that closes the one at i; the end of the tokens if they were cut before it.
func (s *statement) closing(i int) int { return s.toks[i].closer }

// colID reports whether token i can name a relation or a CTE.
func (s *statement) colID(i int) bool {
	return i < len(s.toks) && sqlscan.IsColID(s.sql, s.toks[i].Token)
}

// name is the identifier at i and the index behind it and its UESCAPE clause.
func (s *statement) name(i int) (string, int) {
	t := s.toks[i].Token
	next := i + 1
	if t.Kind == sqlscan.UIdent && s.is(next, "UESCAPE") {
		next = min(i+3, len(s.toks))
	}
	return sqlscan.Ident(s.sql, t), next
}

// qualified is the index behind the possibly qualified name at i.
func (s *statement) qualified(i int) int {
	if i >= len(s.toks) {
		return i
	}
	_, i = s.name(i)
	for s.char(i, '.') && i+1 < len(s.toks) {
		_, i = s.name(i + 1)
	}
	return i
}

// unwrap takes off the parentheses that hold all of [lo, hi).
func (s *statement) unwrap(lo, hi int) (int, int) {
	for lo < hi && s.char(lo, '(') && s.closing(lo) == hi-1 {
		lo, hi = lo+1, hi-1
	}
	return lo, hi
}

// used reports which parameters occur in sql, up to n; used[0] is $1.
func used(sql string, standardConforming bool, n int) []bool {
	found := make([]bool, n)
	scan := sqlscan.New(sql, standardConforming)
	for t, ok := scan.Next(); ok; t, ok = scan.Next() {
		if t.Kind == sqlscan.Param {
			if i := paramNumber(t.Text(sql)); i >= 1 && i <= n {
				found[i-1] = true
			}
		}
	}
	return found
}

// paramNumber is the n of $n; from 2147483647 on it stays there.
func paramNumber(text string) int {
	n := 0
	for _, c := range []byte(text[1:]) {
		if n = n*10 + int(c-'0'); n > 1<<31-1 {
			return 1<<31 - 1
		}
	}
	return n
}
