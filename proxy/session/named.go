package session

import (
	"context"
	"errors"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Names of prepared statements are the protocol's and SQL's at once. The protocol's messages act when they come, SQL's commands when
// the cycle is run, which is later.

// executions are the statements that wait to be run.
func (c *cycle) executions() []*execution {
	var all []*execution
	for i := range c.steps {
		if x := c.steps[i].exec; x != nil {
			all = append(all, x)
		}
	}
	return all
}

// named carries out PREPARE and DEALLOCATE at once if nothing waits before them that could fail: then they have their effect for what
// follows in the pipeline. What an EXECUTE executes is fixed.
func (s *Session) named(ctx context.Context, x *execution) (done bool, err error) {
	switch p := &x.plan; p.Kind {
	case plan.Execute:
		if s.nameIsKnown(p.Execute.Name) == nil {
			x.executes, x.fixed = s.prepared.byName[p.Execute.Name], true
		}
		return false, nil
	case plan.Prepare, plan.Deallocate:
	default:
		return false, nil
	}
	if s.cycle.waiting > 0 {
		return false, nil
	}
	s.prepared.journal.tick()
	if err := s.settle(ctx); err != nil {
		return true, err
	}
	tag := "PREPARE"
	if x.plan.Kind == plan.Prepare {
		err = s.prepare(ctx, s.newGroup(false), x)
	} else {
		var refused *pgerr.Error
		tag, refused = s.deallocate(x.plan.Name)
		err = fault(refused)
	}
	if err == nil {
		s.cycle.reply(commandComplete(tag), true)
	}
	return true, err
}

// nameIsKnown refuses to use a name of which it is not known yet what it will mean: PREPARE or DEALLOCATE of it waits to be run.
func (s *Session) nameIsKnown(name string) *pgerr.Error {
	if name == "" || !s.cycle.renames[name] && !s.cycle.renames[""] {
		return nil // SQL has no name for the unnamed statement
	}
	s.unsupported("name_behind_prepare")
	return pgerr.Unsupported("using the name of a prepared statement behind PREPARE, DEALLOCATE or DISCARD of it in the same pipeline",
		"Send Sync between the two.")
}

// failsBefore reports whether e, the error of a transaction that a pipeline began and a Query went on with, is the pipeline's: the
// Query is skipped then, to Sync. Where that is not known the pipeline is run once more
// without it, and undone.
func (s *Session) failsBefore(ctx context.Context, begins int, pipeline []*execution, e *pgerr.Error) bool {
	if at := s.cycle.failedAt; at > 0 {
		return at < begins
	}
	g := s.newGroup(false)
	for _, x := range pipeline {
		y := *x
		y.sql, y.under, y.pinned, y.kept = splice.Apply(x.text, nil), nil, false, nil
		if x.pinned {
			y.params = x.bound
		}
		switch x.plan.Kind {
		case plan.TransactionControl, plan.Prepare, plan.Deallocate, plan.Discard:
			continue // they do not fail, or not for what the server says
		}
		if err := s.take(ctx, g, &y); err != nil {
			return true
		}
	}
	if g.sent == 0 {
		return false
	}
	b, refusal := s.batch(g, rollback)
	if refusal != nil {
		return true
	}
	up, ok := errors.AsType[*upstream.Error](s.request(ctx, b.req, discard{}))
	return ok && up.Outcome == upstream.Failed && up.PG.Code == e.Code && up.PG.Message == e.Message
}
