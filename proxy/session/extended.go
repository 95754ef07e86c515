package session

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// bind makes a portal.
func (s *Session) bind(ctx context.Context, m *pgproto3.Bind) error {
	if err := s.settleDescribe(ctx); err != nil {
		return err
	}
	if err := s.nameIsKnown(m.PreparedStatement); err != nil {
		return err
	}
	p, err := s.newPortal(m)
	if err != nil {
		return err
	}
	if !s.failed {
		if err := s.stillWrites(ctx, p.stmt); err != nil {
			return err
		}
	}
	s.portals[p.name] = p
	s.cycle.reply(&pgproto3.BindComplete{}, s.here(p.stmt))
	return nil
}

func (s *Session) newPortal(m *pgproto3.Bind) (*portal, *pgerr.Error) {
	st, err := s.prepared.get(m.PreparedStatement)
	if err != nil {
		return nil, err
	}
	if len(m.Parameters) != st.params {
		return nil, pgerr.New(pgerr.ProtocolViolation, `bind message supplies %d parameters, but prepared statement "%s" requires %d`,
			len(m.Parameters), st.name, st.params)
	}
	if s.failed && (st.plan.Kind == plan.Empty || st.params > 0 || !leavesFailedBlock(st.plan)) { // as exec_bind_message
		return nil, errAborted
	}
	if err := s.textOnly(m, st); err != nil {
		return nil, err
	}
	if _, exists := s.portals[m.DestinationPortal]; exists && m.DestinationPortal != "" {
		return nil, pgerr.New(pgerr.DuplicateCursor, `cursor "%s" already exists`, m.DestinationPortal)
	}
	params, err := s.copyParameters(m)
	if err != nil {
		return nil, err
	}
	return &portal{name: m.DestinationPortal, stmt: st, executes: s.prepared.executed(st), params: params}, nil
}

// textOnly refuses format codes other than text, where they would matter.
func (s *Session) textOnly(m *pgproto3.Bind, st *preparedStatement) *pgerr.Error {
	if len(m.Parameters) > 0 {
		if i, err := s.textFormats(m.ParameterFormatCodes, "the binary format of parameters"); err != nil {
			if err.Code == pgerr.InvalidParameterValue { // Postgres' own, with its context
				err = inParameter(err, m, i)
			}
			return err
		}
	}
	if returns(st, s.prepared.executed(st)) == plan.ReturnsNothing {
		return nil
	}
	_, err := s.textFormats(m.ResultFormatCodes, "the binary format of results")
	return err
}

// textFormats returns the error for the first code that is not text's, and which it is.
func (s *Session) textFormats(codes []int16, thing string) (int, *pgerr.Error) {
	for i, code := range codes {
		switch code {
		case pgproto3.TextFormat:
		case pgproto3.BinaryFormat:
			s.unsupported("binary_format")
			return i, pgerr.Unsupported(thing, "Let the driver send and ask for text.")
		default:
			return i, pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", code)
		}
	}
	return 0, nil
}

// inParameter says in which parameter the error is (bind_param_error_callback).
func inParameter(err *pgerr.Error, m *pgproto3.Bind, i int) *pgerr.Error {
	e := *err
	e.Where = wire.ParameterContext(m.DestinationPortal, i+1)
	return &e
}

// copyParameters takes the values out of the message, which is only valid until the next one.
func (s *Session) copyParameters(m *pgproto3.Bind) ([][]byte, *pgerr.Error) {
	size := s.cycle.size + stepSize + int64(len(m.DestinationPortal))
	for _, v := range m.Parameters {
		size += int64(len(v))
	}
	if size > s.route.MaxRequest {
		return nil, s.tooLarge()
	}
	s.cycle.size = size
	out := make([][]byte, len(m.Parameters))
	for i, v := range m.Parameters {
		if v == nil {
			continue
		}
		b, err := s.conn.AppendText(make([]byte, 0, len(v)), v)
		if err != nil {
			return nil, inParameter(err, m, i)
		}
		s.cycle.size += int64(len(b) - len(v)) // another encoding's text may take more
		out[i] = b
	}
	if s.cycle.size > s.route.MaxRequest {
		return nil, s.tooLarge()
	}
	return out, nil
}

func (s *Session) portal(name string) (*portal, *pgerr.Error) {
	if p, ok := s.portals[name]; ok {
		return p, nil
	}
	return nil, pgerr.New(pgerr.InvalidCursorName, `portal "%s" does not exist`, name)
}

