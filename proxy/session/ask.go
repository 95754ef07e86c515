package session

import (
	"context"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

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
