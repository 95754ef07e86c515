package session

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// answerHere carries out a statement that does not go upstream as it stands.
func (s *Session) answerHere(ctx context.Context, g *group, x *execution) error {
	switch x.plan.Kind {
	case plan.Empty:
		g.answer(&pgproto3.EmptyQueryResponse{})
	case plan.Set:
		return fault(s.set(g, x))
	case plan.Show:
		return fault(s.show(g, x))
	case plan.Discard:
		return fault(s.discard(g, x))
	case plan.Prepare:
		return s.prepare(ctx, g, x)
	case plan.Execute:
		return s.executePrepared(ctx, g, x)
	case plan.Deallocate:
		tag, err := s.deallocate(x.plan.Name)
		if err != nil {
			return err
		}
		g.done(tag)
	case plan.Unlisten:
		g.done("UNLISTEN")
	case plan.CloseCursors:
		g.done("CLOSE CURSOR ALL")
	default:
		panic("BUG: a statement that nobody answers")
	}
	return nil
}

// deallocate is SQL's DEALLOCATE of a prepared statement of the protocol: they share their names.
func (s *Session) deallocate(name string) (tag string, err *pgerr.Error) {
	if name == "" {
		s.prepared.dropAll()
		return "DEALLOCATE ALL", nil
	}
	if !s.prepared.drop(name) {
		return "", unknownStatement(name)
	}
	return "DEALLOCATE", nil
}
