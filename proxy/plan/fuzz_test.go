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
	if p.Setting != nil {
		s += fmt.Sprintf(" %+v", *p.Setting)
	}
	if p.Refusal != nil {
		s += " " + p.Refusal.Message + " " + p.Refusal.Hint
	}
	return s
}

// checkPlan checks what holds for every statement: its plan is consistent in itself, and does not depend on its spelling.
func checkPlan(t *testing.T, stmt sqlscan.Statement) {
	t.Helper()
	p := Classify(stmt, options)
	switch {
	case (p.Kind == TransactionControl) != (p.Control != nil),
		(p.Kind == Refuse) != (p.Refusal != nil), (p.Kind == Refuse) != (p.Feature != ""),
		(p.Kind == Set || p.Kind == Show) && (p.Setting == nil || kept(p.Setting.Name) == ""),
		p.Kind == Empty && stmt.Tokens != 0,
		p.ReadOnlyShape && (p.ReturningDML || p.Alone || p.Returns != ReturnsRows),
		p.ReturningDML && p.Returns != ReturnsRows,
		p.Verb == "":
		t.Fatalf("%q: inconsistent plan %+v", stmt.Text, p)
	case p.Kind == Refuse && hints[p.Feature] == "":
		t.Fatalf("%q: refusal without a hint: %+v", stmt.Text, p)
	case p.Refusal != nil && len(p.Refusal.Message) > 300:
		t.Fatalf("%q: long message", stmt.Text)
	}
	for _, command := range []string{"", "CREATE", "ALTER", "GRANT", "SELECT", "INSERT", "X"} {
		if tag := Tag(p, stmt.Text, command, 1, true); !strings.HasPrefix(tag, command) {
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
