package plan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// blanks are what may stand between any two tokens without changing them. A line break would join two strings.
var blanks = []string{" ", "\t", "/**/", " /* select ' ; */ ", "/*/*x*/*/", "\f\v"}

// respell writes sql's tokens with other blanks between them and unquoted words in another case.
func respell(sql string, r *rand.Rand) string {
	var out strings.Builder
	s := sqlscan.New(sql, true)
	for {
		t, ok := s.Next()
		if !ok {
			return out.String()
		}
		out.WriteString(blanks[r.IntN(len(blanks))])
		text := t.Text(sql)
		if t.Kind == sqlscan.Word {
			b := []byte(text)
			for i, c := range b {
				if (c|0x20 >= 'a' && c|0x20 <= 'z') && r.IntN(2) == 0 {
					b[i] = c ^ 0x20
				}
			}
			text = string(b)
		}
		out.WriteString(text)
	}
}

// facts is a plan as text, without what depends on the spelling.
func facts(p Plan) string {
	s := fmt.Sprintf("%s %s %d %v %v %v %v %q %q", verdict(p), p.Verb, p.Returns, p.ReadOnlyShape, p.ReturningDML, p.Alone, p.asQuery, p.Name, p.Feature)
	if c := p.Control; c != nil {
		s += fmt.Sprintf(" %d %q %v %q %q %v %v %v", c.Verb, c.Savepoint, c.Chain, c.Tag, c.Isolation, c.ReadOnly, c.Deferrable, c.TransactionModes != "")
	}
	if st := p.Setting; st != nil {
		s += fmt.Sprintf(" %d %q %v %v %q %d %v", st.Form, st.Name, st.Local, st.Reset, st.Value, st.Values, st.Literal)
		if c := st.Control; c != nil {
			s += fmt.Sprint(" ", c.Isolation, optional(c.ReadOnly), optional(c.Deferrable))
		}
	}
	s += fmt.Sprint(" ", p.Into, p.Creates, p.ModifyingCTE, p.Changes, p.PreparedView, p.Discard, p.calls)
	if st := p.Prepare; st != nil {
		s += fmt.Sprintf(" %q %v (%s)", st.Name, st.TypeList != "", facts(st.Inner))
	}
	if st := p.Execute; st != nil {
		s += fmt.Sprintf(" %q", st.Name)
		for _, a := range st.Args {
			s += fmt.Sprintf(" %d %q %d", a.Kind, a.Value, a.Param)
		}
	}
	if c := p.Calls; c != nil {
		s += fmt.Sprint(" ", c.Reads)
		for _, a := range c.Assigns {
			s += fmt.Sprintf(" %q %d %v %v %d", a.Name, a.NameParam, a.Rows, a.Local, a.LocalParam)
		}
	}
	if p.Refusal != nil {
		s += " " + p.Refusal.Message + " " + p.Refusal.Hint
	}
	return s
}

func optional(b *bool) string {
	if b == nil {
		return "nil"
	}
	return fmt.Sprint(*b)
}

// consistent reports whether what the plan says of places in the text is true.
func consistent(p Plan, text string) bool {
	if s := p.Setting; s != nil && s.ScopeEnd > 0 {
		if scope := text[s.ScopeStart:s.ScopeEnd]; scope != "" && !strings.EqualFold(scope, "local") && !strings.EqualFold(scope, "session") {
			return false
		}
		local := classify(text[:s.ScopeStart] + " LOCAL" + text[s.ScopeEnd:])
		if local.Kind != Set || local.Setting.Name != s.Name || local.Setting.Form != s.Form || !local.Setting.Local {
			return false
		}
	}
	if st := p.Prepare; st != nil {
		if st.Inner.Kind != Forward || !strings.HasPrefix(text[st.BodyStart:], st.Body) {
			return false
		}
	}
	if st := p.Execute; st != nil {
		end := 0
		for _, a := range st.Args {
			if a.Start < end || a.End <= a.Start {
				return false
			}
			end = a.End
		}
	}
	if p.Calls != nil {
		for _, a := range p.Calls.Assigns {
			if a.LocalEnd <= a.LocalStart || a.LocalEnd >= len(text) || a.Local && a.LocalParam > 0 {
				return false
			}
		}
	}
	return true
}

// checkPlan checks what holds for every statement: its plan is consistent in itself, and does not depend on its spelling.
func checkPlan(t *testing.T, stmt sqlscan.Statement) {
	t.Helper()
	p := Classify(stmt, options)
	switch {
	case (p.Kind == TransactionControl) != (p.Control != nil),
		(p.Kind == Refuse) != (p.Refusal != nil), (p.Kind == Refuse) != (p.Feature != ""),
		(p.Kind == Set || p.Kind == Show) != (p.Setting != nil), (p.Kind == Discard) != (p.Discard != ""),
		(p.Kind == Prepare) != (p.Prepare != nil), (p.Kind == Execute) != (p.Execute != nil),
		p.Calls != nil && p.Kind != Forward && p.Kind != Show && p.Kind != Execute,
		p.Changes && p.Kind != Forward,
		p.Kind == Empty && stmt.Tokens != 0,
		p.ReadOnlyShape && (p.ReturningDML || p.Alone || p.Returns != ReturnsRows),
		p.ReturningDML && p.Returns != ReturnsRows,
		p.Verb == "":
		t.Fatalf("%q: inconsistent plan %+v", stmt.Text, p)
	case !consistent(p, stmt.Text):
		t.Fatalf("%q: inconsistent %s", stmt.Text, facts(p))
	case p.Kind == Refuse && hints[p.Feature] == "":
		t.Fatalf("%q: refusal without a hint: %+v", stmt.Text, p)
	case p.Refusal != nil && len(p.Refusal.Message) > 300:
		t.Fatalf("%q: long message", stmt.Text)
	}
	for _, command := range []string{"", "CREATE", "ALTER", "GRANT", "SELECT", "INSERT", "X"} {
		if tag := Tag(p, stmt.Text, command, 1, true); !strings.HasPrefix(tag, command) && tag != Tag(p, stmt.Text, "", 0, false) {
			t.Fatalf("%q: tag %q for %q", stmt.Text, tag, command)
		}
	}
	if stmt.Bad {
		return // where it ends depends on the spelling
	}
	r := rand.New(rand.NewPCG(uint64(len(stmt.Text)), 1))
	for range 3 {
		other := respell(stmt.Text, r)
		if got, want := facts(classify(other)), facts(p); got != want {
			t.Fatalf("%q is %s, but %q is %s", stmt.Text, want, other, got)
		}
	}
}

func TestSpellingChangesNothing(t *testing.T) {
	for _, s := range statements(t) {
		for _, stmt := range sqlscan.Split(nil, s.sql, true) {
			checkPlan(t, stmt)
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, s := range statements(f) {
		f.Add(s.sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, stmt := range sqlscan.Split(nil, sql, true) {
			checkPlan(t, stmt)
		}
	})
}
