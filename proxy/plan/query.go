package plan

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// maxNesting bounds how deep a WITH inside a WITH is followed; deeper ones are taken to modify data.
const maxNesting = 50

// shape is what the head of a query says.
type shape struct {
	verb     Verb // VerbOther: not understood
	modifies bool // it, or one of its CTEs, is a data-modifying statement
	cte      bool // one of its CTEs is
}

// query classifies SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE, with or without WITH and parentheses.
func (r *reader) query() Plan {
	s := r.shape(0)
	if r.is("UPDATE") && r.updatesSettings() {
		return refuse(FeatureSet, "UPDATE of pg_settings")
	}
	r.marks.into = 0 // so far it was that of an INSERT or MERGE in a CTE
	r.drain()
	p := Plan{Verb: s.verb, ModifyingCTE: s.cte, calls: callsMade}
	switch {
	case s.verb == VerbOther:
		p.Returns = ReturnsUnknown
	case s.verb.modifies():
		if r.marks.returning {
			p.Returns, p.ReturningDML = ReturnsRows, true
		}
	case r.marks.into > 0:
		if r.temporary() {
			return refuse(FeatureTemp, "SELECT INTO TEMPORARY")
		}
		p.Into, p.Creates = true, true
	default:
		p.Returns, p.ReturningDML = ReturnsRows, s.modifies
		p.ReadOnlyShape, p.ReadOnlyMatters = !s.modifies && !r.marks.locks, r.marks.impure
	}
	return p
}

// updatesSettings reports whether the UPDATE that starts here is of the view pg_settings, whose rule is a set_config(). In a
// CTE Postgres refuses it.
func (r *reader) updatesSettings() bool {
	ahead := *r
	ahead.next()
	ahead.accept("ONLY")
	ahead.acceptChar('(') // ONLY (name)
	name, ok := ahead.name()
	if ok && name == "pg_catalog" && ahead.acceptChar('.') {
		name, _ = ahead.name()
	}
	return name == "pg_settings"
}

// shape reads the head of a query and stops at its main verb.
func (r *reader) shape(nesting int) shape {
	for r.acceptChar('(') {
	}
	if r.is("WITH") {
		if nesting == maxNesting {
			return shape{verb: VerbOther, modifies: true, cte: true}
		}
		return r.with(nesting)
	}
	s := shape{verb: VerbOther}
	switch {
	case r.is("SELECT"), r.is("VALUES"), r.is("TABLE"):
		s.verb = VerbSelect
	case r.is("INSERT"):
		s.verb = VerbInsert
	case r.is("UPDATE"):
		s.verb = VerbUpdate
	case r.is("DELETE"):
		s.verb = VerbDelete
	case r.is("MERGE"):
		s.verb = VerbMerge
	}
	s.modifies = s.verb.modifies()
	return s
}

// with reads a WITH clause and the head of the statement it belongs to.
func (r *reader) with(nesting int) shape {
	unclear := shape{verb: VerbOther, modifies: true, cte: true}
	r.next()
	if r.is("RECURSIVE") {
		if t, more := r.peek(); more && sqlscan.IsColID(r.sql, t) {
			r.next()
		}
	}
	modifies := false
	for {
		if _, ok := r.name(); !ok {
			return unclear
		}
		if outer := r.depth; r.isChar('(') {
			r.toDepth(outer - 1)
		}
		if !r.accept("AS") {
			return unclear
		}
		r.accept("NOT")
		r.accept("MATERIALIZED")
		if !r.isChar('(') {
			return unclear
		}
		outer := r.depth - 1
		modifies = r.shape(nesting+1).modifies || modifies
		r.toDepth(outer)
		r.searchAndCycle()
		if !r.acceptChar(',') {
			break
		}
	}
	s := r.shape(nesting + 1)
	s.modifies, s.cte = s.modifies || modifies, s.cte || modifies
	return s
}

// searchAndCycle skips the SEARCH and CYCLE clauses of a CTE.
func (r *reader) searchAndCycle() {
	if r.accept("SEARCH") {
		for r.more && !r.accept("SET") {
			r.next()
		}
		r.name()
	}
	if r.accept("CYCLE") {
		for r.more && !r.accept("USING") {
			r.next()
		}
		r.name()
	}
}

