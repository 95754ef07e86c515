package describe

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// shape is how a statement can be pinned.
type shape uint8

const (
	opaque   shape = iota // not at all
	prefixed              // a CTE at place
	casts                 // a cast for each use, or a CTE at place
	calls                 // a cast for each use
)

const (
	// maxUses bounds the uses that are kept, maxLeading the parentheses that a statement starts with: the server's parser gives
	// up at 10000 open constructs.
	maxUses    = 1 << 16
	maxLeading = 10000
)

// use is one $n.
type use struct {
	start, end int
	n          int
	plain      bool // behind a word or sign where an expression in parentheses means what $n does
	item       bool // it may be an item of a SELECT list, whole, that has no name of its own
	returned   bool // behind RETURNING
}

// pinScan is what pinning needs to know of a text, found in one pass.
type pinScan struct {
	shape   shape
	broken  bool
	with    bool // place is behind WITH [RECURSIVE]; else before the statement
	place   int  // where a CTE goes
	highest int  // the highest n of all $n
	selects bool // SELECT occurs
	uses    []use
	many    bool // there are more than maxUses

	inUse []uint64 // a bit for each n, up to maxParams

	// While reading:
	sql        string
	scan       sqlscan.Scanner
	tok        sqlscan.Token // the current token
	more       bool          // false behind the last one
	prev, last sqlscan.Token // the tokens before tok, prev the nearer
	depth      int           // brackets open behind tok
	returning  bool          // RETURNING was met outside brackets
	leading    []leading     // parentheses that the query starts with, the outermost first
}

// leading is a parenthesis that a query starts with.
type leading struct {
	start int
	end   int  // behind the one that closes it, 0 before that
	setOp bool // UNION, INTERSECT or EXCEPT follows it: it is a part of the query, not all of it
}

func (s *pinScan) used(n int) bool { return n/64 < len(s.inUse) && s.inUse[n/64]&(1<<(n%64)) != 0 }

func scanPins(sql string, standardConforming bool) pinScan {
	s := pinScan{sql: sql, scan: sqlscan.New(sql, standardConforming), more: true}
	s.tok.Kind = sqlscan.Punct
	s.next()
	for s.isChar(';') {
		s.next()
	}
	s.statement()
	for s.more && !s.broken && !s.isChar(';') {
		s.next()
	}
	for s.isChar(';') {
		s.next()
	}
	s.broken = s.broken || s.more || s.depth != 0
	s.settle()
	return s
}

// settle chooses the place among the parentheses that the query starts with: WITH stands before a parenthesis that is a part
// of the query, and inside one that is all of it, which may have a WITH of its own.
func (s *pinScan) settle() {
	for _, l := range s.leading {
		if l.setOp {
			s.place, s.with = l.start, false
			return
		}
	}
}

// statement reads the beginning, which tells the shape.
func (s *pinScan) statement() {
	for {
		switch {
		case s.accept("EXPLAIN"):
			if !s.explainOptions() {
				s.query()
				return
			}
		case s.accept("DECLARE"):
			s.to("FOR")
			s.query()
			return
		case s.accept("CREATE"):
			for s.accept("LOCAL") || s.accept("GLOBAL") || s.accept("TEMPORARY") || s.accept("TEMP") || s.accept("UNLOGGED") {
			}
			if s.accept("TABLE") || s.accept("MATERIALIZED") && s.accept("VIEW") {
				s.to("AS")
				s.query()
			}
			return
		default:
			s.query()
			return
		}
	}
}

// explainOptions goes behind the options of EXPLAIN; false if a parenthesised query stands there.
func (s *pinScan) explainOptions() bool {
	if !s.isChar('(') {
		for s.accept("ANALYZE") || s.accept("ANALYSE") || s.accept("VERBOSE") {
		}
		return true
	}
	ahead := s.scan
	first, _ := ahead.Next()
	second, _ := ahead.Next()
	if first.Is(s.sql, '(') || sqlscan.Keyword(s.sql, first, "SELECT") || sqlscan.Keyword(s.sql, first, "WITH") ||
		sqlscan.Keyword(s.sql, first, "TABLE") || sqlscan.Keyword(s.sql, first, "VALUES") && second.Is(s.sql, '(') {
		return false
	}
	open := s.depth
	for s.next(); s.more && s.depth >= open; s.next() {
	}
	s.next()
	return true
}

// query reads the beginning of what can be pinned.
func (s *pinScan) query() {
	for s.isChar('(') {
		if len(s.leading) == maxLeading {
			return
		}
		s.leading = append(s.leading, leading{start: s.tok.Start})
		s.next()
	}
	s.place = s.tok.Start
	switch {
	case s.is("WITH"):
		s.next()
		s.with, s.place, s.shape = true, s.prev.End, prefixed
		if s.is("RECURSIVE") {
			ahead := s.scan
			if t, _ := ahead.Next(); !t.Is(s.sql, '(') && !sqlscan.Keyword(s.sql, t, "AS") {
				s.place = s.tok.End // else it is a name
			}
		}
	case s.is("SELECT"), s.is("VALUES"), s.is("TABLE"):
		s.shape = prefixed
	case len(s.leading) > 0:
	case s.is("INSERT"), s.is("UPDATE"), s.is("DELETE"), s.is("MERGE"):
		s.shape = casts
	case s.is("CALL"):
		s.shape = calls
	}
}

