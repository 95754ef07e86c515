package session

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// speak makes the connection speak settings' client_encoding from here on. The session calls it wherever the settings in force
// may have changed, so that each answer has the encoding of its own moment, as in Postgres.
func (s *Session) speak(settings *guc.Settings) {
	name := settings.Encoding()
	if name == s.encoding {
		return
	}
	e, ok := encoding.Lookup(name)
	if !ok || !e.Convertible() {
		panic("BUG: the settings hold a client_encoding that is not converted")
	}
	s.encoding = name
	if e.UTF8() {
		s.conn.SetText(nil)
		return
	}
	s.conn.SetText(e)
}

// outlived says of an error about an answer, which the client's encoding cannot express, what Postgres would not have to say:
// the statement is not undone by it.
func (s *Session) outlived(g *group, how outcome, err error) error {
	e, ok := errors.AsType[*pgerr.Error](err)
	if !ok || !errors.Is(err, wire.ErrUntranslatable) || how != commit || g.reads() {
		return err
	}
	if g.executed == 1 {
		return e.WithDetail("The statement has been committed.")
	}
	return e.WithDetail("The transaction of this statement has been committed.")
}

// recodes reports whether the statement, where it succeeds, changes the session's client_encoding.
func (s *Session) recodes(p plan.Plan) bool {
	next := s.options.Settings.Encoding() // what everything is set back to
	switch {
	case p.Kind == plan.Discard && p.Discard == "ALL":
	case p.Kind == plan.Set && p.Setting.Form == plan.ResetAll:
	case p.Kind == plan.Set && p.Setting.Name == "client_encoding":
		if p.Setting.Form == plan.Assign {
			e, ok := encoding.Lookup(p.Setting.Value)
			if !ok {
				return false // an error
			}
			next = e.Name()
		}
	default:
		return false
	}
	return next != s.encoding
}

// behindRecoding refuses a text that Postgres would read in an encoding which here is set only when the pipeline runs.
func (s *Session) behindRecoding() *pgerr.Error {
	s.unsupported("client_encoding")
	return pgerr.Unsupported("a text that is not ASCII behind a change of client_encoding in the same pipeline", "Send Sync after the change.")
}

// isASCII reports whether the message reads the same in every encoding.
func isASCII(msg pgproto3.FrontendMessage) bool {
	ascii := func(texts ...string) bool {
		for _, t := range texts {
			for i := range len(t) {
				if t[i] >= utf8.RuneSelf {
					return false
				}
			}
		}
		return true
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		return ascii(m.String)
	case *pgproto3.Parse:
		return ascii(m.Name, m.Query)
	case *pgproto3.Bind:
		for _, v := range m.Parameters {
			if bytes.ContainsFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return false
			}
		}
		return ascii(m.DestinationPortal, m.PreparedStatement)
	case *pgproto3.Describe:
		return ascii(m.Name)
	case *pgproto3.Execute:
		return ascii(m.Portal)
	case *pgproto3.Close:
		return ascii(m.Name)
	default:
		return true
	}
}
