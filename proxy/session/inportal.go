package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// inPortal is e, if it is about a parameter's value, as it reads where the client bound it: upstream every portal is unnamed, and what
// a pinned text does not have was not sent. Of several executions that have such a parameter it is the first whose value the message names,
// or the first.
func (g *group) inPortal(e *pgerr.Error) *pgerr.Error {
	m, n := g.failedBind(e)
	if m == nil || m.exec.prepared != nil {
		return e
	}
	failed, number := m.exec, n
	if failed.kept != nil {
		number = failed.kept[n-1] + 1
	}
	c := *e
	c.Where = wire.ParameterContext(failed.portal, number) + strings.TrimPrefix(e.Where, wire.ParameterContext("", n))
	return &c
}

// failedBind is the execution whose n-th parameter e is about, nil if e is not about one.
func (g *group) failedBind(e *pgerr.Error) (failed *member, n int) {
	if !isBind(e) {
		return nil, 0
	}
	if _, err := fmt.Sscanf(e.Where, "unnamed portal parameter $%d", &n); err != nil {
		return nil, 0
	}
	for i := range g.members {
		x := g.members[i].exec
		if x == nil || n < 1 || n > len(x.params) {
			continue
		}
		value := x.params[n-1]
		if value == nil && !strings.Contains(e.Where, " = ") || value != nil && strings.Contains(e.Message, `"`+string(value)+`"`) {
			return &g.members[i], n
		}
		if failed == nil {
			failed = &g.members[i]
		}
	}
	return failed, n
}

// undoBehind takes back what the cycle has named behind the point where the group failed with e: a Parse that was refused, a Bind, or
// else the first statement that was not answered, because what was not answered is not there.
func (s *Session) undoBehind(g *group, out *answers, e *pgerr.Error) {
	if g.rejected != nil {
		s.cycle.failedAt = s.prepared.undoParse(g.rejected)
		return
	}
	order := g.order
	for i := range g.members {
		if m := &g.members[i]; (m.exec != nil || m.hidden != nil) && (!out.wrote || i >= out.next) {
			order = m.order
			break
		}
	}
	if m, _ := g.failedBind(e); m != nil {
		order = m.order
	}
	s.prepared.undoBehind(order)
}

// askOfOddTypes asks about a statement before it is executed if a type was declared that a pinned text cannot name: of what is no type
// or a pseudo-type the server has to say whether it will do, and of a parameter that is neither declared nor used that it has none.
func (s *Session) askOfOddTypes(ctx context.Context, st *preparedStatement) error {
	if st.description != nil || s.here(st) {
		return nil
	}
	var types []uint32
	for i, oid := range st.query.Declared {
		switch {
		case oid != unspecifiedOID && oid != unknownOID:
			types = append(types, oid)
		case i >= st.highest: // nothing gives it a type
			return s.askNow(ctx, st)
		}
	}
	if types == nil {
		return nil
	}
	known, err := s.route.Types.Get(ctx, asker{s}, types)
	if err != nil {
		return err
	}
	for _, oid := range types {
		if t, ok := known[oid]; !ok || t.Pseudo() {
			return s.askNow(ctx, st)
		}
	}
	return nil
}
