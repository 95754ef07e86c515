package session

import (
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

// answerHere answers a statement that never goes upstream.
func (s *Session) answerHere(g *group, x *execution) *pgerr.Error {
	switch x.plan.Kind {
	case plan.Empty:
		g.answer(&pgproto3.EmptyQueryResponse{})
	case plan.Set:
		if err := g.settings.Set(x.plan.Setting); err != nil {
			return err
		}
		g.settings.Normalize(s.facts.VersionNum)
		if err := s.floatDigitsHold(&g.settings); err != nil {
			return err
		}
		g.done("SET")
	case plan.Show:
		return s.show(g, x)
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

// floatDigitsHold: extra_float_digits from 1 up are one value only where the server's own is one of them.
func (s *Session) floatDigitsHold(settings *guc.Settings) *pgerr.Error {
	if _, given := settings.Show("extra_float_digits"); given && s.facts.ExtraFloatDigits < 1 {
		return pgerr.Unsupported("changing extra_float_digits where the server's default is below 1", "Leave it unset.")
	}
	return nil
}

// show answers SHOW of a kept setting; one that was never set is the server's to show.
func (s *Session) show(g *group, x *execution) *pgerr.Error {
	name := x.plan.Setting.Name
	value, ok := g.settings.Show(name)
	if !ok {
		g.send(x)
		return nil
	}
	if x.simple || x.described {
		g.answer(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{
			Name: []byte(guc.Name(name)), DataTypeOID: pgtype.TextOID, DataTypeSize: -1, TypeModifier: -1,
		}}})
	}
	g.answer(&pgproto3.DataRow{Values: [][]byte{[]byte(value)}}, &pgproto3.CommandComplete{CommandTag: []byte("SHOW")})
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
