package describe

import (
	"crypto/rand"
	"strings"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// preparation is what P found.
type preparation struct {
	types   []uint32 // of all parameters
	results []uint32 // of the columns; nil before Postgres 16 and if there are none
}

// span is the part of a text that is prepared, with what is to be left out of it.
type span struct {
	lo, hi int // bytes
	cut    []splice.Edit
}

// whole is the statement with all that stands around it, but for leading semicolons. From a text that is broken nothing is
// taken.
func (r *request) whole() span {
	if r.st.broken {
		return span{hi: len(r.q.Text)}
	}
	return span{lo: r.st.start, hi: len(r.q.Text)}
}

// prepared is P: it has the server analyse, and neither plan nor run, a query or data-modifying statement. The error is the
// statement's own, its position in the text.
func (r *request) prepared(s span) (preparation, error) {
	p, _, err := r.preparedWith(s)
	return p, err
}

// preparedWith is P with further statements behind it, whose results come back too: nil if the server refuses one of them
// while P alone is fine.
func (r *request) preparedWith(s span, more ...upstream.Statement) (preparation, []result, error) {
	name := splice.FreshName("nxd", r.q.Text)
	for again := false; ; again = true {
		head := "PREPARE " + name + r.typeList() + " AS "
		edits := append([]splice.Edit{{Start: 0, End: s.lo, New: head}}, s.cut...)
		if s.hi < len(r.q.Text) {
			edits = append(edits, splice.Edit{Start: s.hi, End: len(r.q.Text)})
		}
		text := splice.Apply(r.q.Text, edits)
		patience := r.patience()
		statements := append(patience, upstream.Statement{SQL: text.SQL()}, upstream.Statement{SQL: readPrepared(name)}, upstream.Statement{SQL: "DEALLOCATE " + name})
		a, err := r.run(len(patience)+1, append(statements, more...)...)
		if err == nil {
			a.results = a.results[len(patience):]
			p, err := a.preparation()
			return p, a.results[3:], err
		}
		e := refusal(err)
		switch {
		case e == nil:
			return preparation{}, nil, err
		case e.Code == pgerr.DuplicatePreparedStatement && !again:
			name = strings.ToLower("nxd_" + rand.Text())
		case len(more) > 0: // whose error it is can only be seen when P is alone
			more = nil
			p, _, err := r.preparedWith(s)
			return p, nil, err
		default:
			return preparation{}, nil, at(e, r.original(e.Position, head, text))
		}
	}
}

// patience is what comes before PREPARE in a session with a statement_timeout: time must not be up between PREPARE and
// DEALLOCATE, no rollback takes back what is prepared.
func (r *request) patience() []upstream.Statement {
	if !strings.Contains(r.q.Settings, "statement_timeout") {
		return nil
	}
	return []upstream.Statement{{SQL: "SELECT pg_catalog.set_config(name, GREATEST(setting::pg_catalog.int8, 10000)::pg_catalog.text, true) " +
		"FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'statement_timeout'::pg_catalog.text AND setting OPERATOR(pg_catalog.<>) '0'::pg_catalog.text"}}
}

// original maps an error position in P's text back. In the type list it becomes a negative one.
func (r *request) original(position int32, head string, text splice.Text) int32 {
	if position < 1 || int(position) > utf8.RuneCountInString(head) {
		return text.Back(position)
	}
	if !r.q.Prepare {
		return 0
	}
	before := utf8.RuneCountInString(head[:strings.Index(head, r.q.TypeList)])
	return -max(0, position-int32(before))
}

// readPrepared asks what PREPARE found. The column result_types came with Postgres 16: where the view has none, the name
// means the one outside, which is NULL.
func readPrepared(name string) string {
	return "SELECT d.p, d.r FROM (SELECT NULL::pg_catalog.regtype[] AS result_types) AS v, LATERAL (" +
		"SELECT parameter_types::pg_catalog.oid[] AS p, result_types::pg_catalog.oid[] AS r " +
		"FROM pg_catalog.pg_prepared_statements WHERE name OPERATOR(pg_catalog.=) '" + name + "'::pg_catalog.text) AS d"
}

func (a *answer) preparation() (p preparation, err error) {
	if len(a.results[1].rows) != 1 || len(a.results[1].rows[0]) != 2 {
		return p, malformed()
	}
	row := a.results[1].rows[0]
	if p.types, err = oids(row[0]); err != nil || row[1].null {
		return p, err
	}
	p.results, err = oids(row[1])
	return p, err
}

// typeList declares the parameters of PREPARE.
func (r *request) typeList() string {
	if r.q.Prepare {
		return r.q.TypeList
	}
	names := make([]string, len(r.declared))
	some := len(r.declared) > r.st.params // what does not occur must be named to be seen
	for i, p := range r.declared {
		names[i] = p.typed
		if p.typed == "" {
			names[i] = "pg_catalog.unknown"
		} else {
			some = true
		}
	}
	if !some {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}