// to goes behind the next keyword upper outside brackets that is no name.
func (s *pinScan) to(upper string) {
	for s.more && !(s.depth == 0 && s.is(upper) && !s.prev.Is(s.sql, '.')) {
		s.next()
	}
	s.next()
}

// next goes to the next token and notes what it says.
func (s *pinScan) next() {
	if !s.more {
		return
	}
	s.last, s.prev = s.prev, s.tok
	if s.tok, s.more = s.scan.Next(); !s.more {
		s.tok = sqlscan.Token{Kind: sqlscan.Punct, Start: len(s.sql), End: len(s.sql)}
		return
	}
	switch s.tok.Kind {
	case sqlscan.Bad:
		s.broken = true
	case sqlscan.Param:
		s.param()
	case sqlscan.Word:
		s.word()
	case sqlscan.Punct:
		s.bracket()
	}
}

func (s *pinScan) word() {
	name := s.prev.Is(s.sql, '.') || sqlscan.Keyword(s.sql, s.prev, "AS")
	switch s.tok.End - s.tok.Start {
	case 5, 6:
		s.selects = s.selects || s.is("SELECT")
		s.setOperation()
	case 9:
		s.returning = s.returning || s.depth == 0 && s.is("RETURNING") && !name
		s.setOperation()
	}
}

// setOperation marks the leading parenthesis that closes right before UNION, INTERSECT or EXCEPT.
func (s *pinScan) setOperation() {
	if s.depth < len(s.leading) && (s.is("UNION") || s.is("INTERSECT") || s.is("EXCEPT")) {
		l := &s.leading[s.depth]
		l.setOp = l.setOp || l.end == s.prev.End
	}
}

func (s *pinScan) bracket() {
	switch s.sql[s.tok.Start] {
	case '(', '[':
		s.depth++
	case ')', ']':
		s.depth--
		if s.depth < 0 {
			s.broken, s.depth = true, 0
		}
		if s.depth < len(s.leading) && s.leading[s.depth].end == 0 {
			s.leading[s.depth].end = s.tok.End
		}
	}
}

func (s *pinScan) param() {
	n := paramNumber(s.tok.Text(s.sql))
	s.highest = max(s.highest, n)
	if n < 1 || n > maxParams {
		return // the server's to refuse
	}
	for n/64 >= len(s.inUse) {
		s.inUse = append(s.inUse, 0)
	}
	s.inUse[n/64] |= 1 << (n % 64)
	if s.shape != casts && s.shape != calls {
		return
	}
	if len(s.uses) == maxUses {
		s.many = true
		return
	}
	u := use{start: s.tok.Start, end: s.tok.End, n: n, returned: s.returning}
	switch s.prev.Kind {
	case sqlscan.Word:
		u.plain = s.beforeExpression()
		u.item = s.after("SELECT") || s.after("DISTINCT")
	case sqlscan.QuotedIdent, sqlscan.UIdent:
	case sqlscan.Punct:
		u.plain = true
		u.item = s.prev.Is(s.sql, '(') || s.prev.Is(s.sql, ')') || s.prev.Is(s.sql, ',')
	default:
		u.plain = true
	}
	s.uses = append(s.uses, u)
}

// expressionWords are the words behind which a ($n) is valid only where $n is, and means the same. VALUES, IN, ANY and every
// name of a function are none.
var expressionWords = []string{"WHERE", "AND", "OR", "NOT", "LIMIT", "OFFSET", "LIKE", "ILIKE", "TO", "BETWEEN", "SYMMETRIC", "FROM", "FOR", "PLACING",
	"WHEN", "THEN", "ELSE", "CASE", "BY", "SELECT", "DISTINCT", "HAVING", "RETURNING", "VARIADIC", "BOTH", "LEADING", "TRAILING"}

// beforeExpression reports whether prev is such a word.
func (s *pinScan) beforeExpression() bool {
	for _, w := range expressionWords {
		if s.after(w) {
			return true
		}
	}
	switch {
	case s.after("ON"):
		return !sqlscan.Keyword(s.sql, s.last, "DISTINCT")
	case s.after("FIRST"), s.after("NEXT"):
		return sqlscan.Keyword(s.sql, s.last, "FETCH")
	case s.after("ZONE"):
		return sqlscan.Keyword(s.sql, s.last, "TIME")
	}
	return false
}

func (s *pinScan) is(upper string) bool    { return s.more && sqlscan.Keyword(s.sql, s.tok, upper) }
func (s *pinScan) after(upper string) bool { return sqlscan.Keyword(s.sql, s.prev, upper) }
func (s *pinScan) isChar(c byte) bool      { return s.more && s.tok.Is(s.sql, c) }

// accept goes on behind the keyword upper if it is the current token.
func (s *pinScan) accept(upper string) bool {
	ok := s.is(upper)
	if ok {
		s.next()
	}
	return ok
}
