package session

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
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
