package describe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxProcedures bounds the procedures of one name that are looked at.
const maxProcedures = 100

// proceduresSQL finds the procedures that CALL of a name and a number of arguments may mean. Of each: the types of all
// arguments, their modes, the names of those that come out, and whether one is of a polymorphic type.
const proceduresSQL = "SELECT a.types, p.proargmodes::pg_catalog.text[], p.proargnames::pg_catalog.text[], " +
	"EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE t.oid OPERATOR(pg_catalog.=) ANY (a.types) AND t.typtype OPERATOR(pg_catalog.=) 'p'::pg_catalog.\"char\"), " +
	"p.provariadic OPERATOR(pg_catalog.<>) 0::pg_catalog.oid " +
	"FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace, " +
	"LATERAL (SELECT COALESCE(p.proallargtypes, ARRAY(SELECT pg_catalog.unnest(p.proargtypes))) AS types) AS a " +
	"WHERE p.prokind OPERATOR(pg_catalog.=) 'p'::pg_catalog.\"char\" AND p.proname OPERATOR(pg_catalog.=) $1::pg_catalog.name " +
	"AND CASE WHEN $2::pg_catalog.text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid) " +
	"ELSE n.nspname OPERATOR(pg_catalog.=) $2::pg_catalog.name END " +
	"AND (p.provariadic OPERATOR(pg_catalog.<>) 0::pg_catalog.oid OR $3::pg_catalog.int4 OPERATOR(pg_catalog.<=) pg_catalog.cardinality(a.types) " +
	"AND $3::pg_catalog.int4 OPERATOR(pg_catalog.>=) (pg_catalog.cardinality(a.types) OPERATOR(pg_catalog.-) p.pronargdefaults)) LIMIT 101"

// Modes of arguments in pg_proc.proargmodes.
const (
	modeOut   = "o"
	modeInOut = "b"
	modeTable = "t"
)

// procedure is one that CALL may mean.
type procedure struct {
	types        []uint32
	modes, names []string // one for each type, or none
	unclear      bool     // polymorphic or variadic
}

// call is what the words of CALL say.
type call struct {
	name, schema string // schema "" without
	args         [][2]int
	ok           bool
}

