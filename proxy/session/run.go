package session

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// due says why the steps of the cycle are run now.
type due uint8

const (
	dueEnd   due = iota // Sync or the end of a Query: what is open is committed
	dueFlush            // the answers so far are wanted
	dueError            // an error stands behind the steps: what is open is rolled back
)

// errOpenBlock refuses what would leave a transaction block open between two cycles.
var errOpenBlock = pgerr.Unsupported("a transaction block that stays open after its query",
	"Send BEGIN, the statements and COMMIT in one query string or one pipeline, or use autocommit.")

// run executes the cycle's steps and writes their answers, all or up to an error, which it returns: an ERROR that is the
// last answer, or what ends the session. The cycle is then empty.
func (s *Session) run(ctx context.Context, why due) error {
	defer s.prepared.answered()
	defer s.cycle.answered()
	if s.cycle.committing() {
		if err := s.checkGrammar(ctx); err != nil {
			return err
		}
	}
	if why != dueError && s.cycle.endsOpen() {
		s.unsupported("transaction")
		return errOpenBlock
	}
	g := s.newGroup(false)
	for i := range s.cycle.steps {
		st := &s.cycle.steps[i]
		var err error
		switch {
		case st.parse != nil:
			g.parsed(st.parse, s.here(st.parse))
		case st.exec != nil:
			g, err = s.advance(ctx, g, st.exec)
		default:
			g.reply(st.reply, st.sure)
		}
		if err != nil {
			return err
		}
	}
	switch why {
	case dueFlush:
		return s.finishAtFlush(ctx, g)
	case dueError:
		return s.abandon(ctx, g, nil)
	default:
		return s.finish(ctx, g, commit)
	}
}

func (s *Session) newGroup(many bool) *group { return &group{many: many, planned: s.settings} }

// advance takes one statement into the group, which it finishes where a transaction command ends it. It returns the group to
// go on with.
func (s *Session) advance(ctx context.Context, g *group, x *execution) (*group, error) {
	g.many = g.many || x.many
	g.executed++
	g.order, s.prepared.journal.now = x.order, x.order
	if x.refusal != nil {
		return g, s.abandon(ctx, g, x.refusal)
	}
	if x.plan.Kind == plan.TransactionControl {
		return s.transactionCommand(ctx, g, x)
	}
	err := s.take(ctx, g, x)
	if e, ok := errors.AsType[*pgerr.Error](err); ok && !e.IsFatal() {
		return g, s.abandon(ctx, g, e)
	}
	return g, err
}

// take takes a statement that is no transaction control.
func (s *Session) take(ctx context.Context, g *group, x *execution) error {
	if x.plan.Kind == plan.Forward {
		return s.forward(ctx, g, x)
	}
	return s.answerHere(ctx, g, x)
}

// abandon ends the group at an error of ours: what stands before it runs, is answered and rolled back, as Postgres would
// have done by now. It returns err, or the error of the group itself if it comes first.
func (s *Session) abandon(ctx context.Context, g *group, err *pgerr.Error) error {
	if err != nil {
		if first := s.grammarFirst(ctx, err); first != nil {
			return first
		}
	}
	if runErr := s.finish(ctx, g, rollback); runErr != nil {
		return runErr
	}
	s.fail(g)
	if err == nil {
		return nil
	}
	s.cycle.failedAt = g.order
	s.prepared.undoBehind(g.order)
	return err
}

func (s *Session) answersTo(g *group, b *batch) *answers {
	s.speak(&s.settings)
	a := &answers{session: s, group: g, settings: s.settings}
	if b != nil {
		a.prologue = b.prologue
	}
	return a
}

// finish runs the group as one request and writes its members' answers.
func (s *Session) finish(ctx context.Context, g *group, how outcome) error {
	if g.lone != nil && g.sent == g.lone.count {
		g.withoutServer()
	}
	if g.sent == 0 {
		return s.finished(g, s.answersTo(g, nil), how)
	}
	b, refusal := s.batch(g, how)
	if refusal != nil {
		return s.failGroup(ctx, g, s.answersTo(g, nil), nil, refusal)
	}
	out := s.answersTo(g, b)
	err := s.runGroup(ctx, g, b.req, out)
	if err != nil && !out.wrote && s.repin(ctx, g, b, err) {
		if b, refusal = s.batch(g, how); refusal == nil {
			out = s.answersTo(g, b)
			err = s.runGroup(ctx, g, b.req, out)
		}
	}
	if err != nil {
		return s.failGroup(ctx, g, out, b, s.outlived(g, how, err))
	}
	return s.finished(g, out, how)
}

