package session

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// group is a run of steps that is one transaction, and so at most one request.
type group struct {
	members  []member
	sent     int  // members that go upstream
	executed int  // statements taken in, whoever answers them
	explicit bool // between BEGIN and its end
	many     bool // of a Query with several statements: an implicit transaction block
	modes    modes
	// snapshot: something was sent that takes one. The modes of the transaction are fixed then.
	snapshot   bool
	savepoints bool // one was made
	// lone is the change of settings that needs no server if nothing else is sent; nil: none.
	lone *lone
	// planned are the session's settings as the members leave them, as far as that is known before the server has answered.
	planned guc.Settings
	// assigned are the settings that members assign, in small letters; "" is any.
	assigned map[string]bool
	// changes: a statement may change what others mean.
	changes bool
	// order is that of the step that is taken in.
	order int
	// rejected is the prepared statement that the server did not accept, once that is known.
	rejected *preparedStatement
}

// member is one thing to do in order. Exactly one of reply, act, exec and hidden is set.
type member struct {
	reply []byte
	act   func(*answers)     // ours: changes settings, gives the answers that hang on them
	sure  bool               // of reply and act, see step
	parse *preparedStatement // reply is its ParseComplete

	exec   *execution // a statement whose result the client sees
	hidden *hidden    // a statement of ours
	order  int        // of exec and hidden, see journal
}

// hidden is a statement whose result the client does not see.
type hidden struct {
	sql       splice.Text
	params    [][]byte
	words     bool // they are the client's, from charStart of its query string on
	charStart int
	// done takes the first two columns of the rows when the statement has succeeded; nil: nobody wants them.
	done func(*answers, []guc.Pair) *pgerr.Error
}

// modes are the transaction modes of a BEGIN; what was not given is the session's default.
type modes struct {
	isolation            upstream.IsolationLevel // "": not given
	readOnly, deferrable *bool                   // nil: not given
}

// merge takes what is given in ctl.
func (m *modes) merge(ctl *plan.Control) {
	if ctl.Isolation != "" {
		m.isolation = upstream.IsolationLevel(ctl.Isolation)
	}
	if ctl.ReadOnly != nil {
		m.readOnly = ctl.ReadOnly
	}
	if ctl.Deferrable != nil {
		m.deferrable = ctl.Deferrable
	}
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

// answer queues messages that do not hang on the server.
func (g *group) answer(msgs ...pgproto3.BackendMessage) {
	var b []byte
	for _, m := range msgs {
		b = encode(b, m)
	}
	g.reply(b, true)
}

// done answers a statement that returns no rows.
func (g *group) done(tag string) { g.answer(commandComplete(tag)) }

func commandComplete(tag string) *pgproto3.CommandComplete {
	return &pgproto3.CommandComplete{CommandTag: []byte(tag)}
}

// act queues something to do when its turn comes.
func (g *group) act(f func(*answers)) { g.members = append(g.members, member{act: f, sure: true}) }

// warn queues a WARNING, which client_min_messages may suppress when its turn comes.
func (g *group) warn(e *pgerr.Error) {
	g.act(func(a *answers) {
		if a.settings.WantsWarnings() {
			a.session.conn.SendNotice(e)
		}
	})
}

func (g *group) send(x *execution) {
	if x.plan.Kind != plan.Forward {
		x.params = nil // SHOW, SAVEPOINT and the like have none; those that were declared for them are nobody's
	}
	g.members = append(g.members, member{exec: x, order: g.order})
	g.sent++
	g.snapshot = true
	g.changes = g.changes || x.plan.Changes
}

func (g *group) sendHidden(h *hidden) {
	g.members = append(g.members, member{hidden: h, order: g.order})
	g.sent++
}

func (g *group) assigns(name string) {
	if g.assigned == nil {
		g.assigned = map[string]bool{}
	}
	g.assigned[strings.ToLower(name)] = true
}

// mayAssign reports whether a member may assign one of the settings.
func (g *group) mayAssign(names ...string) bool {
	return g.assigned[""] || slices.ContainsFunc(names, func(name string) bool { return g.assigned[name] })
}

// inBlock reports whether the statement that comes now runs inside a transaction block, explicit or implicit.
func (g *group) inBlock() bool { return g.explicit || g.many }

// begin makes the group an explicit transaction. Statements before it in the same implicit transaction block belong to it
// (BeginTransactionBlock); where they have taken a snapshot the modes go as SET TRANSACTION, so that the server says what it says.
func (g *group) begin(ctl *plan.Control) {
	g.explicit = true
	if !g.snapshot {
		g.modes.merge(ctl)
		return
	}
	if ctl.TransactionModes != "" {
		g.sendHidden(&hidden{sql: splice.Apply("SET TRANSACTION "+ctl.TransactionModes, nil)})
	}
}

// lone are the members of a step that can be carried out without the server, if they are all that is sent.
type lone struct {
	first, count int
	alone        func(*guc.Settings)
	tag          string
}

// withoutServer carries the group's only step out here.
func (g *group) withoutServer() {
	l := g.lone
	act := member{sure: true, act: func(a *answers) {
		l.alone(&a.settings)
		a.tag(l.tag)
	}}
	g.members = slices.Replace(g.members, l.first, l.first+l.count, act)
	g.sent, g.lone = 0, nil
}

// step queues what a change of settings takes, and tag behind it; "" answers nothing.
func (g *group) step(st guc.Step, x *execution, tag string) {
	if st.Done != nil {
		st.Done(&g.planned)
	}
	if len(st.Statements) == 0 {
		g.act(func(a *answers) {
			if st.Done != nil {
				st.Done(&a.settings)
			}
			a.tag(tag)
		})
		return
	}
	first := len(g.members)
	for i, one := range st.Statements {
		h := &hidden{sql: one.SQL, params: one.Params}
		if i == 0 && one.SQL.Original() == x.text {
			h.words, h.charStart = true, x.charStart
		}
		g.sendHidden(h)
	}
	last := g.members[len(g.members)-1].hidden
	if st.Learn != nil {
		last = g.readBack(st)
	}
	learn := last.done
	last.done = func(a *answers, rows []guc.Pair) *pgerr.Error {
		if st.Done != nil {
			st.Done(&a.settings)
		}
		if learn != nil {
			if err := learn(a, rows); err != nil {
				return err
			}
		}
		a.tag(tag)
		return nil
	}
	if st.Alone != nil {
		g.lone = &lone{first, len(g.members) - first, st.Alone, tag}
	}
}

// readBack queues the statement that brings back what a step has come to.
func (g *group) readBack(st guc.Step) *hidden {
	h := &hidden{
		sql: splice.Apply(st.Read.SQL, nil), params: st.Read.Params,
		done: func(a *answers, rows []guc.Pair) *pgerr.Error { return st.Learn(&a.settings, rows) },
	}
	g.sendHidden(h)
	return h
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

// executes reports whether a statement of the client's is sent.
func (g *group) executes() bool {
	for _, m := range g.members {
		if m.exec != nil {
			return true
		}
	}
	return false
}