// execute queues a portal's statement.
func (s *Session) execute(ctx context.Context, m *pgproto3.Execute) error {
	p, err := s.portal(m.Portal)
	if err != nil {
		return err
	}
	st := p.stmt
	described := s.cycle.described == p
	if !described {
		if err := s.settleDescribe(ctx); err != nil {
			return err
		}
	}
	s.cycle.described = nil
	switch {
	case p.executed:
		s.unsupported("portal_again")
		return pgerr.Unsupported("executing a portal a second time", "Bind the statement again.")
	case int32(m.MaxRows) > 0 && returns(st, p.executes) != plan.ReturnsNothing:
		s.unsupported("max_rows")
		return pgerr.Unsupported("a row limit in Execute (max_rows)", "Fetch all rows at once, or put LIMIT into the statement.")
	case s.cycle.flushed && st.plan.Kind == plan.Forward:
		s.unsupported("transaction")
		return pgerr.Unsupported("a second Execute in a pipeline after a write that was answered at Flush", "Send Sync after each statement.")
	}
	if err := s.askOfOddTypes(ctx, st); err != nil {
		return err
	}
	p.executed = true
	st.rides = true
	x := &execution{portal: p.name, plan: st.plan, text: st.query.Text, conforming: st.query.StandardConforming, params: p.params, described: described, from: st}
	x.sql = splice.Apply(x.text, nil)
	if !s.failed {
		if done, err := s.named(ctx, x); done || err != nil {
			return err
		}
	}
	s.admit(x, sqlscan.Statement{})
	if x.refusal != nil {
		// Its place is behind the steps before it, and that is now: an error is not kept until Sync.
		s.cycle.steps = s.cycle.steps[:len(s.cycle.steps)-1]
		return x.refusal
	}
	s.cycle.recodes = s.cycle.recodes || s.recodes(x.plan)
	return nil
}

// closeObject forgets a statement or portal; one that does not exist is no error (protocol-flow-ext-query).
func (s *Session) closeObject(ctx context.Context, m *pgproto3.Close) error {
	if err := s.settleDescribe(ctx); err != nil {
		return err
	}
	if m.ObjectType == 'S' {
		if err := s.nameIsKnown(m.Name); err != nil {
			return err
		}
		s.prepared.journal.tick()
		s.prepared.drop(m.Name)
	} else {
		delete(s.portals, m.Name)
	}
	s.cycle.reply(&pgproto3.CloseComplete{}, true)
	return nil
}

// fault is err as an error: nil where there is none.
func fault(err *pgerr.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// isFatal reports whether the session ends with err.
func isFatal(err error) bool {
	e, ok := errors.AsType[*pgerr.Error](err)
	return !ok || e.IsFatal()
}

// extended goes on after a message of the extended protocol: after an error what is pending is run and rolled back, then
// the error is sent at once, and all is skipped to Sync.
func (s *Session) extended(ctx context.Context, err error) error {
	if err == nil && max(s.cycle.size, s.cycle.parsed) > s.route.MaxRequest {
		err = s.tooLarge() // by answers that wait for Sync, or statements that were replaced
	}
	if err == nil {
		return nil
	}
	if isFatal(err) {
		return err
	}
	if first := s.settleParsed(ctx); first != nil {
		if isFatal(first) {
			return first
		}
		err = first // Postgres would not have come to the other
	}
	return s.skipAfter(s.runThen(ctx, err))
}

// runThen runs the steps, which an error stands behind, and returns the first error of both.
func (s *Session) runThen(ctx context.Context, err error) error {
	if runErr := s.run(ctx, dueError); runErr != nil {
		return runErr
	}
	return err
}

func (s *Session) skipAfter(err error) error {
	if err = s.answerError(err); err != nil {
		return err
	}
	s.skipping = true
	return s.conn.Flush()
}

// flush answers what has been asked so far.
func (s *Session) flush(ctx context.Context) error {
	if err := s.settle(ctx); err != nil {
		return s.extended(ctx, err)
	}
	if err := s.run(ctx, dueFlush); err != nil {
		return s.skipAfter(err)
	}
	return s.conn.Flush()
}

// sync ends the cycle: what is open is committed.
func (s *Session) sync(ctx context.Context) error {
	if s.skipping {
		return s.endCycle(nil)
	}
	return s.answerQuery(ctx, s.settle(ctx))
}

// settle asks the server what has to be known before the steps are run.
func (s *Session) settle(ctx context.Context) error {
	if err := s.settleDescribe(ctx); err != nil {
		return err
	}
	return s.settleParsed(ctx)
}

// refuseMessage answers an ERROR about a message that was framed well but is itself wrong.
func (s *Session) refuseMessage(ctx context.Context, e *pgerr.Error) error {
	typ := s.conn.Type()
	if s.skipping && typ != 'S' {
		return nil
	}
	if bytes.IndexByte([]byte("PBDECH"), typ) >= 0 {
		return s.extended(ctx, e)
	}
	return s.answerQuery(ctx, e)
}
