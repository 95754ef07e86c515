package session

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// describe answers Describe of a statement, and of a portal where that does not come with its result.
func (s *Session) describe(ctx context.Context, m *pgproto3.Describe) error {
	if err := s.settleDescribe(ctx); err != nil {
		return err
	}
	if m.ObjectType == 'S' {
		return s.describeStatement(ctx, m.Name)
	}
	p, perr := s.portal(m.Name)
	if perr != nil {
		return perr
	}
	if p.stmt.plan.Kind == plan.Execute {
		if err := s.nameIsKnown(p.stmt.plan.Execute.Name); err != nil {
			return err
		}
	}
	if returns(p.stmt, p.executes) == plan.ReturnsNothing {
		s.cycle.reply(&pgproto3.NoData{}, s.here(p.stmt))
		return nil
	}
	s.cycle.described = p
	if p.executed {
		return s.settleDescribe(ctx)
	}
	return nil
}

// settleDescribe answers the Describe of a portal whose Execute does not come next, from its statement.
func (s *Session) settleDescribe(ctx context.Context) error {
	p := s.cycle.described
	if p == nil {
		return nil
	}
	s.cycle.described = nil
	if err := s.stillReturns(ctx, p.stmt); err != nil {
		return err
	}
	fields, rows, err := s.rowsOf(ctx, p.stmt, p.executes)
	if err != nil {
		return err
	}
	s.replyRows(fields, rows)
	return nil
}

func (s *Session) describeStatement(ctx context.Context, name string) error {
	if err := s.nameIsKnown(name); err != nil {
		return err
	}
	st, perr := s.prepared.get(name)
	if perr != nil {
		return perr
	}
	if st.plan.Kind == plan.Execute {
		if err := s.nameIsKnown(st.plan.Execute.Name); err != nil {
			return err
		}
	}
	if s.failed && returns(st, st.executes) != plan.ReturnsNothing { // as exec_describe_statement_message
		return errAborted
	}
	if err := s.askNow(ctx, st); err != nil {
		return err
	}
	params := make([]uint32, st.params)
	copy(params, st.types())
	s.cycle.reply(&pgproto3.ParameterDescription{ParameterOIDs: params}, true)
	if st.executes != nil && st.executes.plan.Returns != plan.ReturnsNothing && s.prepared.byName[st.plan.Execute.Name] == nil {
		return unknownStatement(st.plan.Execute.Name) // FetchStatementTargetList in pquery.c
	}
	if err := s.stillReturns(ctx, st); err != nil {
		return err // behind its parameters, which are what they were
	}
	fields, rows, err := s.rowsOf(ctx, st, st.executes)
	if err != nil {
		return err
	}
	s.replyRows(fields, rows)
	return nil
}

func (s *Session) replyRows(fields []upstream.Field, rows bool) {
	if rows {
		s.cycle.reply(rowDescription(fields), true)
	} else {
		s.cycle.reply(&pgproto3.NoData{}, true)
	}
}

// rowsOf says what rows a statement returns; false if none. executes is what it executes, if it is EXECUTE.
func (s *Session) rowsOf(ctx context.Context, st, executes *preparedStatement) (fields []upstream.Field, rows bool, err error) {
	switch st.plan.Kind {
	case plan.Forward:
		return s.described(ctx, st)
	case plan.Show:
		if column, _, ok := s.settings.Value(st.plan.Setting.Name, s.facts); ok {
			return []upstream.Field{textColumn(column)}, true, nil
		}
		return s.described(ctx, st)
	case plan.Execute:
		if err := s.askNow(ctx, st); err != nil {
			return nil, false, err
		}
		if executes == nil { // Postgres says so only when it is executed (UtilityReturnsTuples)
			return nil, false, nil
		}
		return s.rowsOf(ctx, executes, nil) // as they were
	case plan.Prepare:
		return nil, false, s.askNow(ctx, st)
	default:
		return nil, false, nil
	}
}

// described says what rows a statement returns that the server is asked about.
func (s *Session) described(ctx context.Context, st *preparedStatement) (fields []upstream.Field, rows bool, err error) {
	if err := s.askNow(ctx, st); err != nil {
		return nil, false, err
	}
	d := st.description
	return d.Fields, d.Rows, fault(d.Err)
}

func textColumn(name string) upstream.Field {
	return upstream.Field{Name: name, TypeOID: pgtype.TextOID, TypeSize: -1, TypeMod: -1}
}

// returns says whether executing st returns rows, where executes is what it executes if it is EXECUTE.
func returns(st, executes *preparedStatement) plan.Rows {
	switch {
	case st.plan.Kind != plan.Execute:
		return st.plan.Returns
	case executes == nil:
		return plan.ReturnsNothing // but an error
	default:
		return executes.plan.Returns
	}
}

// stillTrue asks again what a statement returns that was described, where something has run or has been set since that may have changed
// it (RevalidateCachedQuery in plancache.c). Its parameters stay what they are.
func (s *Session) stillTrue(ctx context.Context, st *preparedStatement) error {
	epoch, path := s.route.Describer.Epoch(), s.path()
	if st.description == nil || st.epoch == epoch && st.path == path {
		return nil
	}
	if err := s.nothingChanges(); err != nil {
		return err
	}
	q := st.query
	q.Settings = s.settingsKey()
	if !q.Prepare {
		q.Declared = st.description.Params
	}
	d, err := s.route.Describer.Describe(ctx, asker{s}, q)
	if err != nil {
		return err
	}
	if d.Err == nil && (!st.sameShape(d.Fields) || st.description.Err == nil && st.description.Rows != d.Rows) {
		return errChangedResult
	}
	st.epoch, st.path = epoch, path
	return fault(s.prepared.describe(st, d))
}

// stillWrites is stillTrue before a statement is executed that writes and returns rows: once it has run, the write cannot be taken back.
func (s *Session) stillWrites(ctx context.Context, st *preparedStatement) error {
	if !st.plan.ReturningDML {
		return nil
	}
	return s.stillTrue(ctx, st)
}

// stillReturns is stillTrue before it is told what a statement returns. Postgres does not look if it returns nothing.
func (s *Session) stillReturns(ctx context.Context, st *preparedStatement) error {
	if st.plan.Kind != plan.Forward || st.description == nil || !st.description.Rows {
		return nil
	}
	return s.stillTrue(ctx, st)
}

// path are the settings by which the names in a statement are looked up.
func (s *Session) path() string {
	path, _ := s.settings.Now("search_path", s.facts)
	role, _ := s.settings.Now("role", s.facts)
	return path + ";" + role
}

var errChangedResult = pgerr.New(pgerr.FeatureNotSupported, "cached plan must not change result type")

// checkResult is the error for a result that is not what the statement was said to return (RevalidateCachedQuery in
// plancache.c). The server has run the statement by then.
func (x *execution) checkResult(fields []upstream.Field) error {
	if x.from == nil || x.from.sameShape(fields) {
		return nil
	}
	e := errChangedResult
	if x.plan.ReturningDML {
		e = e.WithDetail("The statement has run, and its changes are committed.")
	}
	return e
}
