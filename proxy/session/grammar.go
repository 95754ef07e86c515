package session

import (
	"context"
	"errors"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Postgres reads a query string whole before it runs any of it: a syntax error in the last statement keeps the first from
// running. Here statements travel one by one, so where it matters the server is asked about the whole string first. A
// string of several statements sent as one is read whole, and then refused for being several, before anything of it runs
// (exec_parse_message in src/backend/tcop/postgres.c).

// isGrammar reports whether e is the parser's own, about the text that the client sent: the routine is scan.l's, and inside a
// function's text the position would be an internal one.
func isGrammar(e *pgerr.Error) bool { return e.Routine == "scanner_yyerror" && e.Position > 0 }

// committing reports whether something could be committed, or refused here, before the server has read the whole of a query
// string.
func (c *cycle) committing() bool {
	if c.several == "" {
		return false
	}
	for i, st := range c.steps {
		if st.exec == nil {
			continue
		}
		if st.exec.refusal != nil {
			return true
		}
		ctl := st.exec.plan.Control
		if ctl != nil && (ctl.Verb == plan.Commit || ctl.Verb == plan.Rollback) && i < len(c.steps)-1 {
			return true
		}
	}
	return c.endsOpen()
}

// checkGrammar returns the parser's error about the query string of several statements, nil if there is none. Any other
// error means that the server could not be asked.
func (s *Session) checkGrammar(ctx context.Context) error {
	text := s.cycle.several
	s.cycle.several = "" // once is enough
	err := s.request(ctx, s.wholeString(text), discard{})
	if up, ok := errors.AsType[*upstream.Error](err); ok && up.Outcome == upstream.Failed && !isGrammar(up.PG) {
		return nil
	}
	return err
}

// wholeString has the server read a query string of several statements, by the session's settings, and refuse it for being that. Should
// it be one statement after all, it has no effect.
func (s *Session) wholeString(text string) *upstream.Request {
	req := &upstream.Request{Transaction: true}
	if head, ok, _ := s.settings.Head(s.facts, false); ok { // without what is kept here there is no error
		req.Statements = append(req.Statements, head)
	}
	req.Statements = append(req.Statements, upstream.Statement{SQL: text}, upstream.Statement{SQL: "ROLLBACK"})
	return req
}

// grammarFirst returns the error that Postgres would have given before e, or e itself if it is that. A BEGIN in a string that
// does not parse has begun nothing.
func (s *Session) grammarFirst(ctx context.Context, e *pgerr.Error) error {
	if isGrammar(e) && s.cycle.query {
		return e
	}
	if s.cycle.several == "" {
		return nil
	}
	if g, ok := errors.AsType[*pgerr.Error](s.checkGrammar(ctx)); ok && isGrammar(g) {
		return g
	}
	return nil // if the server could not be asked, e stands
}

// discard is the sink of results that nobody sees.
type discard struct{}

func (discard) Fields(int, []upstream.Field) error      { return nil }
func (discard) NextRow() []byte                         { return nil }
func (discard) EndRow([]byte) error                     { return nil }
func (discard) Complete(int, upstream.Completion) error { return nil }
