package session

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// forward takes a statement that goes upstream into the group: with its parameters' types, and with what it does to settings.
func (s *Session) forward(ctx context.Context, g *group, x *execution) error {
	if x.plan.PreparedView {
		s.unsupported("pg_prepared_statements")
		return pgerr.Unsupported("pg_prepared_statements", "It would show the statements of a connection that is not this session's.")
	}
	if x.plan.Creates && g.planned.CreatesTemporary(s.facts) {
		s.unsupported(string(plan.FeatureTemp))
		return pgerr.Unsupported("CREATE while search_path begins with the schema pg_temp", "Take pg_temp out of search_path, or give the name its schema.")
	}
	if err := s.readAlike(g, x); err != nil {
		return err
	}
	step, err := s.settingCalls(g, x)
	if err != nil {
		return err
	}
	if err := s.pin(ctx, x); err != nil {
		return err
	}
	g.send(x)
	if step.Learn != nil {
		g.readBack(step)
	}
	if step.Done != nil {
		step.Done(&g.planned)
		g.act(func(a *answers) { step.Done(&a.settings) })
	}
	return nil
}

// readAlike refuses a text that the server would read otherwise than it was meant when it was sent: a backslash in it may be an escape
// or not.
func (s *Session) readAlike(g *group, x *execution) *pgerr.Error {
	if x.from != nil {
		if l := x.from.literals; l.kinds != 0 && (l.settings != s.literalSettings(l.kinds) || g.mayAssign(literalSettings[:]...)) {
			s.unsupported("literal_settings")
			return pgerr.Unsupported("executing a statement with a literal like a date that was prepared under another DateStyle, IntervalStyle or TimeZone",
				"Prepare it again.")
		}
	}
	if x.conforming == s.settings.StandardConforming(s.facts) && !g.mayAssign("standard_conforming_strings") || !strings.Contains(x.text, `\`) {
		return nil
	}
	s.unsupported("standard_conforming_strings")
	return pgerr.Unsupported("a text with a backslash that was sent before standard_conforming_strings was changed", "Send it again.")
}

// settingCalls prepares what set_config() calls in the statement assign. The step, if it has one, comes behind the statement.
func (s *Session) settingCalls(g *group, x *execution) (step guc.Step, _ *pgerr.Error) {
	c := x.plan.Calls
	if c == nil {
		return step, nil
	}
	if err := s.bringHere(g, c); err != nil {
		return step, err
	}
	if len(c.Assigns) == 0 {
		return step, nil
	}
	edits, overrides, step, err := g.planned.Calls(c, x.text, x.params, s.facts)
	if err != nil {
		return step, err
	}
	if len(edits) > 0 {
		edited := splice.Apply(x.text, edits)
		x.sql = edited
	}
	if len(overrides) > 0 {
		x.params = slices.Clone(x.params)
		for n, v := range overrides {
			x.params[n-1] = []byte(v)
		}
	}
	for _, a := range c.Assigns {
		g.assigns(a.Name) // "" where only the server knows it
	}
	return step, nil
}

// pin gives the parameters the types that were declared for them or promised to the client: the server would infer them anew.
func (s *Session) pin(ctx context.Context, x *execution) error {
	if x.from == nil || len(x.params) == 0 {
		return nil
	}
	types := x.from.types()
	if !slices.ContainsFunc(types, func(oid uint32) bool { return oid != unspecifiedOID && oid != unknownOID }) {
		return nil
	}
	pinned := x.from.pin
	if pinned == nil || x.sql.Edited() {
		q := x.from.query
		q.Text = x.sql.SQL()
		p, err := s.route.Describer.Pin(ctx, asker{s}, q, types)
		if err != nil {
			return err
		}
		pinned = &p
		if !x.sql.Edited() {
			x.from.pin = pinned
		}
	}
	x.usePin(pinned)
	return nil
}

// usePin makes the execution send the pinned text.
func (x *execution) usePin(p *describe.Pinned) {
	if x.sql.Edited() {
		under := x.sql
		x.under = &under
	}
	bound := x.params
	x.sql, x.pinned, x.bound, x.kept = p.Text, true, bound, p.Params
	if p.Params != nil {
		x.params = make([][]byte, len(p.Params))
		for i, from := range p.Params {
			x.params[i] = bound[from]
		}
	}
}

// repin says whether the group is worth a second try: a type that a pinned text names has another name by now. Nothing of the group
// has run then.
func (s *Session) repin(ctx context.Context, g *group, b *batch, err error) bool {
	up, ok := errors.AsType[*upstream.Error](err)
	if !ok || up.Outcome != upstream.Failed {
		return false
	}
	again, sent := false, 0
	anew := map[*preparedStatement]bool{}
	for i := range g.members {
		m := &g.members[i]
		if m.exec == nil && m.hidden == nil {
			continue
		}
		x, place := m.exec, &b.places[sent]
		sent++
		if x == nil || !x.pinned || x.under != nil || !anew[x.from] && !x.from.pin.Stale(place.inStatement(up.PG)) {
			continue
		}
		old := x.sql.SQL()
		if !anew[x.from] {
			p, err := s.route.Describer.Repin(ctx, asker{s}, x.from.query, x.from.types())
			if err != nil {
				return false
			}
			x.from.pin, anew[x.from] = &p, true
		}
		x.sql, x.params = splice.Apply(x.text, nil), x.bound
		x.usePin(x.from.pin)
		again = again || x.sql.SQL() != old
	}
	return again
}
