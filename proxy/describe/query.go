package describe

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// cte is one member of a WITH list: its body is the tokens [lo, hi).
type cte struct {
	name   string
	lo, hi int
}

// head is how a query or a data-modifying statement starts.
type head struct {
	ctes []cte
	main int  // the first token behind the WITH list
	ok   bool // the words are those of the grammar
}

// modifying are the verbs of data-modifying statements.
var modifying = []string{"INSERT", "UPDATE", "DELETE", "MERGE"}

// querying are the verbs of queries.
var querying = []string{"SELECT", "VALUES", "TABLE"}

// head reads the WITH list, if there is one, of the statement [lo, hi).
func (s *statement) head(lo, hi int) head {
	if !s.is(lo, "WITH") {
		return head{main: lo, ok: lo < hi}
	}
	h := head{}
	i := lo + 1
	if s.is(i, "RECURSIVE") && s.colID(i+1) {
		i++
	}
	for {
		if i >= hi || !s.colID(i) {
			return h
		}
		var c cte
		c.name, i = s.name(i)
		if s.char(i, '(') {
			i = s.closing(i) + 1
		}
		if !s.is(i, "AS") {
			return h
		}
		i++
		if s.is(i, "NOT") {
			i++
		}
		if s.is(i, "MATERIALIZED") {
			i++
		}
		if !s.char(i, '(') {
			return h
		}
		c.lo, c.hi = i+1, s.closing(i)
		h.ctes = append(h.ctes, c)
		i = s.searchAndCycle(c.hi+1, hi)
		if !s.char(i, ',') {
			break
		}
		i++
	}
	h.main, h.ok = i, i < hi
	return h
}

// searchAndCycle is the index behind the SEARCH and CYCLE clauses at i.
func (s *statement) searchAndCycle(i, hi int) int {
	if s.is(i, "SEARCH") {
		i = s.clause(i, hi, "SET") + 2
	}
	if s.is(i, "CYCLE") {
		i = s.clause(i, hi, "USING") + 2
	}
	return i
}

// modifies reports whether [lo, hi) is a data-modifying statement.
func (s *statement) modifies(lo, hi int) bool {
	h := s.head(lo, hi)
	return h.ok && s.isAny(h.main, modifying...)
}

// modifyingCTE reports whether a member of the WITH list is a data-modifying statement.
func (s *statement) modifyingCTE(ctes []cte) bool {
	for _, c := range ctes {
		if s.modifies(c.lo, c.hi) {
			return true
		}
	}
	return false
}

// into finds the INTO clause of the query [lo, hi), which belongs to its leftmost SELECT: the tokens [from, to). Without one
// found is false; clean is false if its words are not those of the grammar.
func (s *statement) into(lo, hi int) (from, to int, found, clean bool) {
	for {
		switch {
		case s.is(lo, "WITH"):
			h := s.head(lo, hi)
			if !h.ok {
				return
			}
			lo = h.main
			continue
		case s.char(lo, '('):
			hi = s.closing(lo)
			lo++
			continue
		}
		break
	}
	if lo >= hi || !s.is(lo, "SELECT") {
		return
	}
	i := s.clause(lo, hi, "INTO", "UNION", "INTERSECT", "EXCEPT")
	if i == hi || !s.is(i, "INTO") {
		return
	}
	j := i + 1
	for s.isAny(j, "LOCAL", "GLOBAL", "TEMPORARY", "TEMP", "UNLOGGED") && (s.is(j+1, "TABLE") || s.colID(j+1)) {
		j++
	}
	if s.is(j, "TABLE") {
		j++
	}
	if j >= hi || !s.colID(j) {
		return i, j, true, false
	}
	to = s.qualified(j)
	return i, to, true, to >= hi || s.isAny(to, behindInto...)
}

// behindInto are the words that can follow an INTO clause: what is selected stands before it.
var behindInto = []string{
	"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR",
}

// returning is the RETURNING clause of the data-modifying statement whose verb is at main; hi without one.
func (s *statement) returning(main, hi int) int { return s.clause(main, hi, "RETURNING") }

// ident reports whether token i is an identifier of that value and no label.
func (s *statement) ident(i int, value string) bool {
	t := s.toks[i].Token
	return t.IsIdent() && !s.label(i) && sqlscan.Ident(s.sql, t) == value
}
