package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// prepare is SQL's PREPARE: the statement is kept as one of the protocol would be, and the server is asked at once.
func (s *Session) prepare(ctx context.Context, g *group, x *execution) error {
	p := x.plan.Prepare
	if err := g.nothingChanged(s, "PREPARE"); err != nil {
		return err
	}
	st := &preparedStatement{name: p.Name, plan: p.Inner, query: describe.Query{
		Text: p.Body, Plan: p.Inner, Prepare: true, TypeList: p.TypeList,
		Settings: s.settingsKey(), StandardConforming: s.planning().StandardConforming,
	}}
	st.literals = s.literalsOf(p.Body, s.planning())
	if err := s.ask(ctx, st); err != nil {
		return inPrepare(err, x)
	}
	if err := s.prepared.add(st); err != nil {
		return err
	}
	g.done("PREPARE")
	g.members[len(g.members)-1].parse = st
	return nil
}

// inPrepare is an error of asking about PREPARE's statement with its position in the client's query string. One in the type list comes
// as a negative position, counted from there.
func inPrepare(err error, x *execution) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || e.Position == 0 {
		return err
	}
	p := x.plan.Prepare
	start := p.BodyStart
	if e.Position < 0 {
		start = max(strings.Index(x.text, p.TypeList), 0)
	}
	c := *e
	c.Position = max(c.Position, -c.Position) + int32(x.charStart+utf8.RuneCountInString(x.text[:start]))
	return &c
}

// nothingChanged refuses to ask the server about a statement where earlier ones of the group, which have not been sent yet, may
// change what the answer is.
func (g *group) nothingChanged(s *Session, command string) *pgerr.Error {
	if !g.changes && len(g.assigned) == 0 {
		return nil
	}
	s.unsupported("prepare_behind_change")
	return pgerr.Unsupported(command+" behind a statement of the same query string that may change what it means", "Send it as a query of its own.")
}

// movedBy is err with its position moved by that many characters.
func movedBy(err error, characters int) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || e.Position == 0 {
		return err
	}
	c := *e
	c.Position += int32(characters)
	return &c
}

// executePrepared is SQL's EXECUTE: what it executes is sent in its place, with the arguments as parameters.
func (s *Session) executePrepared(ctx context.Context, g *group, x *execution) error {
	e := x.plan.Execute
	st := x.executes
	if !x.fixed {
		st = s.prepared.byName[e.Name]
	}
	if st == nil {
		return unknownStatement(e.Name)
	}
	if s.here(st) || st.plan.Kind != plan.Forward {
		s.unsupported("execute")
		return pgerr.Unsupported("EXECUTE of a prepared statement that is answered without the server", "Send the statement itself.")
	}
	if st.description == nil {
		if err := g.nothingChanged(s, "EXECUTE"); err != nil {
			return err
		}
	}
	if err := s.ask(ctx, st); err != nil {
		return err
	}
	if want := len(st.description.Params); want > 0 && e.Count != want { // of a statement without parameters nobody counts
		return pgerr.New(pgerr.SyntaxError, `wrong number of parameters for prepared statement "%s"`, e.Name).
			WithDetail("Expected %d parameters but got %d.", want, e.Count)
	}
	if err := s.stillWrites(ctx, st); err != nil {
		return err
	}
	params, err := s.arguments(ctx, g, x, st)
	if err != nil {
		return err
	}
	y := *x
	y.plan, y.text, y.params, y.from = st.plan, st.query.Text, params, st
	y.sql = splice.Apply(y.text, nil)
	y.prepared, y.conforming = x, st.query.StandardConforming
	return s.forward(ctx, g, &y)
}

// arguments evaluates EXECUTE's arguments: literals here, everything else by the server.
func (s *Session) arguments(ctx context.Context, g *group, x *execution, st *preparedStatement) ([][]byte, error) {
	args := x.plan.Execute.Args[:len(st.description.Params)]
	params := make([][]byte, len(args))
	for i, a := range args {
		v, ok := literal(a, st.description.Params[i], x.params)
		if !ok {
			return s.evaluated(ctx, g, x, st)
		}
		params[i] = v
	}
	return params, nil
}