// finished ends a group whose request succeeded.
func (s *Session) finished(g *group, out *answers, how outcome) error {
	if err := out.rest(); err != nil {
		s.fail(g)
		return s.outlived(g, how, err)
	}
	if how == commit {
		out.settings.Commit()
		s.settings = out.settings
	}
	if g.changes {
		s.route.Describer.Flush()
	}
	s.metrics.ended(g, how.String())
	return nil
}

// finishAtFlush answers a group at Flush, before it is known what else will stand in its transaction. Reads run in a READ
// ONLY transaction, which shows whether they are only that; a write is committed, and then nothing may follow it in the cycle.
func (s *Session) finishAtFlush(ctx context.Context, g *group) error {
	if s.cycle.undo == nil {
		before := s.settings
		s.cycle.undo = &before
	}
	if !g.executes() {
		return s.finish(ctx, g, commit)
	}
	if g.reads() {
		b, refusal := s.batch(g, commit)
		if refusal != nil {
			return s.failGroup(ctx, g, s.answersTo(g, nil), nil, refusal)
		}
		b.req.Transaction, b.req.ReadOnly = true, true
		out := s.answersTo(g, b)
		err := s.runGroup(ctx, g, b.req, out)
		if err == nil {
			return s.finished(g, out, commit)
		}
		if pgerr.From(err).Code != pgerr.ReadOnlySQLTransaction || out.wrote {
			return s.failGroup(ctx, g, out, b, err)
		}
	}
	err := s.finish(ctx, g, commit)
	if err == nil {
		s.cycle.flushed, s.cycle.undo = true, nil
	}
	return err
}

// failGroup writes the answers that are true whatever failed, and gives the error as the client is told it. b is nil if nothing was
// sent.
func (s *Session) failGroup(ctx context.Context, g *group, out *answers, b *batch, err error) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || errors.Is(err, errClientWrites) {
		return err // not the statement's: the session ends
	}
	s.metrics.ended(g, "failed")
	if b != nil {
		e = g.argumentError(b.mapPosition(s.whileSet(b, e)))
	}
	if !out.wrote {
		if err := s.grammarFirst(ctx, e); err != nil {
			return err
		}
		if b != nil {
			e = s.parseErrorFirst(ctx, g, err, e)
			if g.rejected == nil {
				g.reached(e)
			}
		}
		if err := out.sure(); err != nil {
			return err
		}
	}
	s.fail(g)
	s.undoBehind(g, out, e)
	if g.rejected == nil {
		e = g.inPortal(e)
	}
	s.evict(g, e)
	if g.changes {
		s.route.Describer.Flush() // it may have run after all
	}
	return e
}

// whileSet says of what ended a transaction of its own, as a procedure may, that it could not because of the session's settings.
func (s *Session) whileSet(b *batch, e *pgerr.Error) *pgerr.Error {
	const invalidTransactionTermination = "2D000"
	if e.Code == invalidTransactionTermination && b.headed && len(b.places) == 1 {
		return s.cannotRunAlone().Because(e)
	}
	return e
}

// runGroup sends a group's request and counts it.
func (s *Session) runGroup(ctx context.Context, g *group, req *upstream.Request, out *answers) error {
	start := time.Now()
	err := s.request(ctx, req, out)
	s.metrics.observe(g, s.route.Name, time.Since(start), err)
	return err
}

// fail leaves the session in a failed block if the group was one.
func (s *Session) fail(g *group) {
	if g.explicit {
		s.failed, s.saved = true, g.savepoints
	}
}

func (s *Session) unsupported(feature string) { s.metrics.unsupported.WithLabelValues(feature).Inc() }

// handle answers one message.
func (s *Session) handle(ctx context.Context, msg pgproto3.FrontendMessage) error {
	if _, sync := msg.(*pgproto3.Sync); s.skipping && !sync {
		return nil
	}
	if s.cycle.recodes && !isASCII(msg) {
		return s.refuseMessage(ctx, s.behindRecoding())
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		return s.query(ctx, m)
	case *pgproto3.Parse:
		return s.extended(ctx, s.parse(ctx, m))
	case *pgproto3.Bind:
		return s.extended(ctx, s.bind(ctx, m))
	case *pgproto3.Describe:
		return s.extended(ctx, s.describe(ctx, m))
	case *pgproto3.Execute:
		return s.extended(ctx, s.execute(ctx, m))
	case *pgproto3.Close:
		return s.extended(ctx, s.closeObject(ctx, m))
	case *pgproto3.Flush:
		return s.flush(ctx)
	case *pgproto3.Sync:
		return s.sync(ctx)
	case *pgproto3.FunctionCall:
		s.unsupported("function_call")
		return s.answerQuery(ctx, pgerr.Unsupported("the FunctionCall message", "Call the function with SELECT."))
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // left over from a COPY that failed (postgres.c: "accept but ignore these messages")
	default:
		panic("BUG: wire.Conn received a message that a session cannot get")
	}
}
