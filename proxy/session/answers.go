package session

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// answers writes a group's replies and results to the client in the order of its members: the [upstream.RowSink] of its
// request.
type answers struct {
	session *Session
	group   *group

	next    int  // the first member that has not been answered
	request int  // index in the request of the next member that was sent
	wrote   bool // something of a result has been written

	row  int   // where the open DataRow starts in the output
	rows int64 // of this statement
}

// replies writes what stands before the next member that was sent.
func (a *answers) replies() {
	for a.next < len(a.group.members) && a.group.members[a.next].reply != nil {
		a.write(a.group.members[a.next].reply)
		a.next++
	}
}

// sure writes the replies that are true although the request failed.
func (a *answers) sure() error {
	for _, m := range a.group.members {
		if m.reply == nil || !m.sure {
			break
		}
		a.write(m.reply)
	}
	return a.flushed(a.session.conn.FlushIfFull())
}

// rest writes what stands behind the last result.
func (a *answers) rest() error {
	a.replies()
	if a.next < len(a.group.members) {
		panic("BUG: the request succeeded and a member has no answer")
	}
	return a.flushed(a.session.conn.FlushIfFull())
}

func (a *answers) write(reply []byte) {
	c := a.session.conn
	c.SetOutput(append(c.Output(), reply...))
}

func (a *answers) flushed(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errClientWrites, err)
	}
	return nil
}

// member is the one that statement i of the request belongs to; nil for the ROLLBACK that the request added.
func (a *answers) member(i int) *member {
	a.replies()
	if i != a.request || a.next > len(a.group.members) {
		panic("BUG: results out of order")
	}
	if a.next == len(a.group.members) {
		return nil
	}
	return &a.group.members[a.next]
}

// Fields writes the RowDescription or NoData of statement i where one is due.
func (a *answers) Fields(i int, fields []upstream.Field) error {
	a.wrote, a.rows = true, 0
	m := a.member(i)
	if m == nil || m.exec == nil {
		return nil
	}
	x := m.exec
	hasRows := len(fields) > 0 || x.plan.Returns == plan.ReturnsRows
	switch {
	case hasRows && (x.simple || x.described):
		a.session.conn.Send(rowDescription(fields))
	case x.described:
		a.session.conn.Send(&pgproto3.NoData{})
	}
	return nil
}

func rowDescription(fields []upstream.Field) *pgproto3.RowDescription {
	d := make([]pgproto3.FieldDescription, len(fields))
	for i, f := range fields {
		d[i] = pgproto3.FieldDescription{
			Name: []byte(f.Name), TableOID: f.TableOID, TableAttributeNumber: f.Column,
			DataTypeOID: f.TypeOID, DataTypeSize: f.TypeSize, TypeModifier: f.TypeMod, Format: pgproto3.TextFormat,
		}
	}
	return &pgproto3.RowDescription{Fields: d}
}

// NextRow lends the output buffer, with room for the header of a DataRow.
func (a *answers) NextRow() []byte {
	out := a.session.conn.Output()
	a.row = len(out)
	return append(out, 'D', 0, 0, 0, 0)
}

// EndRow fills in the DataRow's length and writes when the buffer is full: while it does, nothing is read upstream.
func (a *answers) EndRow(out []byte) error {
	m := a.member(a.request)
	if m == nil || m.exec == nil {
		a.session.conn.SetOutput(out[:a.row])
		return nil
	}
	binary.BigEndian.PutUint32(out[a.row+1:], uint32(len(out)-a.row-1))
	a.session.conn.SetOutput(out)
	a.rows++
	return a.flushed(a.session.conn.FlushIfFull())
}

// Complete writes statement i's command tag.
func (a *answers) Complete(i int, c upstream.Completion) error {
	m := a.member(i)
	a.request++
	if m == nil {
		return nil
	}
	a.next++
	if m.exec == nil {
		return nil
	}
	x := m.exec
	a.session.metrics.rows.Add(float64(a.rows))
	tag := plan.Tag(x.plan, x.text, c.Command, c.Rows, c.HasRows)
	a.session.conn.Send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
	return a.flushed(a.session.conn.FlushIfFull())
}