// literal gives the text of an argument that needs no server to be a value of that type.
func literal(a plan.Arg, oid uint32, bound [][]byte) (value []byte, ok bool) {
	switch a.Kind {
	case plan.ArgNull:
		return nil, true
	case plan.ArgString:
		return []byte(a.Value), true
	case plan.ArgParam:
		if a.Param < 1 || a.Param > len(bound) {
			return nil, false
		}
		return bound[a.Param-1], true
	case plan.ArgBool:
		return []byte(a.Value), oid == pgtype.BoolOID
	case plan.ArgNumber:
		switch oid {
		case pgtype.NumericOID:
			return []byte(a.Value), true
		case pgtype.Int2OID:
			return integer(a.Value, 16)
		case pgtype.Int4OID:
			return integer(a.Value, 32)
		case pgtype.Int8OID:
			return integer(a.Value, 64)
		}
	}
	return nil, false
}

func integer(literal string, bits int) (value []byte, ok bool) {
	_, err := strconv.ParseInt(literal, 10, bits)
	return []byte(literal), err == nil
}

// argumentError is e with its place in EXECUTE's text, where it is about the value of an argument: the server was given a parameter.
func (g *group) argumentError(e *pgerr.Error) *pgerr.Error {
	m, n := g.failedBind(e)
	if m == nil || m.exec.prepared == nil {
		return e
	}
	x := m.exec.prepared
	args := x.plan.Execute.Args
	if n > len(args) {
		return e
	}
	c := *e
	c.Where = ""
	c.Position = int32(x.charStart + utf8.RuneCountInString(x.text[:args[n-1].Start]) + 1)
	return &c
}

// evaluated has the server evaluate the arguments as EXECUTE does, each once and as its parameter's type, by a prepared statement
// that gives back its parameters. Should the request fail and its name outlive it, it holds nothing of the client's.
func (s *Session) evaluated(ctx context.Context, g *group, x *execution, st *preparedStatement) ([][]byte, error) {
	if g.snapshot || g.changes || len(g.assigned) > 0 || g.explicit {
		s.unsupported("execute_expression")
		return nil, pgerr.Unsupported("EXECUTE with an argument that is no literal, behind other statements of its transaction", "Send it as a query of its own.")
	}
	if x.plan.Calls != nil {
		s.unsupported("execute_expression")
		return nil, pgerr.Unsupported("EXECUTE with an argument that reads or changes settings", "Read or change them in a query of its own.")
	}
	args := x.plan.Execute.Args
	for _, a := range args {
		if strings.Contains(x.text[a.Start:a.End], "$") && len(x.params) > 0 {
			s.unsupported("execute_expression")
			return nil, pgerr.Unsupported("EXECUTE with a parameter inside an expression", "Let the argument be the parameter alone.")
		}
	}
	oids := st.description.Params
	types, err := s.route.Types.Get(ctx, asker{s}, oids)
	if err != nil {
		return nil, err
	}
	names, columns := make([]string, len(oids)), make([]string, len(oids))
	for i, oid := range oids {
		t, ok := types[oid]
		if !ok {
			return nil, pgerr.New("42704", "type with OID %d does not exist", oid)
		}
		names[i], columns[i] = t.Name, "$"+strconv.Itoa(i+1)
	}
	name := "nx_" + strings.ToLower(rand.Text())
	before := "EXECUTE " + name + "("
	row := &oneRow{statement: 1, values: make([][]byte, len(oids))}
	err = asker{s}.Ask(ctx, []upstream.Statement{
		{SQL: "PREPARE " + name + " (" + strings.Join(names, ", ") + ") AS SELECT " + strings.Join(columns, ", ")},
		{SQL: before + x.text[args[0].Start:args[len(args)-1].End] + ")"},
		{SQL: "DEALLOCATE " + name},
	}, row)
	if err != nil {
		return nil, movedBy(err, x.charStart+utf8.RuneCountInString(x.text[:args[0].Start])-len(before))
	}
	return row.values, nil
}

// oneRow is the sink of one statement's only row; the values are its own copies.
type oneRow struct {
	discard
	statement, current int
	buf                []byte
	values             [][]byte
}

func (r *oneRow) Fields(i int, _ []upstream.Field) error { r.current = i; return nil }
func (r *oneRow) NextRow() []byte                        { return r.buf[:0] }

func (r *oneRow) EndRow(body []byte) error {
	r.buf = body
	if r.current != r.statement {
		return nil
	}
	broken := pgerr.New(pgerr.ConnectionFailure, "the server's answer could not be read")
	if len(body) < 2 || int(binary.BigEndian.Uint16(body)) != len(r.values) {
		return broken
	}
	b := body[2:]
	for i := range r.values {
		if len(b) < 4 {
			return broken
		}
		n := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if n == -1 {
			continue
		}
		if n < 0 || int(n) > len(b) {
			return broken
		}
		r.values[i], b = append([]byte{}, b[:n]...), b[n:]
	}
	return nil
}
