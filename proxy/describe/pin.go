package describe

import (
	"context"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
)

// Pinned is a statement in the words in which it is executed.
type Pinned struct {
	// Text is the statement; its Back maps the positions of errors.
	Text splice.Text
	// Params are the parameters that Text has, in its order, as indexes of those that the client sends; nil: all as they are.
	// What is left out was declared and occurs nowhere.
	Params []int
}

// Pin gives the text of q in which parameter i has the type types[i], however the upstream would infer it: declared by the
// client, or told it by Describe. 0 leaves the parameter alone, and so does a pseudo-type, one that is none of the server's,
// and one in a schema that the role may not use. There are two forms:
//
//   - WITH pin_ AS (SELECT $1::pg_catalog.int4, ...) before a query and behind the WITH of whatever has one. WITH is analysed
//     first, and a SELECT in it that nothing refers to is never planned.
//   - ($1::pg_catalog.int4) for each $1 of INSERT, UPDATE, DELETE and MERGE without WITH, because a table with rules may refuse
//     a WITH, and of CALL, which has none. The first form is taken there too if a cast could give a column another name (a $1
//     that a SELECT or RETURNING may return as it is) or make sense of what is none (IN $1).
//
// Inside EXPLAIN, DECLARE, CREATE TABLE AS and CREATE MATERIALIZED VIEW AS it is the inner statement that is pinned. A text whose
// quotes, comments or brackets do not balance stays as it is. The error is ask's, of reading the types.
func (d *Describer) Pin(ctx context.Context, ask catalog.Asker, q Query, types []uint32) (Pinned, error) {
	if len(types) == 0 {
		return Pinned{Text: splice.Apply(q.Text, nil)}, nil
	}
	known, err := d.types.Get(ctx, ask, types)
	if err != nil {
		return Pinned{}, err
	}
	return pin(q.Text, q.StandardConforming, types, known), nil
}

// Repin is Pin after [Pinned.Stale]: the names of the types are read anew.
func (d *Describer) Repin(ctx context.Context, ask catalog.Asker, q Query, types []uint32) (Pinned, error) {
	d.types.Forget(types...)
	return d.Pin(ctx, ask, q, types)
}

// Stale reports whether e, the error of executing Text with its position as the upstream gave it, says that a type's name
// is not what it was: it was renamed, moved or dropped. Nothing has run then; Repin and execute once more.
func (p Pinned) Stale(e *pgerr.Error) bool {
	switch e.Code {
	case "42704", "3F000", "42501", "42601":
		return p.Text.Inserted(e.Position)
	}
	return false
}

// pin is Pin with the types' names.
func pin(sql string, standardConforming bool, types []uint32, known map[uint32]catalog.Type) Pinned {
	s := scanPins(sql, standardConforming)
	asItIs := Pinned{Text: splice.Apply(sql, nil)}
	if s.broken || s.highest > maxParams || len(types) > maxParams {
		return asItIs
	}
	p := pinning{sql: sql, scan: s, count: max(s.highest, len(types)), types: types, known: known}
	switch {
	case s.shape == opaque: // Postgres looks for no parameters there, whatever was declared
		return Pinned{Text: asItIs.Text, Params: p.firstOf(0)}
	case s.shape == casts && !p.casting():
		return p.prefix()
	case s.shape == casts || s.shape == calls:
		return p.casts()
	}
	return p.prefix()
}

// pinning is one call of pin.
type pinning struct {
	sql   string
	scan  pinScan
	count int // parameters that the client sends at most
	types []uint32
	known map[uint32]catalog.Type
}

// name is the name of the type that parameter i is pinned to, "" if it is left alone.
func (p *pinning) name(i int) string {
	if i >= len(p.types) {
		return ""
	}
	t, ok := p.known[p.types[i]]
	if !ok || t.Pseudo() || !t.Usable {
		return ""
	}
	return t.Name
}

// given reports whether parameter i has a type at all. An unused one without is an error that the server says.
func (p *pinning) given(i int) bool { return i < len(p.types) && !undeclared(p.types[i]) }

// firstOf is Params for a text that has the first n parameters.
func (p *pinning) firstOf(n int) []int {
	if n >= p.count {
		return nil
	}
	params := make([]int, n)
	for i := range params {
		params[i] = i
	}
	return params
}

// casting reports whether every use that would be cast stands where a cast changes nothing else.
func (p *pinning) casting() bool {
	if p.scan.many {
		return false
	}
	for _, u := range p.scan.uses {
		if p.name(u.n-1) != "" && (!u.plain || p.scan.selects && u.item || u.returned) {
			return false
		}
	}
	return true
}

// casts is the form of a cast at each use. Unused parameters are dropped and the others numbered anew.
func (p *pinning) casts() Pinned {
	if p.scan.many {
		return Pinned{Text: splice.Apply(p.sql, nil), Params: p.firstOf(p.scan.highest)}
	}
	params := make([]int, 0, p.count)
	number := make([]int, p.count+1) // by the number in sql, the one in the text
	for i := range p.count {
		if p.scan.used(i+1) || i < p.scan.highest && !p.given(i) {
			params = append(params, i)
			number[i+1] = len(params)
		}
	}
	if len(params) == p.count {
		params = nil
	}
	var edits []splice.Edit
	for _, u := range p.scan.uses {
		param := "$" + strconv.Itoa(number[u.n])
		switch name := p.name(u.n - 1); {
		case name != "" && u.plain:
			edits = append(edits, splice.Edit{Start: u.start, End: u.end, New: "(" + param + "::" + name + ")"})
		case number[u.n] != u.n:
			edits = append(edits, splice.Edit{Start: u.start, End: u.end, New: param})
		}
	}
	return Pinned{Text: splice.Apply(p.sql, edits), Params: params}
}

// maxPins bounds a list of the CTE; a SELECT may have 1664 columns.
const maxPins = 1000

// prefix is the form of a CTE, where unused parameters stand too: their values are read as the declared types, as they
// would be, and those of a pseudo-type as text, which takes any.
func (p *pinning) prefix() Pinned {
	highest := p.scan.highest
	var columns []string
	for i := range p.count {
		name := p.name(i)
		if name == "" && !p.scan.used(i+1) && p.given(i) {
			name = "pg_catalog.text"
		}
		if name != "" {
			columns = append(columns, "$"+strconv.Itoa(i+1)+"::"+name)
			highest = max(highest, i+1)
		}
	}
	params := p.firstOf(highest)
	if len(columns) == 0 {
		return Pinned{Text: splice.Apply(p.sql, nil), Params: params}
	}
	var b strings.Builder
	b.WriteString(" ")
	if !p.scan.with {
		b.WriteString("WITH ")
	}
	b.WriteString(splice.FreshName("pin", p.sql) + " AS (SELECT ")
	if len(columns) <= maxPins {
		b.WriteString(strings.Join(columns, ", "))
	} else {
		before := "FROM "
		for n := 1; len(columns) > 0; n++ {
			cut := min(len(columns), maxPins)
			b.WriteString(before + "(SELECT " + strings.Join(columns[:cut], ", ") + ") AS c" + strconv.Itoa(n))
			columns, before = columns[cut:], ", "
		}
	}
	if p.scan.with {
		b.WriteString("),")
	} else {
		b.WriteString(") ")
	}
	at := p.scan.place
	return Pinned{Text: splice.Apply(p.sql, []splice.Edit{{Start: at, End: at, New: b.String()}}), Params: params}
}
