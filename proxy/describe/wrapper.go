package describe

import (
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxColumns is how many columns one sub-select of parameters has; Postgres has a limit of 1664.
const maxColumns = 1000

// wrap is W: a query that has the columns of query, reads nothing and gives one row of NULLs.
//
// The parameters are typed first, because FROM is analysed before the columns and from left to right; then query infers what
// is left open; then, with types, a last column holds what became of all of them. The two OFFSET 0 keep the planner from
// pulling query up, and WHERE false between them makes it empty before it is planned: no function in it is called, not even
// an immutable one on constants, and no row is locked.
func wrap(query string, params []string, types bool) string {
	a, b, d := splice.FreshName("a", query), splice.FreshName("b", query), splice.FreshName("d", query)
	var sql strings.Builder
	sql.Grow(len(query) + 200 + 30*len(params))
	sql.WriteString("SELECT " + d + ".*")
	if types && len(params) > 0 {
		sql.WriteString(", ARRAY[")
		for i := range params {
			if i > 0 {
				sql.WriteByte(',')
			}
			sql.WriteString("pg_catalog.pg_typeof($" + strconv.Itoa(i+1) + ")")
		}
		sql.WriteString("]::pg_catalog.oid[]")
	}
	sql.WriteString(" FROM ")
	writeTyped(&sql, query, params)
	// A comment at the end of query ends at the line break.
	sql.WriteString(" LEFT JOIN (SELECT * FROM (SELECT * FROM (\n" + query + "\n) AS " + a + " OFFSET 0) AS " + b +
		" WHERE false OFFSET 0) AS " + d + " ON true")
	return sql.String()
}

// writeTyped writes the sub-selects that give parameters their types.
func writeTyped(sql *strings.Builder, query string, params []string) {
	tables, columns := 0, 0
	sql.WriteString("(SELECT ")
	for i, name := range params {
		if name == "" {
			continue
		}
		switch {
		case columns == maxColumns:
			tables, columns = tables+1, 0
			sql.WriteString(") AS " + splice.FreshName("p"+strconv.Itoa(tables), query) + ", (SELECT ")
		case columns > 0:
			sql.WriteByte(',')
		}
		columns++
		sql.WriteString("$" + strconv.Itoa(i+1) + "::" + name)
	}
	sql.WriteString(") AS " + splice.FreshName("p", query))
}

// nulls are n parameters.
func nulls(n int) [][]byte { return make([][]byte, n) }

// rowsStatement describes the columns of query, whose parameters have the types that name gives for $n: those that occur
// are numbered anew. False: one of them has none.
func rowsStatement(query string, standardConforming bool, name func(n int) string) (upstream.Statement, bool) {
	var edits []splice.Edit
	var params []string
	number := map[int]int{}
	scan := sqlscan.New(query, standardConforming)
	for t, ok := scan.Next(); ok; t, ok = scan.Next() {
		if t.Kind != sqlscan.Param {
			continue
		}
		n := paramNumber(t.Text(query))
		if number[n] == 0 {
			typed := name(n)
			if typed == "" {
				return upstream.Statement{}, false
			}
			params = append(params, typed)
			number[n] = len(params)
		}
		edits = append(edits, splice.Edit{Start: t.Start, End: t.End, New: "$" + strconv.Itoa(number[n])})
	}
	text := splice.Apply(query, edits)
	return upstream.Statement{SQL: wrap(text.SQL(), params, false), Params: nulls(len(params))}, true
}

// rows finds the fields of query when its parameters have these types; refused is what the server has against that. The
// domains among them are tried as what they are, which tells a column's length; where a NULL cannot be bound to one, its base
// type stands in. With base that is known.
func (r *request) rows(query string, types []uint32, base bool) (fields []upstream.Field, refused *pgerr.Error, err error) {
	names, err := r.named(distinct(types))
	if err != nil {
		return nil, nil, err
	}
	for {
		domains := false
		statement, ok := rowsStatement(query, r.q.StandardConforming, func(n int) string {
			if n < 1 || n > len(types) {
				return ""
			}
			t := names[types[n-1]]
			if base {
				return t.base
			}
			domains = domains || t.base != t.Name
			return t.Name
		})
		if !ok {
			return nil, unsupported(), nil
		}
		a, err := r.run(-1, statement)
		if err == nil {
			return a.results[0].fields, nil, nil
		}
		e := refusal(err)
		if e == nil {
			return nil, nil, err
		}
		if !domains || !noNull(e) {
			return nil, at(e, 0), nil
		}
		base = true
	}
}

// noNull reports whether e is a domain's, about a NULL.
func noNull(e *pgerr.Error) bool { return e.Class() == "23" }

// distinct is list without repetitions.
func distinct(list []uint32) []uint32 {
	seen := make(map[uint32]bool, len(list))
	var d []uint32
	for _, v := range list {
		if !seen[v] {
			seen[v] = true
			d = append(d, v)
		}
	}
	return d
}

// describeQuery describes a query by W. Whenever that fails P decides: its error is the one that Postgres has.
func (r *request) describeQuery() (*Description, error) {
	query := r.st.body()
	if r.q.TypeList != "" { // only PREPARE itself can read it
		p, err := r.prepared(r.whole())
		if err != nil {
			return nil, err
		}
		return r.withRows(query, p.types, false)
	}
	names := make([]string, len(r.declared))
	for i, p := range r.declared {
		names[i] = p.typed
	}
	a, err := r.run(0, upstream.Statement{SQL: wrap(query, names, true), Params: nulls(len(names))})
	if err == nil {
		return r.wrapped(a)
	}
	e := refusal(err)
	if e == nil {
		return nil, err
	}
	p, err := r.prepared(r.whole())
	if err != nil {
		return nil, err
	}
	if denied(e) {
		return &Description{Params: r.reported(p.types), Rows: true, Err: at(e, 0)}, nil
	}
	return r.withRows(query, p.types, noNull(e))
}

// wrapped reads W's answer.
func (r *request) wrapped(a *answer) (*Description, error) {
	d := &Description{Fields: a.results[0].fields, Rows: true}
	if len(r.declared) == 0 {
		return d, nil
	}
	v, err := a.single(0)
	if err != nil {
		return nil, err
	}
	found, err := oids(v)
	if err != nil {
		return nil, err
	}
	if len(found) != len(r.declared) || len(d.Fields) == 0 {
		return nil, malformed()
	}
	d.Params, d.Fields = r.reported(found), d.Fields[:len(d.Fields)-1:len(d.Fields)-1]
	return d, nil
}

// withRows completes a description whose parameter types P has found. What the server has against W is told at Describe: the
// statement itself was parsed.
func (r *request) withRows(query string, types []uint32, base bool) (*Description, error) {
	fields, refused, err := r.rows(query, types, base)
	if err != nil {
		return nil, err
	}
	return &Description{Params: r.reported(types), Rows: true, Fields: fields, Err: refused}, nil
}

// denied reports whether e is about what the role or the transaction may do, which Postgres looks at when a statement runs.
func denied(e *pgerr.Error) bool {
	return e.Code == pgerr.InsufficientPrivilege || e.Code == pgerr.ReadOnlySQLTransaction
}
