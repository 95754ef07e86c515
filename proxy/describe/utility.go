package describe

import (
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// describe says which of the ways a statement goes.
func (r *request) describe() (*Description, error) {
	s := r.st
	if !s.broken && len(s.toks) == 0 {
		return &Description{Params: append([]uint32(nil), r.q.Declared...)}, nil
	}
	if s.broken {
		return r.describeBroken()
	}
	lo, hi := s.unwrap(0, len(s.toks))
	h := s.head(lo, hi)
	switch {
	case r.q.Prepare && !(h.ok && (s.isAny(h.main, querying...) || s.char(h.main, '(') || s.isAny(h.main, modifying...))):
		return r.describeUnread()
	case s.is(lo, "WITH") && !h.ok:
		return r.describeUnread()
	case s.isAny(h.main, modifying...):
		if !r.returns(h.main, hi) {
			return r.describeNothing(r.whole())
		}
		return r.whenResolved(r.describeModifying)
	case s.isAny(h.main, querying...), s.char(h.main, '('):
		from, to, found, clean := s.into(0, len(s.toks))
		switch {
		case found && r.q.Prepare: // from Postgres 15 on PREPARE takes it
			return r.describeNothing(r.whole())
		case found:
			return r.describeInto(from, to, clean)
		case s.modifyingCTE(h.ctes):
			return r.whenResolved(r.describeModifying)
		}
		return r.whenResolved(r.describeQuery)
	}
	return r.describeUtility()
}

// returns reports whether the data-modifying statement whose verb is at main has a RETURNING clause.
func (r *request) returns(main, hi int) bool {
	if r.st.cut {
		return r.q.Plan.Returns != plan.ReturnsNothing
	}
	return r.st.returning(main, hi) < hi
}

// whenResolved describes once the declared types are known.
func (r *request) whenResolved(describe func() (*Description, error)) (*Description, error) {
	if err := r.resolve(); err != nil {
		return nil, err
	}
	return describe()
}

// describeBroken has the server say what is wrong with a text that must not be spliced.
func (r *request) describeBroken() (*Description, error) {
	if r.q.Prepare {
		return r.describeUnread()
	}
	if err := r.grammar(); err != nil {
		return nil, err
	}
	if r.st.several {
		return nil, pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	return r.unreadable()
}

// describeUnread has P say what is wrong with a statement whose words are not understood here.
func (r *request) describeUnread() (*Description, error) {
	if err := r.resolve(); err != nil {
		return nil, err
	}
	p, err := r.prepared(r.whole())
	if err != nil {
		return nil, err
	}
	return r.undescribed(p.types), nil
}

// unreadable is the answer to a statement that the server can read, but not we.
func (r *request) unreadable() (*Description, error) {
	params, err := r.onlyDeclared()
	if err != nil {
		return nil, err
	}
	return r.undescribed(params), nil
}

// grammarHead is a statement of its own before the text. It stands in front so that all that the parser says about the text's
// end stays true.
const grammarHead = "SELECT 1;\n"

// grammar returns the parser's error about the text, its position in it, nil if there is none. The text is sent as the second
// statement of one string: Postgres reads the string whole and refuses it for being several before anything of it runs
// (exec_parse_message in src/backend/tcop/postgres.c).
func (r *request) grammar() error {
	text := splice.Apply(r.q.Text, []splice.Edit{{New: grammarHead}})
	_, err := r.run(-1, upstream.Statement{SQL: text.SQL()})
	if err == nil {
		return nil // there was nothing in it
	}
	e := refusal(err)
	switch {
	case e == nil:
		return err
	case e.Code == pgerr.SyntaxError && e.Position == 0 && e.Routine == "exec_parse_message":
		return nil
	}
	return at(e, text.Back(e.Position))
}

// describeNothing describes what returns no rows: P of the span that is analysed.
func (r *request) describeNothing(s span) (*Description, error) {
	if err := r.resolve(); err != nil {
		return nil, err
	}
	p, err := r.prepared(s)
	if err != nil {
		return nil, err
	}
	return &Description{Params: r.reported(p.types)}, nil
}

// describeInto describes SELECT INTO, which PREPARE of Postgres 14 does not take: P without the clause, the tokens [from, to).
func (r *request) describeInto(from, to int, clean bool) (*Description, error) {
	if !clean {
		if err := r.grammar(); err != nil {
			return nil, err
		}
		return r.unreadable()
	}
	return r.describeNothing(r.withoutInto(r.whole(), from, to))
}

// withoutInto leaves the tokens [from, to) out of s.
func (r *request) withoutInto(s span, from, to int) span {
	s.cut = []splice.Edit{{Start: r.st.toks[from].Start, End: r.st.toks[to-1].End}}
	return s
}

// answeredHere are the kinds of statements that plan knows only if their grammar is right.
var answeredHere = map[plan.Kind]bool{
	plan.TransactionControl: true, plan.Deallocate: true, plan.Unlisten: true, plan.CloseCursors: true,
}

// describeUtility describes what is neither a query nor modifies rows.
func (r *request) describeUtility() (*Description, error) {
	s := r.st
	switch {
	case s.is(0, "SHOW"):
		return r.describeShow()
	case s.is(0, "EXPLAIN"):
		return r.describeExplain()
	case s.is(0, "CALL"):
		return r.describeCall()
	}
	if inner := s.inner(0, len(s.toks)); inner.found {
		if err := r.grammar(); err != nil {
			return nil, err
		}
		return r.describeInner(inner)
	}
	if !answeredHere[r.q.Plan.Kind] {
		if err := r.grammar(); err != nil {
			return nil, err
		}
	}
	params, err := r.onlyDeclared()
	if err != nil {
		return nil, err
	}
	if s.isAny(0, "FETCH", "EXECUTE") || r.q.Plan.Kind == plan.Forward && r.q.Plan.Verb == plan.VerbOther {
		return r.undescribed(params), nil
	}
	return &Description{Params: params}, nil
}

// describeShow runs SHOW, which does nothing else.
func (r *request) describeShow() (*Description, error) {
	a, err := r.run(-1, upstream.Statement{SQL: r.q.Text})
	if err != nil {
		if e := refusal(err); e != nil {
			return nil, e
		}
		return nil, err
	}
	params, err := r.onlyDeclared()
	if err != nil {
		return nil, err
	}
	return &Description{Params: params, Fields: a.results[0].fields, Rows: true}, nil
}

// inner is the query inside DECLARE, CREATE TABLE AS and CREATE MATERIALIZED VIEW: Postgres analyses it at Parse.
type inner struct {
	found        bool
	lo, hi       int
	materialized bool
}

// inner finds the query in the utility statement [lo, hi).
func (s *statement) inner(lo, hi int) inner {
	at := hi
	in := inner{hi: hi}
	switch {
	case s.is(lo, "DECLARE"):
		at = s.clause(lo, hi, "FOR")
	case s.is(lo, "CREATE"):
		i := lo + 1
		for s.isAny(i, "LOCAL", "GLOBAL", "TEMPORARY", "TEMP", "UNLOGGED") {
			i++
		}
		if in.materialized = s.is(i, "MATERIALIZED") && s.is(i+1, "VIEW"); in.materialized || s.is(i, "TABLE") {
			at = s.clause(i, hi, "AS")
			switch {
			case s.is(hi-1, "DATA") && s.is(hi-2, "NO") && s.is(hi-3, "WITH"):
				in.hi = hi - 3
			case s.is(hi-1, "DATA") && s.is(hi-2, "WITH"):
				in.hi = hi - 2
			}
		}
	}
	in.lo = at + 1
	in.found = in.lo < in.hi && s.preparable(in.lo, in.hi)
	return in
}

// preparable reports whether PREPARE takes what starts at lo.
func (s *statement) preparable(lo, hi int) bool {
	h := s.head(lo, hi)
	return h.ok && (s.isAny(h.main, querying...) || s.char(h.main, '(') || s.isAny(h.main, modifying...))
}

// describeInner describes a utility statement by the query in it.
func (r *request) describeInner(in inner) (*Description, error) {
	s := span{lo: r.st.toks[in.lo].Start, hi: len(r.q.Text)}
	if in.hi < len(r.st.toks) {
		s.hi = r.st.toks[in.hi-1].End
	}
	d, err := r.describeNothing(s)
	if err == nil && in.materialized && r.st.params > 0 {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "materialized views may not be defined using bound parameters")
	}
	return d, err
}

// describeExplain describes EXPLAIN: one column, and the parameters of what it explains.
func (r *request) describeExplain() (*Description, error) {
	s := r.st
	head := s.explain()
	hi := len(s.toks)
	in := s.inner(head.next, hi)
	if !in.found && s.preparable(head.next, hi) {
		in = inner{found: true, lo: head.next, hi: hi}
	}
	if !head.clean || !in.found || !s.preparable(head.next, hi) {
		if err := r.grammar(); err != nil {
			return nil, err
		}
	}
	d := &Description{}
	var err error
	switch from, to, into, clean := s.into(in.lo, in.hi); {
	case !in.found:
		d.Params, err = r.onlyDeclared()
	case into && clean && s.preparable(head.next, hi):
		d, err = r.describeNothing(r.withoutInto(span{lo: s.toks[in.lo].Start, hi: len(r.q.Text)}, from, to))
	default:
		d, err = r.describeInner(in)
	}
	if err != nil {
		return nil, err
	}
	if head.noFormat {
		return nil, pgerr.New(pgerr.SyntaxError, "format requires a parameter")
	}
	d.Rows = true
	d.Fields = []upstream.Field{{Name: "QUERY PLAN", TypeOID: oidText, TypeSize: -1, TypeMod: -1}}
	switch head.format {
	case "json":
		d.Fields[0].TypeOID = oidJSON
	case "xml":
		d.Fields[0].TypeOID = oidXML
	}
	return d, nil
}

// explainHead is what stands before the statement in EXPLAIN.
type explainHead struct {
	next     int    // where the statement starts
	clean    bool   // the options are as simple as can be
	format   string // the last value of FORMAT
	noFormat bool   // FORMAT without a value
}

// explain reads the head of EXPLAIN.
func (s *statement) explain() explainHead {
	h := explainHead{next: 1, clean: true}
	if !s.char(1, '(') || !s.optionsFollow() {
		if s.isAny(h.next, "ANALYZE", "ANALYSE") {
			h.next++
		}
		if s.is(h.next, "VERBOSE") {
			h.next++
		}
		return h
	}
	end := s.closing(1)
	for i := 2; i < end; i++ {
		lo := i
		for i < end && !(s.char(i, ',') && s.toks[i].depth == s.toks[lo].depth) {
			i++
		}
		h.option(s, lo, i)
		h.clean = h.clean && i != end-1 // a comma before the parenthesis
	}
	h.next = end + 1
	return h
}

// option reads the option [lo, hi): a name and at most one value.
func (h *explainHead) option(s *statement, lo, hi int) {
	if lo >= hi || hi-lo > 2 || !s.toks[lo].IsIdent() {
		h.clean = false
		return
	}
	name := sqlscan.Ident(s.sql, s.toks[lo].Token)
	h.clean = h.clean && (s.isAny(lo, "ANALYZE", "ANALYSE") || sqlscan.IsNonReserved(s.sql, s.toks[lo].Token))
	value := ""
	if hi-lo == 2 {
		t := s.toks[lo+1].Token
		switch t.Kind {
		case sqlscan.Number:
			value = t.Text(s.sql)
		case sqlscan.String:
			value, _ = sqlscan.StringValue(s.sql, t)
		default:
			value = sqlscan.Ident(s.sql, t)
			h.clean = h.clean && (sqlscan.IsNonReserved(s.sql, t) || s.isAny(lo+1, "TRUE", "FALSE", "ON"))
		}
	}
	if name == "format" {
		h.format, h.noFormat = value, h.noFormat || hi-lo == 1
	}
}

// optionsFollow tells EXPLAIN (options) from EXPLAIN (query).
func (s *statement) optionsFollow() bool {
	if s.isAny(2, "ANALYZE", "ANALYSE") {
		return true
	}
	return len(s.toks) > 2 && sqlscan.IsNonReserved(s.sql, s.toks[2].Token) && !(s.is(2, "VALUES") && s.char(3, '('))
}