// describeCall describes CALL by the catalog. What that does not show is refused at Describe, never guessed.
func (r *request) describeCall() (*Description, error) {
	if err := r.grammar(); err != nil {
		return nil, err
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	c := r.st.call()
	params := r.reported(nil)
	if !c.ok {
		return r.undescribedCall(params)
	}
	candidates, err := r.procedures(c)
	if err != nil {
		return nil, err
	}
	if err := r.callable(candidates); err != nil {
		return nil, err
	}
	if complete(params) && silent(candidates) {
		return &Description{Params: params}, nil
	}
	if len(candidates) != 1 || candidates[0].unclear {
		return r.undescribedCall(params)
	}
	p := candidates[0]
	for i, a := range c.args {
		if a[1] != a[0]+1 || r.st.toks[a[0]].Kind != sqlscan.Param {
			continue
		}
		if n := paramNumber(r.st.text(a[0], a[1])); n >= 1 && params[n-1] == 0 {
			params[n-1] = p.types[i]
		}
	}
	if !complete(params) {
		return r.undescribedCall(params)
	}
	return r.outputs(p, params)
}

// complete reports whether every parameter has a type.
func complete(params []uint32) bool { return !slices.Contains(params, 0) }

// silent reports whether there are candidates, none of which returns anything: then it does not matter which one is meant.
func silent(candidates []procedure) bool {
	for _, c := range candidates {
		for _, m := range c.modes {
			if m == modeOut || m == modeInOut || m == modeTable {
				return false
			}
		}
	}
	return len(candidates) > 0
}

// callable returns what Postgres has against the name and the arguments. P takes no CALL, but a SELECT of the same words is
// read alike, up to the error that this is a procedure. With pure output arguments it is not: those are no part of it.
func (r *request) callable(candidates []procedure) error {
	for _, c := range candidates {
		for _, m := range c.modes {
			if m == modeOut {
				return nil
			}
		}
	}
	s := r.whole()
	verb := r.st.toks[0]
	s.cut = []splice.Edit{{Start: verb.Start, End: verb.End, New: "SELECT"}}
	_, err := r.prepared(s)
	e, ok := err.(*pgerr.Error) // as it is: a refusal
	switch {
	case !ok:
		return err
	case e.Code == "42809": // wrong_object_type
		return nil
	case e.Code == "42883" || e.Code == "42725": // undefined_function, ambiguous_function
		said := *e
		said.Message = strings.Replace(said.Message, "function ", "procedure ", 1)
		said.Hint = strings.Replace(said.Hint, "No function ", "No procedure ", 1)
		said.Hint = strings.Replace(said.Hint, "best candidate function", "best candidate procedure", 1)
		return &said
	}
	return e
}

// undescribedCall refuses. Parse succeeds if the client itself has said what its parameters are.
func (r *request) undescribedCall(params []uint32) (*Description, error) {
	e := pgerr.Unsupported("Describe of this CALL",
		"Declare the types of all parameters, or give the procedure a name of its own and plain parameters.")
	if !complete(params) {
		return nil, e
	}
	return &Description{Params: params, Rows: true, Err: e}, nil
}

// outputs describes the row of the output arguments.
func (r *request) outputs(p procedure, params []uint32) (*Description, error) {
	d := &Description{Params: params}
	var types []uint32
	var names []string
	for i := range p.modes {
		if m := p.modes[i]; m != modeOut && m != modeInOut && m != modeTable {
			continue
		}
		types = append(types, p.types[i])
		name := ""
		if i < len(p.names) {
			name = p.names[i]
		}
		if name == "" {
			name = "column" + strconv.Itoa(len(types))
		}
		names = append(names, name)
	}
	if len(types) == 0 {
		return d, nil
	}
	found, err := r.named(distinct(types))
	if err != nil {
		return nil, err
	}
	list := make([]string, len(types))
	for i, oid := range types {
		list[i] = "NULL::" + found[oid].Name
	}
	a, err := r.run(-1, upstream.Statement{SQL: wrap("SELECT "+strings.Join(list, ", "), nil, false)})
	if err != nil {
		return nil, err
	}
	d.Rows, d.Fields = true, a.results[0].fields
	for i := range d.Fields {
		d.Fields[i].Name = names[i]
	}
	return d, nil
}

// call reads CALL [schema.]name(arguments).
func (s *statement) call() (c call) {
	i := 1
	var parts []string
	for i < len(s.toks) && s.toks[i].IsIdent() {
		var name string
		name, i = s.name(i)
		parts = append(parts, name)
		if !s.char(i, '.') {
			break
		}
		i++
	}
	if !s.char(i, '(') || len(parts) == 0 || len(parts) > 2 || s.cut || s.closing(i) != len(s.toks)-1 {
		return c
	}
	c.name = parts[len(parts)-1]
	if len(parts) == 2 {
		c.schema = parts[0]
	}
	end := len(s.toks) - 1
	lo := i + 1
	for j := lo; j <= end; j++ {
		if j < end && !(s.char(j, ',') && s.toks[j].depth == s.toks[i].depth+1) {
			if t := s.toks[j].Text(s.sql); s.toks[j].depth == s.toks[i].depth+1 && (t == "=>" || t == ":=") || s.is(j, "VARIADIC") {
				return c // named and variadic arguments
			}
			continue
		}
		if j > lo {
			c.args = append(c.args, [2]int{lo, j})
		}
		lo = j + 1
	}
	c.ok = c.name != ""
	return c
}

// procedures asks for the procedures that c may mean.
func (r *request) procedures(c call) ([]procedure, error) {
	params := [][]byte{[]byte(c.name), nil, []byte(strconv.Itoa(len(c.args)))}
	if c.schema != "" {
		params[1] = []byte(c.schema)
	}
	a, err := r.run(0, upstream.Statement{SQL: proceduresSQL, Params: params})
	if err != nil {
		return nil, err
	}
	var found []procedure
	for _, row := range a.results[0].rows {
		if len(row) != 5 {
			return nil, malformed()
		}
		p := procedure{modes: texts(row[1]), names: texts(row[2]), unclear: row[3].text == "t" || row[4].text == "t"}
		if p.types, err = oids(row[0]); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	if len(found) > maxProcedures {
		return nil, nil
	}
	return found, nil
}
