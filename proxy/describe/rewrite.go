package describe

import (
	"slices"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// A rewriting turns a statement with data-modifying parts into a query of the same columns: what is modified and what it is
// joined with become FROM, and RETURNING becomes the columns. Only P's success makes it right: it is more permissive.
type rewriting struct {
	*statement
	ctes map[string]bool // names of the outermost WITH list
	row  string          // a name that the statement does not use
	// tables gives the schema-qualified name of a target whose name a CTE hides.
	tables map[string]string
	hidden []string // targets whose name a CTE hides and tables does not know
}

// query rewrites the statement [lo, hi), the whole or a CTE of its outermost WITH list: Postgres takes data-modifying CTEs
// nowhere else. False: its words are not those of the grammar.
func (w *rewriting) query(lo, hi int, outermost bool) (string, bool) {
	lo, hi = w.unwrap(lo, hi)
	h := w.head(lo, hi)
	if !h.ok {
		return "", false
	}
	if outermost {
		w.ctes, w.row = make(map[string]bool, len(h.ctes)), freshIn(w.statement, "d")
		for _, c := range h.ctes {
			w.ctes[c.name] = true
		}
	}
	with, ok := w.with(lo, h, outermost)
	if !ok {
		return "", false
	}
	if !w.isAny(h.main, modifying...) {
		return with + w.text(h.main, hi), w.isAny(h.main, querying...) || w.char(h.main, '(')
	}
	ret := w.returning(h.main, hi)
	if ret == hi {
		return with + "SELECT", true // without RETURNING nothing can refer to it
	}
	t, ok := w.target(h.main, ret)
	if !ok {
		return "", false
	}
	w.qualify(&t, h.ctes)
	return with + w.columns(t, ret, hi), true
}

// with is the WITH list at lo; if it is the outermost one, its members are rewritten.
func (w *rewriting) with(lo int, h head, outermost bool) (string, bool) {
	if len(h.ctes) == 0 {
		return "", true
	}
	var sql strings.Builder
	pos := w.toks[lo].Start
	for _, c := range h.ctes {
		if !outermost || !w.modifies(c.lo, c.hi) {
			continue
		}
		body, ok := w.query(c.lo, c.hi, false)
		if !ok {
			return "", false
		}
		sql.WriteString(w.sql[pos:w.toks[c.lo].Start] + body)
		pos = w.toks[c.hi-1].End
	}
	sql.WriteString(w.sql[pos:w.toks[h.main-1].End] + " ")
	return sql.String(), true
}

// target is what a data-modifying statement modifies, and what it is joined with.
type target struct {
	name   string // the relation's name as written
	before string // what stands before the name: ONLY, a parenthesis
	after  string // what stands behind it: *, a parenthesis, an alias
	from   string // what it is joined with, "" without
	merge  bool
}

// item is the target as it stands in FROM.
func (t target) item() string { return t.before + t.name + t.after }

// target reads a data-modifying statement from its verb to its RETURNING clause, which is at ret.
func (w *rewriting) target(verb, ret int) (t target, ok bool) {
	i := verb + 1
	if w.isAny(verb, "INSERT", "MERGE") {
		if !w.is(i, "INTO") {
			return t, false
		}
		i++
	}
	if w.is(verb, "DELETE") {
		if !w.is(i, "FROM") {
			return t, false
		}
		i++
	}
	var end int
	switch {
	case w.is(verb, "INSERT"):
		end = w.qualified(i)
		if w.is(end, "AS") {
			_, end = w.name(min(end+1, ret-1))
		}
	case w.is(verb, "UPDATE"):
		end = w.clause(i, ret, "SET")
		t.from = w.joined(w.fromAfter(end, ret), ret)
	case w.is(verb, "DELETE"):
		end = w.clause(i, ret, "USING", "WHERE")
		if w.is(end, "USING") {
			t.from = w.joined(end, ret)
		}
	default:
		t.merge = true
		end = w.clause(i, ret, "USING")
		source := w.source(end+1, ret)
		if source == "" {
			return t, false
		}
		t.from = source
	}
	if end > ret || end <= i {
		return t, false
	}
	name := i
	if w.is(name, "ONLY") {
		name++
	}
	if w.char(name, '(') {
		name++
	}
	behind := w.qualified(name)
	if behind > end || behind == name {
		return t, false
	}
	t.name = w.text(name, behind)
	if name > i {
		t.before = w.text(i, name) + " "
	}
	if end > behind {
		t.after = " " + w.text(behind, end)
	}
	return t, true
}

// fromAfter is the FROM clause of an UPDATE whose SET is at set: ret without one. FROM inside IS DISTINCT FROM is none.
func (w *rewriting) fromAfter(set, ret int) int {
	for i := set; i < ret; i++ {
		if i = w.clause(i, ret, "FROM"); i < ret && !w.is(i-1, "DISTINCT") {
			return i
		}
	}
	return ret
}

// joined is what stands behind the FROM or USING at i, up to WHERE or ret.
func (w *rewriting) joined(i, ret int) string {
	if i >= ret {
		return ""
	}
	return w.text(i+1, w.clause(i, ret, "WHERE"))
}

// source is the data source of a MERGE, from lo up to the ON of the whole: the last one before the first WHEN that is not a
// CASE's.
func (w *rewriting) source(lo, ret int) string {
	on, cases := -1, 0
	for i := lo; i < ret; i++ {
		if w.toks[i].depth != w.toks[lo].depth || w.label(i) {
			continue
		}
		switch {
		case w.is(i, "CASE"):
			cases++
		case cases > 0:
			if w.is(i, "END") {
				cases--
			}
		case w.is(i, "ON"):
			on = i
		case w.is(i, "WHEN"):
			if on < 0 {
				return ""
			}
			return w.text(lo, on)
		}
	}
	return ""
}

// qualify gives the target its schema if a CTE, one of own or of the outermost list, hides its name: what is modified is never
// a CTE.
func (w *rewriting) qualify(t *target, own []cte) {
	scan := sqlscan.New(t.name, w.standardConforming)
	first, _ := scan.Next()
	if second, more := scan.Next(); more && second.Is(t.name, '.') {
		return
	}
	name := sqlscan.Ident(t.name, first)
	if !w.ctes[name] && !slices.ContainsFunc(own, func(c cte) bool { return c.name == name }) {
		return
	}
	if w.tables[t.name] == "" {
		w.hidden = append(w.hidden, t.name)
		return
	}
	t.name = w.tables[t.name]
}

// columns is the SELECT that has the columns of the RETURNING clause at ret.
func (w *rewriting) columns(t target, ret, hi int) string {
	list := ret + 1
	old, new := "old", "new"
	if w.is(list, "WITH") && w.char(list+1, '(') { // RETURNING WITH (OLD AS o, NEW AS n), from 18 on
		end := min(w.closing(list+1), hi-1)
		for i := list + 2; i < end; i++ {
			switch {
			case w.is(i, "OLD") && w.is(i+1, "AS"):
				old = w.text(i+2, i+3)
			case w.is(i, "NEW") && w.is(i+1, "AS"):
				new = w.text(i+2, i+3)
			default:
				continue
			}
			i += 2
		}
		list = end + 1
	}
	items := t.item()
	switch {
	case t.from == "":
	case t.merge: // RETURNING * of MERGE has the source's columns first
		items = t.from + ", " + items
	default:
		items += ", " + t.from
	}
	columns := "SELECT " + w.actions(t, list, hi) + " FROM " + items
	if !w.mentions(list, hi, old) && !w.mentions(list, hi, new) {
		return columns
	}
	// Outside, so that anything of these names in the statement comes first, as it does in RETURNING.
	return "SELECT " + w.row + ".* FROM " + t.name + " AS " + old + ", " + t.name + " AS " + new + ", LATERAL (" + columns + ") AS " + w.row
}

// actions is the list [lo, hi), in a MERGE with merge_action() replaced: it has a meaning nowhere else.
func (w *rewriting) actions(t target, lo, hi int) string {
	if !t.merge || lo >= hi {
		return w.text(lo, hi)
	}
	var sql strings.Builder
	pos := w.toks[lo].Start
	for i := lo; i+2 < hi; i++ {
		if w.is(i, "MERGE_ACTION") && w.char(i+1, '(') && w.char(i+2, ')') && !w.label(i) {
			sql.WriteString(w.sql[pos:w.toks[i].Start] + "(SELECT NULL::pg_catalog.text AS merge_action)")
			i += 2
			pos = w.toks[i].End
		}
	}
	sql.WriteString(w.sql[pos:w.toks[hi-1].End])
	return sql.String()
}

// mentions reports whether the name that alias is written as occurs in [lo, hi).
func (w *rewriting) mentions(lo, hi int, alias string) bool {
	scan := sqlscan.New(alias, w.standardConforming)
	t, _ := scan.Next()
	name := sqlscan.Ident(alias, t)
	for i := lo; i < hi; i++ {
		if w.ident(i, name) {
			return true
		}
	}
	return false
}
