package session

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// start asks the server about the settings of the startup packet. Its error is FATAL.
func (s *Session) start(ctx context.Context) error {
	step, needed := s.settings.StartupStep(s.facts)
	if !needed {
		return nil
	}
	g := s.newGroup(false)
	g.step(step, &execution{}, "")
	b, perr := s.batch(g, commit)
	if perr != nil {
		return perr.Fatal()
	}
	out := s.answersTo(g, b)
	if err := s.request(ctx, b.req, out); err != nil {
		if isFatal(err) {
			return err
		}
		return b.mapPosition(pgerr.From(err)).Fatal()
	}
	out.settings.Commit()
	s.settings = out.settings
	return nil
}

// settingsKey is the key of the settings as they are, which may be long: it is made once and shared.
func (s *Session) settingsKey() string {
	if !s.keyed.Same(&s.settings) {
		s.keyed, s.keyText = s.settings, s.settings.Key(s.facts)
	}
	return s.keyText
}

// planning is what the meaning of a text depends on now.
func (s *Session) planning() plan.Options {
	return plan.Options{StandardConforming: s.settings.StandardConforming(s.facts), Role: s.route.Role}
}

// Warnings that Postgres gives where a command has no transaction block to act on (WarnNoTransactionBlock).
var (
	warnSetLocal         = outsideBlockWarning("SET LOCAL")
	warnSetTransaction   = outsideBlockWarning("SET TRANSACTION")
	warnResetTransaction = outsideBlockWarning("RESET TRANSACTION")
	warnSetConstraints   = outsideBlockWarning("SET CONSTRAINTS")
)

func outsideBlockWarning(command string) *pgerr.Error {
	return &pgerr.Error{Severity: pgerr.SeverityWarning, Code: pgerr.NoActiveSQLTransaction,
		Message: command + " can only be used in transaction blocks"}
}

// set carries out SET and RESET.
func (s *Session) set(g *group, x *execution) *pgerr.Error {
	st := x.plan.Setting
	switch st.Form {
	case plan.TransactionModes:
		s.setTransaction(g, x)
		return nil
	case plan.Snapshot:
		s.unsupported("set_transaction_snapshot")
		return pgerr.Unsupported("SET TRANSACTION SNAPSHOT", "A snapshot is exported by a transaction that stays open, which none does here.")
	case plan.Constraints:
		if !g.inBlock() {
			g.warn(warnSetConstraints)
		}
		g.send(x)
		return nil
	}
	if isTransactionSetting(st.Name) {
		s.setTransactionSetting(g, x)
		return nil
	}
	if st.Local && !g.inBlock() {
		g.warn(warnSetLocal)
	}
	if err := s.readAlike(g, x); err != nil {
		return err
	}
	step, err := g.planned.Apply(st, x.text, s.facts)
	if err != nil {
		return err
	}
	g.step(step, x, tagOf(st))
	if st.Form == plan.Characteristics {
		g.assigns("default_transaction_isolation")
	} else {
		g.assigns(st.Name) // "" of RESET ALL
	}
	return nil
}

func tagOf(st *plan.Setting) string {
	if st.Reset {
		return "RESET"
	}
	return "SET"
}

// setTransaction is SET TRANSACTION. Before the first snapshot the modes become those that the transaction starts with: our
// own head takes a snapshot, after which the server would refuse them.
func (s *Session) setTransaction(g *group, x *execution) {
	if !g.inBlock() {
		g.warn(warnSetTransaction) // it holds for the rest of a pipeline all the same
	}
	if g.snapshot {
		g.send(x)
		return
	}
	g.modes.merge(x.plan.Setting.Control)
	g.done("SET")
}

func isTransactionSetting(name string) bool {
	return slices.Contains([]string{"transaction_isolation", "transaction_read_only", "transaction_deferrable"}, name)
}

