package describe

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxAnswer bounds the bytes of rows that are kept of one request: 65,535 type OIDs twice, and room.
const maxAnswer = 4 << 20

// firstUserOID is the server's FirstNormalObjectId: lower OIDs are its own objects', whose names never change.
const firstUserOID = 16384

// Type OIDs of pg_type.dat.
const (
	oidText    = 25
	oidJSON    = 114
	oidXML     = 142
	oidUnknown = 705
)

// request is one question about one statement. It belongs to the goroutine that asks.
type request struct {
	ctx   context.Context
	ask   catalog.Asker
	types *catalog.Types
	q     Query
	st    *statement

	declared []declared // one for each of $1 .. $n, n the highest that occurs or is declared
	written  []uint32   // types of users whose names were written into statements
}

func newRequest(ctx context.Context, ask catalog.Asker, types *catalog.Types, q Query) *request {
	if q.TypeList != "" {
		q.Prepare = true
	}
	if q.Prepare {
		q.Declared = nil
	}
	return &request{ctx: ctx, ask: ask, types: types, q: q, st: read(q.Text, q.StandardConforming)}
}

// result is what one statement of a request gave.
type result struct {
	fields []upstream.Field
	rows   [][]value
}

// value is a column of a row in text format.
type value struct {
	text string
	null bool
}

// answer collects the results of a request. Only the rows of statements in keep are kept.
type answer struct {
	results []result
	keep    int // results from this one on have their rows kept; -1: none
	bytes   int
	row     []byte
}

func (a *answer) Fields(i int, fields []upstream.Field) error {
	for len(a.results) <= i {
		a.results = append(a.results, result{})
	}
	own := make([]upstream.Field, len(fields))
	for j, f := range fields {
		own[j] = f
		own[j].Name = strings.Clone(f.Name)
	}
	a.results[i].fields = own
	return nil
}

func (a *answer) NextRow() []byte { return a.row[:0] }

func (a *answer) EndRow(row []byte) error {
	a.row = row
	last := len(a.results) - 1
	if a.keep < 0 || last < a.keep {
		return nil
	}
	if a.bytes += len(row); a.bytes > maxAnswer {
		return pgerr.New(pgerr.ProgramLimitExceeded, "the description of the statement is too large")
	}
	values, ok := valuesOf(row)
	if !ok {
		return malformed()
	}
	a.results[last].rows = append(a.results[last].rows, values)
	return nil
}

func (a *answer) Complete(int, upstream.Completion) error { return nil }

// valuesOf copies the columns of a DataRow body.
func valuesOf(row []byte) ([]value, bool) {
	if len(row) < 2 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(row))
	row = row[2:]
	values := make([]value, 0, min(n, len(row)/4))
	for range n {
		if len(row) < 4 {
			return nil, false
		}
		size := int32(binary.BigEndian.Uint32(row))
		row = row[4:]
		if size < 0 {
			values = append(values, value{null: true})
			continue
		}
		if int(size) > len(row) {
			return nil, false
		}
		values = append(values, value{text: string(row[:size])})
		row = row[size:]
	}
	return values, len(row) == 0
}

// single is the last value of the only row of result i.
func (a *answer) single(i int) (value, error) {
	if i >= len(a.results) || len(a.results[i].rows) != 1 || len(a.results[i].rows[0]) == 0 {
		return value{}, malformed()
	}
	row := a.results[i].rows[0]
	return row[len(row)-1], nil
}

func malformed() error {
	return pgerr.New(pgerr.InternalError, "the server's description of the statement is not understood")
}

// run runs statements as one transaction, none of which has an effect that stays. The rows of those from keep on are kept.
func (r *request) run(keep int, statements ...upstream.Statement) (*answer, error) {
	a := &answer{keep: keep}
	if err := r.ask.Ask(r.ctx, statements, a); err != nil {
		return nil, err
	}
	if len(a.results) != len(statements) {
		return nil, malformed()
	}
	return a, nil
}

// refusal is what the server said of the statement itself, nil if err is anything else: it could not be asked, it was
// interrupted, or it lacks something at the moment.
func refusal(err error) *pgerr.Error {
	up, ok := errors.AsType[*upstream.Error](err)
	if !ok || up.Outcome != upstream.Failed || up.PG.IsFatal() {
		return nil
	}
	switch up.PG.Class() {
	case "08", "40", "53", "57", "58":
		return nil
	}
	if up.PG.Code == "55P03" { // lock_not_available
		return nil
	}
	return up.PG
}

// at is e at that position.
func at(e *pgerr.Error, position int32) *pgerr.Error {
	moved := *e
	moved.Position = position
	return &moved
}

// oids reads an array of oid: {23,25}.
func oids(v value) ([]uint32, error) {
	inner, opened := strings.CutPrefix(v.text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if v.null || !opened || !closed {
		return nil, malformed()
	}
	if inner == "" {
		return nil, nil
	}
	list := make([]uint32, 0, strings.Count(inner, ",")+1)
	for item := range strings.SplitSeq(inner, ",") {
		oid, err := strconv.ParseUint(item, 10, 32)
		if err != nil {
			return nil, malformed()
		}
		list = append(list, uint32(oid))
	}
	return list, nil
}

// texts reads an array of text without NULLs: {a,"b c"}. NULL is no text at all.
func texts(v value) []string {
	if v.null || len(v.text) < 2 {
		return nil
	}
	var list []string
	var item strings.Builder
	quoted := false
	inner := v.text[1 : len(v.text)-1]
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '\\' && i+1 < len(inner):
			i++
			item.WriteByte(inner[i])
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			list = append(list, item.String())
			item.Reset()
		default:
			item.WriteByte(c)
		}
	}
	if inner != "" {
		list = append(list, item.String())
	}
	return list
}
