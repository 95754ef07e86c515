package session

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// unspecifiedOID and unknownOID in Parse leave a parameter's type to the server.
const (
	unspecifiedOID = 0
	unknownOID     = 705
)

// parse keeps a prepared statement. The server is asked what it is when the client waits for the answer; a statement that
// is executed in the same cycle is not asked about beforehand.
func (s *Session) parse(ctx context.Context, m *pgproto3.Parse) error {
	if err := s.settleDescribe(ctx); err != nil {
		return err
	}
	o := s.planning()
	if err := s.nameIsKnown(m.Name); err != nil {
		return err
	}
	s.prepared.journal.tick()
	if m.Name == "" {
		s.prepared.drop("") // before anything is looked at (exec_parse_message)
	}
	st := &preparedStatement{name: m.Name, plan: plan.Plan{Kind: plan.Empty}}
	for stmt := range sqlscan.Statements(m.Query, o.StandardConforming) {
		if st.plan.Kind != plan.Empty {
			return s.several(ctx, m.Query)
		}
		st.plan = plan.Classify(stmt, o)
		st.params, st.highest = stmt.MaxParam, stmt.MaxParam
	}
	if s.failed && !leavesFailedBlock(st.plan) {
		return errAborted
	}
	if st.plan.Kind == plan.Refuse {
		s.unsupported(string(st.plan.Feature))
		return st.plan.Refusal
	}
	if st.plan.Kind == plan.Prepare || st.plan.Kind == plan.Execute {
		st.params = 0 // no $n in these is a parameter of theirs unless it is declared
	}
	st.executes = s.prepared.executed(st)
	st.params = max(st.params, len(m.ParameterOIDs))
	st.query = describe.Query{
		Text: m.Query, Plan: st.plan, Declared: declared(m.ParameterOIDs),
		Settings: s.settingsKey(), StandardConforming: o.StandardConforming,
	}
	st.literals = s.literalsOf(m.Query, o)
	if s.here(st) && st.plan.Kind != plan.Empty { // of what is no statement nobody looks at the parameters
		if err := undetermined(st); err != nil {
			return err
		}
	}
	if err := s.prepared.add(st); err != nil {
		if err.Code != pgerr.DuplicatePreparedStatement {
			return err
		}
		if first := s.askNow(ctx, st); first != nil { // Postgres reads a statement before it looks at its name
			return first
		}
		return err
	}
	s.cycle.parse(st)
	return nil
}

// several is the error for a text of several statements: the parser's, if it does not get through.
func (s *Session) several(ctx context.Context, text string) error {
	if s.failed {
		return errAborted
	}
	err := s.request(ctx, s.wholeString(text), discard{})
	if err == nil {
		return pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	return err
}

// declared copies the declared types, nil if there are none.
func declared(oids []uint32) []uint32 {
	for _, oid := range oids {
		if oid != unspecifiedOID && oid != unknownOID {
			return append([]uint32(nil), oids...)
		}
	}
	if len(oids) > 0 {
		return make([]uint32, len(oids))
	}
	return nil
}

// undetermined is the error for a parameter without a type where no statement gives it one (exec_parse_message).
func undetermined(st *preparedStatement) *pgerr.Error {
	for i := range st.params {
		if i >= len(st.query.Declared) || st.query.Declared[i] == unspecifiedOID || st.query.Declared[i] == unknownOID {
			return pgerr.New("42P18", "could not determine data type of parameter $%d", i+1)
		}
	}
	return nil
}

// leavesFailedBlock: what may be parsed in a failed block (IsTransactionExitStmt in postgres.c, or nothing).
func leavesFailedBlock(p plan.Plan) bool {
	if p.Kind == plan.Empty {
		return true
	}
	if p.Kind != plan.TransactionControl {
		return false
	}
	switch p.Control.Verb {
	case plan.Commit, plan.Rollback, plan.RollbackTo:
		return true
	default:
		return false
	}
}

// parsed queues ParseComplete, which is sure once the server has been asked, or where it need not be.
func (g *group) parsed(st *preparedStatement, here bool) {
	b := encode(nil, &pgproto3.ParseComplete{})
	g.members = append(g.members, member{reply: b, parse: st, sure: here || st.description != nil})
}

// asker asks the server for the session, under its settings and as its user: a [catalog.Asker].
type asker struct{ *Session }

var _ catalog.Unshared = asker{}

// AsAnotherRole reports whether the session's settings make it another role than all others of the route are.
func (a asker) AsAnotherRole() bool {
	if role, ok := a.settings.Now("role", a.facts); ok && role != "none" {
		return true
	}
	user, ok := a.settings.Now("session_authorization", a.facts)
	return ok && user != a.route.Role
}

// Ask runs statements of ours as one transaction.
func (a asker) Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	head, headed, refusal := a.settings.Head(a.facts, false)
	if refusal != nil {
		return refusal
	}
	req := &upstream.Request{Transaction: headed || len(statements) > 1, Statements: statements}
	if headed {
		req.Statements = append([]upstream.Statement{head}, statements...)
		sink = &behindHead{RowSink: sink}
	}
	return a.request(ctx, req, sink)
}

// behindHead is a sink for what follows the head.
type behindHead struct {
	upstream.RowSink
	behind bool
	buf    []byte // of the head's own row
}

func (b *behindHead) Fields(i int, fields []upstream.Field) error {
	if b.behind = i > 0; !b.behind {
		return nil
	}
	return b.RowSink.Fields(i-1, fields)
}

