package session

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// query answers a simple Query (protocol-flow-simple-query). What a pipeline has asked before it without Sync stands in
// the same transaction, so it joins the same cycle.
func (s *Session) query(ctx context.Context, m *pgproto3.Query) error {
	if err := s.settle(ctx); err != nil {
		return s.extended(ctx, err) // the Query is skipped
	}
	pipeline := s.cycle.executions()
	begins := s.prepared.journal.tick()
	s.prepared.drop("") // a Query takes the unnamed statement with it (exec_simple_query)
	s.cycle.query = len(s.cycle.steps) == 0 && len(s.portals) == 0
	before := s.failed
	s.admitAll(m.String)
	err := s.run(ctx, dueEnd)
	if e, ok := errors.AsType[*pgerr.Error](err); ok && s.cycle.query && isGrammar(e) {
		s.failed = before // a ROLLBACK in a string that does not parse has ended no block
	}
	if e, ok := errors.AsType[*pgerr.Error](err); ok && !e.IsFatal() && s.failsBefore(ctx, begins, pipeline, e) {
		return s.skipAfter(err)
	}
	s.prepared.drop("") // if that was undone
	return s.endCycle(err)
}

// admitAll queues the statements of a query string, up to the first that is refused: the rest is never looked at, but for
// whether there is any.
func (s *Session) admitAll(text string) {
	var first *execution
	refused := false
	o := s.planning()
	for st := range sqlscan.Statements(text, o.StandardConforming) {
		x := &execution{text: st.Text, conforming: o.StandardConforming, sql: splice.Apply(st.Text, nil), charStart: st.CharStart, simple: true, many: first != nil}
		if first == nil {
			first = x
		} else {
			first.many = true
			if s.cycle.query {
				s.cycle.several = text
			}
		}
		if refused {
			return
		}
		x.plan = plan.Classify(st, o)
		s.admit(x, st)
		refused = x.refusal != nil
		if refused && x.refusal.Code == undefinedParameter && s.cycle.query {
			s.cycle.several = text // where the grammar has no place for one, the parser says so first
		}
	}
	if first == nil {
		s.cycle.reply(&pgproto3.EmptyQueryResponse{}, true)
	}
}

// answerQuery ends a cycle with its answers, err or the error that comes before it, and ReadyForQuery.
func (s *Session) answerQuery(ctx context.Context, err error) error {
	switch {
	case err == nil:
		err = s.run(ctx, dueEnd)
	case !isFatal(err):
		err = s.runThen(ctx, err)
	}
	return s.endCycle(err)
}

// endCycle answers an error, unless it ends the session, and says ReadyForQuery.
func (s *Session) endCycle(err error) error {
	if err != nil {
		if err = s.answerError(err); err != nil {
			return err
		}
	}
	s.cycle.reset()
	s.prepared.answered()
	clear(s.portals)
	s.skipping = false
	s.readyForQuery()
	return s.conn.Flush()
}

// answerError sends an ERROR. Any other error it returns: the session ends with it.
func (s *Session) answerError(err error) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || e.IsFatal() {
		return err
	}
	if s.cycle.undo != nil {
		s.settings, s.cycle.undo = *s.cycle.undo, nil
	}
	if e.Detail == "" && s.cycle.flushed {
		e = e.WithDetail("A statement of this pipeline that was answered at Flush has been committed.")
	}
	s.metrics.failed(e, sourceOf(e))
	s.conn.SendError(e)
	return nil
}

// admit queues a statement of either protocol, or sets its refusal where it stands.
func (s *Session) admit(x *execution, st sqlscan.Statement) {
	switch {
	case s.cycle.size+int64(len(x.text)) > s.route.MaxRequest:
		x.refusal = s.tooLarge()
	case s.failed:
		handled, err := s.inFailedBlock(x.plan)
		if handled { // needs no server: the transaction is gone there since it failed
			s.cycle.reply(&pgproto3.CommandComplete{CommandTag: []byte("ROLLBACK")}, true)
			return
		}
		x.refusal = err
	case x.plan.Kind == plan.Refuse:
		s.unsupported(string(x.plan.Feature))
		x.refusal = x.plan.Refusal
	case x.plan.Kind == plan.Execute && !s.prepared.takes(x.plan.Execute): // which is said first, and where none are taken never
	case x.simple && st.MaxParam > 0 && x.plan.Kind != plan.Prepare && !s.ownsParameters(st):
		x.refusal = s.noParameter(st)
	}
	x.order = s.prepared.journal.tick()
	s.cycle.execute(x)
}

// tooLarge is the error for more than one request can hold. What waits is dropped instead of run and rolled back: it may be
// hundreds of thousands of statements.
func (s *Session) tooLarge() *pgerr.Error {
	s.cycle.answered()
	s.prepared.answered()
	return pgerr.New(pgerr.ProgramLimitExceeded, "the statements of one transaction would take more than %d bytes", s.route.MaxRequest).
		WithDetail("What had not been answered yet was not run.").
		WithHint("Send fewer statements or parameters at once.")
}

// ownsParameters reports whether $n in the statement can be an argument of the routine that it creates.
func (s *Session) ownsParameters(st sqlscan.Statement) bool {
	sc := sqlscan.New(st.Text, s.planning().StandardConforming)
	for _, words := range [][]string{{"CREATE"}, {"OR", "FUNCTION", "PROCEDURE"}, {"REPLACE"}, {"FUNCTION", "PROCEDURE"}} {
		t, ok := sc.Next()
		if !ok || !slices.ContainsFunc(words, func(w string) bool { return sqlscan.Keyword(st.Text, t, w) }) {
			return false
		}
		if sqlscan.Keyword(st.Text, t, "FUNCTION") || sqlscan.Keyword(st.Text, t, "PROCEDURE") {
			return true
		}
	}
	return false
}

const undefinedParameter = "42P02"

// noParameter is what Postgres says of a $n in a simple Query: upstream it would be taken for a parameter that was not
// given.
func (s *Session) noParameter(st sqlscan.Statement) *pgerr.Error {
	sc := sqlscan.New(st.Text, s.planning().StandardConforming)
	for t, ok := sc.Next(); ok; t, ok = sc.Next() {
		if t.Kind == sqlscan.Param {
			e := pgerr.New(undefinedParameter, "there is no parameter %s", st.Text[t.Start:t.End])
			e.Position = int32(st.CharStart + utf8.RuneCountInString(st.Text[:t.Start]) + 1)
			return e
		}
	}
	panic("BUG: a statement with parameters has none")
}
