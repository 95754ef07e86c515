package describeoracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// Variant is the form in which a statement is asked about.
type Variant int

const (
	AsWritten     Variant = iota // V0: the text as it stands, no type declared
	Parameters                   // V1: its literals turned into $n, those that the real Parse lets
	DeclaredSame                 // V2: V1 with the types declared that the real Parse infers
	DeclaredOther                // V3: V1 with other types declared
	variants
)

func (v Variant) String() string { return fmt.Sprintf("V%d", int(v)) }

// Question is one text to ask both sides about.
type Question struct {
	Statement *Statement
	Variant   Variant
	Text      string
	Declared  []uint32
	Real      Answer
}

// asker is a session with the real server.
type asker func(text string, declared []uint32) (Answer, error)

// questions returns the forms of s that there are, with the real server's answers. A statement without a literal or parameter has
// no other form than its own; one that Parse refuses has none either.
func questions(s *Statement, ask asker) ([]Question, error) {
	real, err := ask(s.Text, nil)
	if err != nil {
		return nil, err
	}
	list := []Question{{Statement: s, Variant: AsWritten, Text: s.Text, Real: real}}
	if !real.Parsed {
		return list, nil
	}
	v1, err := withParameters(s, ask)
	if err != nil {
		return nil, err
	}
	if v1 != nil {
		list = append(list, *v1)
		real = v1.Real
	}
	if len(real.Params) == 0 {
		return list, nil
	}
	text := list[len(list)-1].Text
	for variant, declared := range map[Variant][]uint32{DeclaredSame: real.Params, DeclaredOther: otherTypes(real.Params)} {
		answer, err := ask(text, declared)
		if err != nil {
			return nil, err
		}
		list = append(list, Question{Statement: s, Variant: variant, Text: text, Declared: declared, Real: answer})
	}
	slices.SortFunc(list, func(a, b Question) int { return int(a.Variant - b.Variant) })
	return list, nil
}

// withParameters returns the V1 form, nil if no literal can be a parameter. All literals are tried first, then one after the
// other.
func withParameters(s *Statement, ask asker) (*Question, error) {
	literals, next := literalsOf(s.Text)
	if len(literals) == 0 {
		return nil, nil
	}
	try := func(chosen []sqlscan.Token) (*Question, error) {
		text := replaceLiterals(s.Text, chosen, next)
		answer, err := ask(text, nil)
		if err != nil || !answer.Parsed || answer.Err != nil {
			return nil, err
		}
		return &Question{Statement: s, Variant: Parameters, Text: text, Real: answer}, nil
	}
	best, err := try(literals)
	if best != nil || err != nil || len(literals) == 1 {
		return best, err
	}
	var chosen []sqlscan.Token
	for _, literal := range literals[:min(len(literals), maxSingleLiterals)] {
		more, err := try(append(chosen[:len(chosen):len(chosen)], literal))
		if err != nil {
			return nil, err
		}
		if more != nil {
			best = more
			chosen = append(chosen, literal)
		}
	}
	return best, nil
}

// maxSingleLiterals bounds how many literals of a statement are tried one by one.
const maxSingleLiterals = 40

// literalsOf returns the tokens of text that are constants, and the number that the first new parameter has.
func literalsOf(text string) (list []sqlscan.Token, next int) {
	scanner := sqlscan.New(text, true)
	for {
		t, ok := scanner.Next()
		if !ok {
			break
		}
		if t.Kind == sqlscan.String || t.Kind == sqlscan.Number {
			list = append(list, t)
		}
	}
	next = 1
	for st := range sqlscan.Statements(text, true) {
		next = max(next, st.MaxParam+1)
	}
	return list, next
}

func replaceLiterals(text string, literals []sqlscan.Token, next int) string {
	var b strings.Builder
	end := 0
	for i, t := range literals {
		fmt.Fprintf(&b, "%s$%d", text[end:t.Start], next+i)
		end = t.End
		if end < len(text) && (text[end] == '_' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' || text[end] >= 0x80) {
			b.WriteByte(' ')
		}
	}
	b.WriteString(text[end:])
	return b.String()
}

func otherTypes(oids []uint32) []uint32 {
	others := make([]uint32, len(oids))
	for i, oid := range oids {
		switch oid {
		case pgtype.Int4OID:
			others[i] = pgtype.Int8OID
		case pgtype.TextOID:
			others[i] = pgtype.VarcharOID
		case pgtype.NumericOID:
			others[i] = pgtype.Float8OID
		default:
			others[i] = pgtype.TextOID
		}
	}
	return others
}
