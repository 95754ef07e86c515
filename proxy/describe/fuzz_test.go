package describe

import (
	"bufio"
	"context"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// hostile looks at every statement that is sent and answers it as the fuzzer says.
type hostile struct {
	t       *testing.T
	text    string
	unread  bool // it is not understood, or PREPARE does not take it: the server is to say so
	start   int  // behind leading semicolons, if it is not broken
	scs     bool
	answers []byte // one for each request
	asked   int
}

// codes are the errors that hostile knows; an answer beyond them is a success.
var codes = []string{"42501", "23502", "42703", "42P05", "42809", "42883", "42704", "42601", "54011", "57014", "25006"}

func (h *hostile) Ask(_ context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	if h.asked++; h.asked > 20 {
		h.t.Fatalf("%q: it asks again and again", h.text)
	}
	for _, s := range statements {
		h.check(s)
	}
	answer := byte(255)
	if len(h.answers) > 0 {
		answer, h.answers = h.answers[0], h.answers[1:]
	}
	if int(answer) < len(codes) {
		return &upstream.Error{Outcome: upstream.Failed, PG: &pgerr.Error{Code: codes[answer], Message: "no", Position: int32(len(h.answers)) * 7}}
	}
	for i, s := range statements {
		if err := sink.Fields(i, []upstream.Field{{Name: "x", TypeOID: 23, TypeSize: 4, TypeMod: -1}, {Name: "types", TypeOID: 1028}}); err != nil {
			return err
		}
		row := binary.BigEndian.AppendUint16(sink.NextRow(), 2)
		for _, text := range []string{"{" + strings.TrimSuffix(strings.Repeat("23,", max(len(s.Params), int(answer)%5)), ",") + "}", "{23}"} {
			row = append(binary.BigEndian.AppendUint32(row, uint32(len(text))), text...)
		}
		if err := sink.EndRow(row); err != nil {
			return err
		}
		if err := sink.Complete(i, upstream.Completion{}); err != nil {
			return err
		}
	}
	return nil
}

// check expects one statement whose brackets balance, but where the server is meant to refuse several, and where the text goes
// as it is because it is not understood.
func (h *hostile) check(s upstream.Statement) {
	switch {
	case strings.HasPrefix(s.SQL, grammarHead) && s.SQL[len(grammarHead):] == h.text:
	case h.unread && strings.HasSuffix(s.SQL, h.text[h.start:]):
	default:
		parts := sqlscan.Split(nil, s.SQL, h.scs)
		if len(parts) != 1 || parts[0].Unbalanced {
			h.t.Errorf("%q became %d statements: %q", h.text, len(parts), s.SQL)
		}
	}
}

func FuzzDescribeNeverSendsTwoStatements(f *testing.F) {
	for _, name := range []string{"queries.sql", "changes.sql", "wrong.sql"} {
		file, err := os.Open("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		for s := bufio.NewScanner(file); s.Scan(); {
			f.Add(strings.ReplaceAll(s.Text(), `\n`, "\n"), true, false, []byte{255, 1, 255, 0})
			f.Add(s.Text(), false, len(s.Text())%2 == 0, []byte{2})
		}
		if err := file.Close(); err != nil {
			f.Fatal(err)
		}
	}
	f.Add("SELECT 1) AS a_, (SELECT 2", true, false, []byte{})
	f.Add("SELECT 1 -- ", true, false, []byte{255})
	f.Add("SELECT $0", false, true, []byte{2})
	f.Add("DELETE FROM t RETURNING $1; --", true, true, []byte{255, 0, 1})
	f.Fuzz(func(t *testing.T, text string, scs, prepare bool, answers []byte) {
		q := Query{Text: text, StandardConforming: scs, Prepare: prepare}
		if prepare && len(answers)%2 == 0 {
			q.TypeList = "(int, text)"
		} else if len(answers)%3 == 0 {
			q.Declared = []uint32{0, 25}
		}
		parts := sqlscan.Split(nil, text, scs)
		if len(parts) > 0 {
			q.Plan = plan.Classify(parts[0], plan.Options{StandardConforming: scs})
		}
		st := read(text, scs)
		lo, hi := st.unwrap(0, len(st.toks))
		h := &hostile{t: t, text: text, scs: scs, answers: answers, unread: st.broken || prepare && !st.preparable(lo, hi)}
		if !st.broken {
			h.start = st.start
		}
		d, err := New(nil, catalog.NewTypes(time.Minute, 10), Options{}).Describe(t.Context(), h, q)
		if (d == nil) == (err == nil) {
			t.Errorf("%q: both or neither of %v and %v", text, d, err)
		}
	})
}
