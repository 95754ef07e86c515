package session

import (
	"context"
	"errors"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// The server says what is wrong with a group, not which of Parse, Bind and Execute it would have been wrong of. What can be told apart
// is told apart here.

// parseErrorFirst asks, after the group has failed with e, whether one of the statements that it parsed and executed at once was
// accepted: if not, that is the error. up is e as it came.
func (s *Session) parseErrorFirst(ctx context.Context, g *group, up error, e *pgerr.Error) *pgerr.Error {
	if failed, ok := errors.AsType[*upstream.Error](up); !ok || failed.Outcome != upstream.Failed {
		return e
	}
	before := 0
	for i := range g.members {
		m := &g.members[i]
		if m.exec != nil || m.hidden != nil {
			before++
		}
		if m.parse == nil || m.sure {
			continue
		}
		if before == 0 && isBind(e) { // of the first statement: later ones were not reached
			m.sure = true
			return e
		}
		err := s.ask(ctx, m.parse)
		if err == nil {
			m.sure = true
			continue
		}
		p, ok := errors.AsType[*pgerr.Error](err)
		if !ok || p.IsFatal() || before > 0 && (p.Code != e.Code || p.Message != e.Message) {
			return e // the server could not be asked, or a statement before has failed
		}
		g.rejected = m.parse
		return p
	}
	return e
}

// reached makes sure what stands before the only statement of a group that failed in its execution, and not at Bind: its portal was
// there, and described.
func (g *group) reached(e *pgerr.Error) {
	if g.sent != 1 || !isExecution(e) || isBind(e) {
		return
	}
	for i := range g.members {
		m := &g.members[i]
		if m.exec != nil {
			return
		}
		m.sure = true
	}
}

// isExecution reports whether no planning gives e: violated constraints, and transactions in each other's way.
func isExecution(e *pgerr.Error) bool {
	return (e.Class() == "23" || e.Class() == "40") && !isBind(e) // a domain's check of a value is Bind's
}

// isBind reports whether e is about a parameter's value: Parse has succeeded then.
func isBind(e *pgerr.Error) bool { return strings.HasPrefix(e.Where, "unnamed portal parameter") }

// evictCodes are the errors that say that what a statement names is not what it was (design of the cache of descriptions).
var evictCodes = map[string]bool{
	"42P01": true, "42703": true, "42883": true, "42804": true, "42704": true, "42P02": true, "42P08": true, "42P18": true, "0A000": true,
	"42501": true,
}

// evict takes the descriptions of a failed group's statements out of the route's cache.
func (s *Session) evict(g *group, e *pgerr.Error) {
	if !evictCodes[e.Code] {
		return
	}
	for _, m := range g.members {
		if m.exec != nil && m.exec.from != nil {
			s.route.Describer.Evict(m.exec.from.query)
		}
	}
}
