package session

import (
	"context"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

var (
	warnNoTransaction = &pgerr.Error{Severity: pgerr.SeverityWarning, Code: pgerr.NoActiveSQLTransaction,
		Message: "there is no transaction in progress"}
	warnInTransaction = &pgerr.Error{Severity: pgerr.SeverityWarning, Code: pgerr.ActiveSQLTransaction,
		Message: "there is already a transaction in progress"}
	errAborted = pgerr.New(pgerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
)

// transactionCommand carries out transaction control as src/backend/access/transam/xact.c does, on the group instead of
// a backend's transaction.
func (s *Session) transactionCommand(ctx context.Context, g *group, x *execution) (*group, error) {
	ctl := x.plan.Control
	switch ctl.Verb {
	case plan.Begin:
		if g.explicit {
			g.warn(warnInTransaction)
		} else {
			g.begin(ctl)
		}
		g.done(ctl.Tag)
		return g, nil
	case plan.Commit, plan.Rollback:
		return s.endTransaction(ctx, g, ctl)
	case plan.Savepoint, plan.Release, plan.RollbackTo:
		if !g.explicit {
			return g, s.abandon(ctx, g, outsideBlock(ctl))
		}
		g.savepoints = g.savepoints || ctl.Verb == plan.Savepoint
		g.send(x)
		return g, nil
	default:
		panic("BUG: transaction control without a verb")
	}
}

func (s *Session) endTransaction(ctx context.Context, g *group, ctl *plan.Control) (*group, error) {
	if !g.explicit {
		if ctl.Chain {
			return g, s.abandon(ctx, g, outsideBlock(ctl))
		}
		g.warn(warnNoTransaction)
	}
	g.done(ctl.Tag)
	how := commit
	if ctl.Verb == plan.Rollback {
		how = rollback
	}
	if err := s.finish(ctx, g, how); err != nil {
		return g, err
	}
	if how == commit {
		s.cycle.undo = nil
	}
	next := s.newGroup(g.many)
	if ctl.Chain {
		next.explicit, next.modes = true, g.modes
	}
	next.executed = g.executed
	return next, nil
}

func outsideBlock(ctl *plan.Control) *pgerr.Error {
	name := ctl.Tag
	switch {
	case ctl.Verb == plan.RollbackTo:
		name = "ROLLBACK TO SAVEPOINT"
	case ctl.Verb == plan.Release:
		name = "RELEASE SAVEPOINT"
	case ctl.Chain:
		name += " AND CHAIN"
	}
	return pgerr.New(pgerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", name)
}

// inFailedBlock answers a statement while the session is in a failed transaction block. With handled false the statement is to
// be refused with errAborted.
func (s *Session) inFailedBlock(p plan.Plan) (handled bool, err *pgerr.Error) {
	if p.Kind == plan.Empty {
		return false, nil
	}
	if p.Kind != plan.TransactionControl {
		return false, errAborted
	}
	switch p.Control.Verb {
	case plan.Commit, plan.Rollback:
		if p.Control.Chain {
			s.unsupported("transaction")
			return false, errOpenBlock
		}
		s.failed = false
		return true, nil
	case plan.RollbackTo:
		if !s.saved {
			return false, pgerr.New(pgerr.InvalidSavepoint, `savepoint "%s" does not exist`, p.Control.Savepoint)
		}
		s.unsupported("transaction")
		return false, pgerr.Unsupported("ROLLBACK TO SAVEPOINT in a later query than its transaction's BEGIN",
			"Send ROLLBACK, and then the whole transaction in one query string.")
	default:
		return false, errAborted
	}
}
