package session

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// answers carries out a group's acts and writes its replies and results to the client, in the order of its members: the
// [upstream.RowSink] of its request.
type answers struct {
	session  *Session
	group    *group
	prologue int // statements of the request that stand before the first member's

	settings guc.Settings // as the members so far leave them; the session's once the group is committed
	saved    []savepoint  // the open ones, the newest last

	next    int  // the first member that has not been answered
	request int  // index in the request of the next statement
	wrote   bool // something of a result has been written

	row  int        // where the open DataRow starts in the output
	rows int64      // of this statement
	kept []guc.Pair // of this statement, if it is hidden and somebody wants them
}

// savepoint is what a ROLLBACK TO brings back here; the server does the rest.
type savepoint struct {
	name     string
	settings guc.Settings
}

// upToSent answers what stands before the next member that was sent.
func (a *answers) upToSent() {
	for a.next < len(a.group.members) && a.answer(&a.group.members[a.next]) {
		a.next++
	}
}

// answer gives the answer of a member that was not sent; false if it was.
func (a *answers) answer(m *member) bool {
	switch {
	case m.reply != nil:
		c := a.session.conn
		c.SetOutput(append(c.Output(), m.reply...))
	case m.act != nil:
		m.act(a)
		a.session.speak(&a.settings)
	default:
		return false
	}
	return true
}

// sure gives the answers that are true although the request failed.
func (a *answers) sure() error {
	for i := range a.group.members {
		m := &a.group.members[i]
		if !m.sure || !a.answer(m) {
			break
		}
	}
	return a.flushed(a.session.conn.FlushIfFull())
}

// rest answers what stands behind the last result.
func (a *answers) rest() error {
	a.upToSent()
	if a.next < len(a.group.members) {
		panic("BUG: the request succeeded and a member has no answer")
	}
	return a.flushed(a.session.conn.FlushIfFull())
}

func (a *answers) flushed(err error) error {
	if errors.Is(err, wire.ErrUntranslatable) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errClientWrites, err)
	}
	return nil
}

// upcoming is the execution that statement i of the request is, nil if it is none.
func (a *answers) upcoming(i int) *execution {
	if i < a.prologue {
		return nil
	}
	for next := a.next; next < len(a.group.members); next++ {
		if m := &a.group.members[next]; m.exec != nil || m.hidden != nil {
			return m.exec
		}
	}
	return nil
}

// member is the one that statement i of the request belongs to; nil for what the request has before and behind them.
func (a *answers) member(i int) *member {
	if i != a.request {
		panic("BUG: results out of order")
	}
	if i < a.prologue {
		return nil
	}
	a.upToSent()
	if a.next == len(a.group.members) {
		return nil
	}
	return &a.group.members[a.next]
}

// Fields writes the RowDescription or NoData of statement i where one is due.
func (a *answers) Fields(i int, fields []upstream.Field) error {
	if x := a.upcoming(i); x != nil {
		if err := x.checkResult(fields); err != nil {
			return err // where Bind would have failed: what is not sure has not been written
		}
	}
	m := a.member(i)
	a.rows, a.kept = 0, nil
	if m == nil {
		return nil
	}
	a.wrote = true
	if m.exec == nil {
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

// rowHeader is the type and length of a DataRow.
const rowHeader = 5

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
		if m == nil || m.hidden.done == nil {
			return nil
		}
		return a.keep(out[a.row+rowHeader:])
	}
	binary.BigEndian.PutUint32(out[a.row+1:], uint32(len(out)-a.row-1))
	a.session.conn.SetOutput(out)
	a.rows++
	return a.flushed(a.session.conn.FlushIfFull())
}

// keep takes the first two columns of a row of a hidden statement.
func (a *answers) keep(body []byte) error {
	values, ok := columns(body)
	if !ok {
		return pgerr.New(pgerr.ConnectionFailure, "the server's settings could not be read").Because(errors.New("a row without two columns"))
	}
	pair := guc.Pair{Name: string(values[0])}
	if values[1] != nil {
		v := string(values[1])
		pair.Value = &v
	}
	a.kept = append(a.kept, pair)
	return nil
}

// tag sends a command tag; "" is none.
func (a *answers) tag(tag string) {
	if tag != "" {
		a.session.conn.Send(commandComplete(tag))
	}
}

// columns cuts the first two values out of the body of a DataRow; nil is NULL.
func columns(body []byte) (values [2][]byte, ok bool) {
	if len(body) < 2 || binary.BigEndian.Uint16(body) < 2 {
		return values, false
	}
	b := body[2:]
	for i := range values {
		if len(b) < 4 {
			return values, false
		}
		n := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if n == -1 {
			continue
		}
		if n < 0 || int(n) > len(b) {
			return values, false
		}
		values[i], b = b[:n:n], b[n:]
	}
	return values, true
}

// Complete writes statement i's command tag, or does what was to be done with a hidden one's rows.
func (a *answers) Complete(i int, c upstream.Completion) error {
	m := a.member(i)
	a.request++
	if m == nil {
		return nil
	}
	a.next++
	if h := m.hidden; h != nil {
		if h.done == nil {
			return nil
		}
		if err := h.done(a, a.kept); err != nil {
			return err
		}
		a.session.speak(&a.settings)
		return a.flushed(a.session.conn.FlushIfFull())
	}
	x := m.exec
	if x.plan.Kind == plan.TransactionControl {
		a.savepoint(x.plan.Control)
		a.session.speak(&a.settings)
	}
	a.session.metrics.rows.Add(float64(a.rows))
	tag := plan.Tag(x.plan, x.text, c.Command, c.Rows, c.HasRows)
	a.session.conn.Send(commandComplete(tag))
	return a.flushed(a.session.conn.FlushIfFull())
}

// savepoint follows SAVEPOINT, RELEASE and ROLLBACK TO. Whether the name exists the server has said.
func (a *answers) savepoint(ctl *plan.Control) {
	if ctl.Verb == plan.Savepoint {
		a.saved = append(a.saved, savepoint{ctl.Savepoint, a.settings})
		return
	}
	for i := len(a.saved) - 1; i >= 0; i-- {
		if a.saved[i].name != ctl.Savepoint {
			continue
		}
		if ctl.Verb == plan.Release {
			a.saved = a.saved[:i]
		} else {
			a.settings, a.saved = a.saved[i].settings, a.saved[:i+1]
		}
		return
	}
}