// setTransactionSetting is SET transaction_isolation = and so on: SET TRANSACTION in other words, which needs no block. The
// server is asked where it would say no.
func (s *Session) setTransactionSetting(g *group, x *execution) {
	st := x.plan.Setting
	ctl, known := transactionMode(st)
	if known && !g.snapshot {
		if st.Local && !g.inBlock() {
			g.warn(warnSetLocal)
		}
		g.modes.merge(ctl)
		g.done("SET")
		return
	}
	if st.Reset && st.Name == "transaction_isolation" && !g.inBlock() {
		g.warn(warnResetTransaction)
	}
	sql := splice.Apply(x.text, nil)
	if !st.Reset {
		sql = splice.Apply(x.text, []splice.Edit{{Start: st.ScopeStart, End: st.ScopeEnd, New: " LOCAL"}})
	}
	g.sendHidden(&hidden{sql: sql, words: true, charStart: x.charStart, done: func(a *answers, _ []guc.Pair) *pgerr.Error {
		a.session.conn.Send(commandComplete(tagOf(st)))
		return nil
	}})
}

// transactionMode reads the value of a transaction's setting; false if that is for the server to judge.
func transactionMode(st *plan.Setting) (*plan.Control, bool) {
	if st.Form != plan.Assign || st.Values != 1 {
		return nil, false
	}
	if st.Name == "transaction_isolation" {
		level := strings.ToUpper(st.Value)
		switch upstream.IsolationLevel(level) {
		case upstream.ReadUncommitted, upstream.ReadCommitted, upstream.RepeatableRead, upstream.Serializable:
			return &plan.Control{Isolation: level}, true
		}
		return nil, false
	}
	var on bool
	switch strings.ToLower(st.Value) {
	case "on", "true", "yes", "1":
		on = true
	case "off", "false", "no", "0":
	default:
		return nil, false
	}
	if st.Name == "transaction_read_only" {
		return &plan.Control{ReadOnly: &on}, true
	}
	return &plan.Control{Deferrable: &on}, true
}

// show answers SHOW of a setting that is kept here; of any other the server does.
func (s *Session) show(g *group, x *execution) *pgerr.Error {
	name := x.plan.Setting.Name
	if _, _, ok := g.planned.Value(name, s.facts); !ok {
		if err := s.bringHere(g, x.plan.Calls); err != nil {
			return err
		}
		snapshot := g.snapshot || name == "all" || strings.Contains(name, "transaction")
		g.send(x)
		g.snapshot = snapshot // SHOW takes none; one that shows the modes fixes them
		return nil
	}
	g.act(func(a *answers) {
		column, value, _ := a.settings.Value(name, s.facts)
		if x.simple || x.described {
			s.conn.Send(rowDescription([]upstream.Field{textColumn(column)}))
		}
		s.conn.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(value)}})
		s.conn.Send(commandComplete("SHOW"))
	})
	return nil
}

// bringHere brings the settings that are kept here to the server, for a statement that reads them.
func (s *Session) bringHere(g *group, c *plan.SettingCalls) *pgerr.Error {
	if c == nil || !c.Reads {
		return nil
	}
	st, err := g.planned.HereHead(s.facts)
	if err != nil {
		return err
	}
	g.sendHidden(&hidden{sql: splice.Apply(st.SQL, nil), params: st.Params})
	return nil
}

// discard carries out DISCARD: what there is to discard lives here.
func (s *Session) discard(g *group, x *execution) *pgerr.Error {
	what := x.plan.Discard
	if what != "ALL" {
		g.done("DISCARD " + what)
		return nil
	}
	switch {
	case g.inBlock():
		return pgerr.New(pgerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
	case g.executed > 1:
		return pgerr.New(pgerr.ActiveSQLTransaction, "DISCARD ALL cannot be executed within a pipeline")
	}
	step := g.planned.Discard(s.facts)
	g.act(func(*answers) { s.prepared.dropAll() })
	g.step(step, x, "DISCARD ALL")
	return nil
}
