package session

import (
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// group is a run of steps that is one transaction, and so at most one request.
type group struct {
	members  []member
	sent     int  // members that go upstream
	explicit bool // between BEGIN and its end
	many     bool // of a Query with several statements: an implicit transaction block
	modes    modes
	settings guc.Settings // as the members leave them
	saved    []savepoint  // the open ones, the newest last

	savepoints bool // one was made
}

// savepoint is what a ROLLBACK TO brings back here; the server does the rest.
type savepoint struct {
	name     string
	settings guc.Settings
}

// member is a reply, or a statement that is sent.
type member struct {
	reply  []byte // nil when exec or hidden is set
	sure   bool   // see step
	exec   *execution
	hidden string // a statement of ours, whose result nobody sees
}

// modes are the transaction modes of a BEGIN.
type modes struct {
	isolation            upstream.IsolationLevel
	readOnly, deferrable bool
}

// outcome is how a group ends.
type outcome uint8

const (
	commit outcome = iota
	rollback
)

func (o outcome) String() string {
	if o == commit {
		return "commit"
	}
	return "rollback"
}

func (g *group) reply(b []byte, sure bool) {
	g.members = append(g.members, member{reply: b, sure: sure})
}

func (g *group) answer(msgs ...pgproto3.BackendMessage) {
	var b []byte
	for _, m := range msgs {
		b = encode(b, m)
	}
	g.reply(b, true)
}

// done answers a statement that returns no rows.
func (g *group) done(tag string) { g.answer(&pgproto3.CommandComplete{CommandTag: []byte(tag)}) }

func (g *group) notice(e *pgerr.Error) {
	if g.settings.WantsWarnings() {
		g.reply(pgerr.AppendNotice(nil, e), true)
	}
}

func (g *group) send(x *execution) {
	g.members = append(g.members, member{exec: x})
	g.sent++
}

func (g *group) sendHidden(sql string) {
	g.members = append(g.members, member{hidden: sql})
	g.sent++
}

// begin makes the group an explicit transaction. Statements before it in the same implicit transaction block belong to it
// (BeginTransactionBlock); the modes then go as SET TRANSACTION, so that the server says what it says.
func (g *group) begin(ctl *plan.Control) {
	g.explicit = true
	if g.sent > 0 {
		if ctl.TransactionModes != "" {
			g.sendHidden("SET TRANSACTION " + ctl.TransactionModes)
		}
		return
	}
	g.modes.isolation = upstream.IsolationLevel(ctl.Isolation)
	if ctl.ReadOnly != nil {
		g.modes.readOnly = *ctl.ReadOnly
	}
	if ctl.Deferrable != nil {
		g.modes.deferrable = *ctl.Deferrable
	}
	if explicitOff(ctl.ReadOnly) || explicitOff(ctl.Deferrable) {
		// The headers can only switch these on; the role's default may be on.
		g.sendHidden("SET TRANSACTION " + ctl.TransactionModes)
	}
}

// savepoint follows SAVEPOINT, RELEASE and ROLLBACK TO. Whether the name exists the server says.
func (g *group) savepoint(ctl *plan.Control) {
	if ctl.Verb == plan.Savepoint {
		g.saved, g.savepoints = append(g.saved, savepoint{ctl.Savepoint, g.settings}), true
		return
	}
	for i := len(g.saved) - 1; i >= 0; i-- {
		if g.saved[i].name != ctl.Savepoint {
			continue
		}
		if ctl.Verb == plan.Release {
			g.saved = g.saved[:i]
		} else {
			g.settings, g.saved = g.saved[i].settings, g.saved[:i+1]
		}
		return
	}
}

func explicitOff(b *bool) bool { return b != nil && !*b }

// maxPadding bounds the spaces that request puts before statements, in bytes over a whole group.
const maxPadding = 256 << 10

// request makes the group's request. With several statements an error comes back without the index of the one that
// failed, so its position would mean nothing: each statement is therefore moved to the place it has in the client's
// query string by spaces before it, and every position is right as it comes. positioned says whether that was done.
func (g *group) request(how outcome) (req *upstream.Request, positioned bool) {
	padding := 0
	for _, m := range g.members {
		if m.exec != nil {
			padding += m.exec.charStart
		}
	}
	positioned = g.sent > 1 && padding <= maxPadding
	req = &upstream.Request{
		Statements:  make([]upstream.Statement, 0, g.sent+1),
		Transaction: g.explicit || g.many || g.sent > 1 || how == rollback,
		Isolation:   g.modes.isolation,
		ReadOnly:    g.modes.readOnly,
		Deferrable:  g.modes.deferrable,
	}
	for _, m := range g.members {
		switch {
		case m.hidden != "":
			req.Statements = append(req.Statements, upstream.Statement{SQL: m.hidden})
		case m.exec != nil:
			sql := m.exec.text
			if positioned && m.exec.charStart > 0 {
				sql = strings.Repeat(" ", m.exec.charStart) + sql
			}
			if m.exec.plan.ReturningDML {
				req.Transaction = true // a reply that is too large must undo it
			}
			req.Statements = append(req.Statements, upstream.Statement{SQL: sql, Params: m.exec.params})
		}
	}
	if how == rollback {
		req.Statements = append(req.Statements, upstream.Statement{SQL: "ROLLBACK"})
	}
	return req, positioned
}

// reads reports whether by their words all statements only read, and do so alike in a READ ONLY transaction.
func (g *group) reads() bool {
	for _, m := range g.members {
		if m.exec != nil && (!m.exec.plan.ReadOnlyShape || m.exec.plan.ReadOnlyMatters) {
			return false
		}
	}
	return true
}

// mapPosition brings an error's position to the client's query string.
func (g *group) mapPosition(e *pgerr.Error, positioned bool) *pgerr.Error {
	if e.Position == 0 || positioned {
		return e
	}
	start, sent := 0, 0
	for _, m := range g.members {
		if m.exec != nil {
			start, sent = m.exec.charStart, sent+1
		}
	}
	if start == 0 {
		return e // of the extended protocol, or the first of its Query
	}
	c := *e
	if sent > 1 {
		c.Position = 0 // whose it is cannot be told
	} else {
		c.Position += int32(start)
	}
	return &c
}
