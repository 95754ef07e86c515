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
		if st.exec == nil {
			g.reply(st.reply, st.sure)
			continue
		}
		var err error
		if g, err = s.advance(ctx, g, st.exec); err != nil {
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

func (s *Session) newGroup(many bool) *group {
	return &group{many: many, settings: s.settings}
}

// advance takes one statement into the group, which it finishes where a transaction command ends it. It returns the group to
// go on with.
func (s *Session) advance(ctx context.Context, g *group, x *execution) (*group, error) {
	g.many = g.many || x.many
	if x.refusal != nil {
		return g, s.abandon(ctx, g, x.refusal)
	}
	if x.plan.Kind == plan.TransactionControl {
		return s.transactionCommand(ctx, g, x)
	}
	if x.plan.Kind == plan.Forward {
		g.send(x)
		return g, nil
	}
	if err := s.answerHere(g, x); err != nil {
		return g, s.abandon(ctx, g, err)
	}
	return g, nil
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
	return err
}

// finish runs the group as one request and writes its members' answers.
func (s *Session) finish(ctx context.Context, g *group, how outcome) error {
	out := &answers{session: s, group: g}
	if g.sent > 0 {
		req, positioned := g.request(how)
		if err := s.runGroup(ctx, g, req, out); err != nil {
			return s.failGroup(ctx, g, out, err, positioned)
		}
	}
	if err := out.rest(); err != nil {
		return err
	}
	if how == commit {
		s.settings = g.settings
	}
	s.metrics.ended(g, how.String())
	return nil
}

// finishAtFlush answers a group at Flush, before it is known what else will stand in its transaction. Reads run in a READ
// ONLY transaction, which shows whether they are only that; a write is committed, and then nothing may follow it in the cycle.
func (s *Session) finishAtFlush(ctx context.Context, g *group) error {
	if g.sent == 0 {
		return s.finish(ctx, g, commit)
	}
	if g.reads() {
		out := &answers{session: s, group: g}
		req, positioned := g.request(commit)
		req.Transaction, req.ReadOnly = true, true
		err := s.runGroup(ctx, g, req, out)
		if err == nil {
			return out.rest()
		}
		if pgerr.From(err).Code != pgerr.ReadOnlySQLTransaction || out.wrote {
			return s.failGroup(ctx, g, out, err, positioned)
		}
	}
	err := s.finish(ctx, g, commit)
	s.cycle.flushed = err == nil
	return err
}

// failGroup writes the answers that are true whatever failed, and gives the error as the client is told it.
func (s *Session) failGroup(ctx context.Context, g *group, out *answers, err error, positioned bool) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || errors.Is(err, errClientWrites) {
		return err // not the statement's: the session ends
	}
	e = g.mapPosition(e, positioned)
	s.metrics.ended(g, "failed")
	if !out.wrote {
		if err := s.grammarFirst(ctx, e); err != nil {
			return err
		}
		if err := out.sure(); err != nil {
			return err
		}
	}
	s.fail(g)
	if e.Class() == "42" { // the statement itself may be wrong: it was never accepted
		for _, name := range s.cycle.parsed {
			s.prepared.drop(name)
		}
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
	switch m := msg.(type) {
	case *pgproto3.Query:
		return s.query(ctx, m)
	case *pgproto3.Parse:
		return s.extended(ctx, s.parse(m))
	case *pgproto3.Bind:
		return s.extended(ctx, s.bind(m))
	case *pgproto3.Describe:
		return s.extended(ctx, s.describe(m))
	case *pgproto3.Execute:
		return s.extended(ctx, s.execute(m))
	case *pgproto3.Close:
		return s.extended(ctx, s.closeObject(m))
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