// explain classifies EXPLAIN and what it explains.
func (r *reader) explain(o Options) Plan {
	r.next()
	analyze := false
	if r.isChar('(') && r.optionsFollow() {
		analyze = r.explainOptions()
	} else {
		analyze = r.accept("ANALYZE") || r.accept("ANALYSE")
		r.accept("VERBOSE")
	}
	p := Plan{Verb: VerbUtility, Returns: ReturnsRows, calls: callsShown}
	if analyze {
		p.calls = callsMade
	}
	switch {
	case r.is("EXECUTE"):
		return refuse(FeatureExecute, "EXPLAIN EXECUTE")
	case r.is("DECLARE"): // only explained: no cursor comes of it
		return p
	case r.is("EXPLAIN"): // EXPLAIN does not take itself, and we do not recurse
		return Plan{Verb: VerbUtility, Returns: ReturnsRows}
	}
	inner := r.statement(o)
	switch {
	case inner.Kind == Refuse:
		return inner
	case inner.Kind != Forward || inner.Verb == VerbOther:
		return Plan{Verb: VerbUtility, Returns: ReturnsRows} // nothing that EXPLAIN takes
	}
	p.ReadOnlyShape, p.ModifyingCTE = !analyze, inner.ModifyingCTE
	p.Creates = analyze && inner.Creates
	p.ReturningDML = analyze && !inner.ReadOnlyShape
	p.Changes = analyze && (inner.Into || inner.asQuery || inner.Verb == VerbUtility)
	return p
}

// optionsFollow tells EXPLAIN (options) from EXPLAIN (query).
func (r *reader) optionsFollow() bool {
	ahead := *r
	ahead.next()
	if ahead.is("ANALYZE") || ahead.is("ANALYSE") {
		return true
	}
	if !ahead.more || !sqlscan.IsNonReserved(r.sql, ahead.tok) {
		return false
	}
	values := ahead.is("VALUES")
	ahead.next()
	return !values || !ahead.isChar('(')
}

// explainOptions reads the options and reports whether they may ask for execution.
func (r *reader) explainOptions() (analyze bool) {
	outer := r.depth - 1
	r.next()
	for r.more && r.depth > outer {
		name := ""
		if r.tok.IsIdent() {
			name = r.ident()
		}
		if name == "analyze" || name == "analyse" {
			analyze = !r.falsehood()
		}
		for r.more && r.depth > outer && !r.acceptChar(',') {
			r.next()
		}
	}
	r.next()
	return analyze
}

// falsehood reports whether the current token is an option's value that means false (defGetBoolean).
func (r *reader) falsehood() bool {
	value := ""
	switch {
	case !r.more:
	case r.tok.Kind == sqlscan.Number:
		value = r.tok.Text(r.sql)
	case r.tok.Kind == sqlscan.String:
		value, _ = sqlscan.StringValue(r.sql, r.tok)
	case r.tok.IsIdent():
		value = sqlscan.Ident(r.sql, r.tok)
	}
	return value == "0" || strings.EqualFold(value, "false") || strings.EqualFold(value, "off")
}

// temporary reports whether what follows the INTO of a SELECT is a temporary table.
func (r *reader) temporary() bool {
	r = &reader{sql: r.sql, scan: r.scan.At(r.marks.into), more: true}
	r.next()
	if (r.is("LOCAL") || r.is("GLOBAL")) && (r.nextIs("TEMP") || r.nextIs("TEMPORARY")) {
		return true
	}
	if r.is("TEMP") || r.is("TEMPORARY") {
		t, more := r.peek()
		return more && (sqlscan.Keyword(r.sql, t, "TABLE") || sqlscan.IsColID(r.sql, t))
	}
	if r.is("UNLOGGED") {
		r.next()
	}
	r.accept("TABLE")
	return r.temporarySchema()
}

// temporarySchema reports whether an object's name that starts here is in a temporary schema.
func (r *reader) temporarySchema() bool {
	ahead := *r
	for {
		name, ok := ahead.name()
		if !ok || !ahead.acceptChar('.') {
			return false
		}
		if name == "pg_temp" || strings.HasPrefix(name, "pg_temp_") {
			return true
		}
	}
}
