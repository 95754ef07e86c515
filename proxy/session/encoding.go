package session

import (
	"errors"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
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
