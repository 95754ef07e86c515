package describe

import (
	"slices"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// freshIn is a name that s does not use.
func freshIn(s *statement, base string) string { return splice.FreshName(base, s.sql) }

// describeModifying describes a data-modifying statement that returns rows, or a query over data-modifying CTEs: P, and R for
// the columns.
func (r *request) describeModifying() (*Description, error) {
	query, ok, err := r.rewritten()
	if err != nil {
		return nil, err
	}
	if !ok {
		return r.describeUnread()
	}
	// With all types at hand, one request does both.
	rows, typed := rowsStatement(query, r.q.StandardConforming, func(n int) string {
		if n > len(r.declared) {
			return ""
		}
		return r.declared[n-1].typed
	})
	var behind []upstream.Statement
	if typed {
		behind = append(behind, rows)
	}
	p, results, err := r.preparedWith(r.whole(), behind...)
	switch {
	case err != nil:
		return nil, err
	case len(results) > 0:
		return r.crossChecked(p, results[0].fields)
	}
	d, err := r.withRows(query, p.types, false)
	if err != nil || d.Err != nil {
		return d, err
	}
	return r.crossChecked(p, d.Fields)
}

// crossChecked is the description, if its columns have the types that the server has for the statement itself, where it
// says them.
func (r *request) crossChecked(p preparation, fields []upstream.Field) (*Description, error) {
	d := &Description{Params: r.reported(p.types), Rows: true, Fields: fields}
	if p.results == nil {
		return d, nil
	}
	same, err := r.sameTypes(p.results, fields)
	switch {
	case err != nil:
		return nil, err
	case !same:
		return r.undescribed(p.types), nil
	}
	return d, nil
}

// sameTypes compares the types of columns; a RowDescription has the base type of a domain.
func (r *request) sameTypes(results []uint32, fields []upstream.Field) (bool, error) {
	if len(results) != len(fields) {
		return false, nil
	}
	var domains []uint32
	for i, f := range fields {
		if results[i] != f.TypeOID {
			domains = append(domains, results[i])
		}
	}
	if len(domains) == 0 {
		return true, nil
	}
	types, err := r.named(distinct(domains))
	if err != nil {
		return false, err
	}
	for i, f := range fields {
		if results[i] != f.TypeOID && types[results[i]].Base != f.TypeOID {
			return false, nil
		}
	}
	return true, nil
}

// undescribed is the description of a statement that is right but whose columns could not be found out.
func (r *request) undescribed(types []uint32) *Description {
	return &Description{Params: r.reported(types), Rows: true, Err: unsupported()}
}

func unsupported() *pgerr.Error {
	return pgerr.Unsupported("Describe of this statement", "Execute it without asking for a description first.")
}

// rewritten is the query that has the columns of the statement; false if there is none.
func (r *request) rewritten() (query string, ok bool, err error) {
	if r.st.cut {
		return "", false, nil
	}
	w := &rewriting{statement: r.st}
	query, ok = w.query(0, len(r.st.toks), true)
	if ok && len(w.hidden) > 0 {
		tables, err := r.inSchemas(w.hidden)
		if err != nil {
			return "", false, err
		}
		w = &rewriting{statement: r.st, tables: tables}
		query, ok = w.query(0, len(r.st.toks), true)
		ok = ok && len(w.hidden) == 0
	}
	return query, ok && !read(query, r.q.StandardConforming).broken, nil
}

// maxHidden bounds the tables whose schemas are asked for.
const maxHidden = 16

// inSchemas gives tables their schemas' names. What is no table has none.
func (r *request) inSchemas(names []string) (map[string]string, error) {
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > maxHidden {
		return nil, nil
	}
	var ask []upstream.Statement
	for _, name := range names {
		ask = append(ask, upstream.Statement{SQL: "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS c " +
			"JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace " +
			"WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)", Params: [][]byte{[]byte(name)}})
	}
	a, err := r.run(0, ask...)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for i, name := range names {
		if v, err := a.single(i); err == nil {
			found[name] = v.text
		}
	}
	return found, nil
}
