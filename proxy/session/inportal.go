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
	var n int
	if !isBind(e) {
		return e
	}
	if _, err := fmt.Sscanf(e.Where, "unnamed portal parameter $%d", &n); err != nil {
		return e
	}
	var failed *execution
	for _, m := range g.members {
		x := m.exec
		if x == nil || x.prepared != nil || n < 1 || n > len(x.params) {
			continue
		}
		if names := len(x.params[n-1]) > 0 && strings.Contains(e.Message, string(x.params[n-1])); names || failed == nil {
			failed = x
			if names {
				break
			}
		}
	}
	if failed == nil {
		return e
	}
	number := n
	if failed.kept != nil {
		number = failed.kept[n-1] + 1
	}
	c := *e
	c.Where = wire.ParameterContext(failed.portal, number) + strings.TrimPrefix(e.Where, wire.ParameterContext("", n))
	return &c
}

// askOfOddTypes asks about a statement before it is executed if a type was declared that a pinned text cannot name: of what is no type
// or a pseudo-type the server has to say whether it will do.
func (s *Session) askOfOddTypes(ctx context.Context, st *preparedStatement) error {
	if st.description != nil || s.here(st) {
		return nil
	}
	var types []uint32
	for _, oid := range st.query.Declared {
		if oid != unspecifiedOID && oid != unknownOID {
			types = append(types, oid)
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