func (b *behindHead) NextRow() []byte {
	if !b.behind {
		return b.buf[:0]
	}
	return b.RowSink.NextRow()
}

func (b *behindHead) EndRow(row []byte) error {
	if !b.behind {
		b.buf = row
		return nil
	}
	return b.RowSink.EndRow(row)
}

func (b *behindHead) Complete(i int, c upstream.Completion) error {
	if i == 0 {
		return nil
	}
	return b.RowSink.Complete(i-1, c)
}

// ask makes sure that the server has been asked what st is. Its error is the server's own of Parse, or one that ends the session.
func (s *Session) ask(ctx context.Context, st *preparedStatement) error {
	if st.description != nil || s.here(st) {
		return nil
	}
	epoch := s.route.Describer.Epoch()
	d, err := s.route.Describer.Describe(ctx, asker{s}, st.query)
	if err != nil {
		return err
	}
	st.epoch, st.path = epoch, s.path()
	return fault(s.prepared.describe(st, d))
}

// settleParsed asks about what was parsed in this cycle and is not executed in it. At an error the steps end before the
// statement in question.
func (s *Session) settleParsed(ctx context.Context) error {
	changed := false
	for i := range s.cycle.steps {
		if x := s.cycle.steps[i].exec; x != nil {
			changed = changed || x.mayChange()
		}
		st := s.cycle.steps[i].parse
		if st == nil || st.rides {
			continue
		}
		if changed && st.description == nil && !s.here(st) {
			s.cutBefore(i)
			return s.nothingChanges()
		}
		if err := s.ask(ctx, st); err != nil {
			s.cutBefore(i)
			return err
		}
	}
	return nil
}

// cutBefore drops the steps from i on, a Parse that is refused, and what they have named: Postgres would have skipped it.
func (s *Session) cutBefore(i int) {
	s.prepared.undoParse(s.cycle.steps[i].parse)
	s.cycle.steps = s.cycle.steps[:i]
	s.cycle.described = nil
}

// askNow is ask in the middle of a cycle. At an error the steps end before the statement's Parse if that is one of them.
func (s *Session) askNow(ctx context.Context, st *preparedStatement) error {
	if st.description != nil || s.here(st) {
		return nil
	}
	if err := s.nothingChanges(); err != nil {
		return err
	}
	err := s.ask(ctx, st)
	if err == nil {
		return nil
	}
	for i := range s.cycle.steps {
		if s.cycle.steps[i].parse == st {
			s.cutBefore(i)
			break
		}
	}
	return err
}

// nothingChanges refuses to ask about a statement while one waits to be run that may change what the answer is.
func (s *Session) nothingChanges() *pgerr.Error {
	if s.cycle.changes {
		s.unsupported("describe_behind_change")
		return pgerr.Unsupported("waiting for the description of a statement behind one, in the same pipeline, that may change it",
			"Send Sync between the two.")
	}
	return nil
}

// parseErrorFirst asks, after the group has failed with e, whether one of the statements that it parsed and executed at once was
// accepted: if not, that is the error. up is e as it came.
func (s *Session) parseErrorFirst(ctx context.Context, g *group, up error, e *pgerr.Error) *pgerr.Error {
	if failed, ok := errors.AsType[*upstream.Error](up); !ok || failed.Outcome != upstream.Failed {
		return e
	}
	before := 0
	for i := range g.members {
		m := &g.members[i]
		if m.exec != nil || m.hidden != nil {
			before++
		}
		if m.parse == nil || m.sure {
			continue
		}
		if before == 0 && isBind(e) { // of the first statement: later ones were not reached
			m.sure = true
			return e
		}
		err := s.ask(ctx, m.parse)
		if err == nil {
			m.sure = true
			continue
		}
		p, ok := errors.AsType[*pgerr.Error](err)
		if !ok || p.IsFatal() || before > 0 && (p.Code != e.Code || p.Message != e.Message) {
			return e // the server could not be asked, or a statement before has failed
		}
		g.rejected = m.parse
		return p
	}
	return e
}

// reached makes sure what stands before the only statement of a group that failed in its execution, and not at Bind: its portal was
// there, and described.
func (g *group) reached(e *pgerr.Error) {
	if g.sent != 1 || !isExecution(e) || isBind(e) {
		return
	}
	for i := range g.members {
		m := &g.members[i]
		if m.exec != nil {
			return
		}
		m.sure = true
	}
}

// isExecution reports whether no planning gives e: violated constraints, and transactions in each other's way.
func isExecution(e *pgerr.Error) bool {
	return (e.Class() == "23" || e.Class() == "40") && !isBind(e) // a domain's check of a value is Bind's
}

// isBind reports whether e is about a parameter's value: Parse has succeeded then.
func isBind(e *pgerr.Error) bool { return strings.HasPrefix(e.Where, "unnamed portal parameter") }

// evictCodes are the errors that say that what a statement names is not what it was (design of the cache of descriptions).
var evictCodes = map[string]bool{
	"42P01": true, "42703": true, "42883": true, "42804": true, "42704": true, "42P02": true, "42P08": true, "42P18": true, "0A000": true,
	"42501": true,
}

// evict takes the descriptions of a failed group's statements out of the route's cache.
func (s *Session) evict(g *group, e *pgerr.Error) {
	if !evictCodes[e.Code] {
		return
	}
	for _, m := range g.members {
		if m.exec != nil && m.exec.from != nil {
			s.route.Describer.Evict(m.exec.from.query)
		}
	}
}
