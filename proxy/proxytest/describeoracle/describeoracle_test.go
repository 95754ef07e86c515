package describeoracle

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// testBin is the directory of another installation's binaries, "" for the one that is found.
func testBin() string { return os.Getenv("PGTURNSTILE_TEST_POSTGRES_BIN") }

func TestAnswersAreTheServers(t *testing.T) {
	statements, err := Corpus()
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := AcceptedDifferences()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	stack, err := StartStack(ctx, testBin())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	}()
	cases, err := Run(ctx, stack.Sides, statements, 4)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReport(stack.Release, stack.Sides.Version, cases, accepted)
	var text bytes.Buffer
	r.Print(&text)
	if len(r.Unexplained()) > 0 || len(r.Stale) > 0 {
		t.Errorf("%s", text.Bytes())
	}
	t.Logf("%d statements, %d cases on PostgreSQL %s", r.Statements(), len(r.Cases), r.Release)
}

func TestCorpusIsWhatItSays(t *testing.T) {
	statements, err := Corpus()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	seen := map[string]*Statement{}
	for i := range statements {
		s := &statements[i]
		texts[s.Text] = true
		if other := seen[s.Text]; other != nil && other.On(15) && s.On(15) && slices.Equal(other.Before, s.Before) {
			t.Errorf("%s.sql:%d: the same statement as %s.sql:%d", s.Topic, s.Line, other.Topic, other.Line)
		}
		seen[s.Text] = s
		if len(s.Before) != len(s.After) {
			t.Errorf("%s.sql:%d: what is done before is not undone", s.Topic, s.Line)
		}
	}
	if len(statements) < 2000 {
		t.Errorf("only %d statements", len(statements))
	}
	accepted, err := AcceptedDifferences()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accepted {
		if !texts[a.Text] {
			t.Errorf("accepted.tsv: no such statement: %q", a.Text)
		}
	}
}

func TestParseCorpus(t *testing.T) {
	got, err := parseCorpus("x", `-- a comment
SELECT 1;

SELECT 2
  , ';';
--@ min 17
--@ max 18
--@ before SET a = 1
--@ after RESET a
SELECT 3;
--<
-- verbatim
SELECT 4;

-->
--@ go "a\tb;"
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Statement{
		{Topic: "x", Line: 2, Text: "SELECT 1"},
		{Topic: "x", Line: 4, Text: "SELECT 2\n  , ';'"},
		{Topic: "x", Line: 10, Text: "SELECT 3", Min: 17, Max: 18, Before: []string{"SET a = 1"}, After: []string{"RESET a"}},
		{Topic: "x", Line: 11, Text: "-- verbatim\nSELECT 4;\n"},
		{Topic: "x", Line: 16, Text: "a\tb;"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, bad := range []string{"SELECT 1", "--<\nSELECT", "--@ min x\n", "--@ nope\n", "--@ go x\n"} {
		if _, err := parseCorpus("x", bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestLiteralsBecomeParameters(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT 1, 'a', $3", "SELECT $4, $5, $3"},
		{"SELECT 'x'AND id=2", "SELECT $1 AND id=$2"},
		{"SELECT E'a', $$b$$, x FROM y", "SELECT $1, $2, x FROM y"},
	} {
		literals, next := literalsOf(c.text)
		if got := replaceLiterals(c.text, literals, next); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
		}
	}
}

func TestQuestionsAskWhatTheServerTakes(t *testing.T) {
	// A server that takes parameters for strings only.
	ask := func(text string, declared []uint32) (Answer, error) {
		a := Answer{Parsed: true}
		literals, _ := literalsOf(text)
		for _, l := range literals {
			if l.Kind == sqlscan.Number {
				if len(literals) == 1 {
					a.Params = []uint32{25, 23, 1700, 16}
				}
				return a, nil
			}
		}
		return Answer{Err: &Failure{Code: "42601"}}, nil
	}
	s := &Statement{Text: "SELECT 1, 'a'"}
	got, err := questions(s, ask)
	if err != nil {
		t.Fatal(err)
	}
	want := []Question{
		{Statement: s, Variant: AsWritten, Text: s.Text, Real: Answer{Parsed: true}},
		{Statement: s, Variant: Parameters, Text: "SELECT 1, $1", Real: got[1].Real},
		{Statement: s, Variant: DeclaredSame, Text: "SELECT 1, $1", Declared: []uint32{25, 23, 1700, 16}, Real: got[1].Real},
		{Statement: s, Variant: DeclaredOther, Text: "SELECT 1, $1", Declared: []uint32{1043, 20, 701, 25}, Real: got[1].Real},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestKinds(t *testing.T) {
	parsed := Answer{Parsed: true}
	for text, want := range map[string]string{
		"":                             "empty",
		"-- x":                         "empty",
		"select 1":                     "SELECT",
		"((SELECT 1))":                 "SELECT",
		"SELECT 1 INTO x":              "SELECT INTO",
		"WITH a AS (SELECT 1) TABLE a": "TABLE",
		"WITH a(update) AS (INSERT INTO b VALUES (1) RETURNING c) SELECT 1": "SELECT with changing CTE",
		"INSERT INTO a VALUES (1)":                            "INSERT",
		"INSERT INTO a SELECT 1 RETURNING *":                  "INSERT RETURNING",
		"WITH a AS (SELECT 1) UPDATE b SET c = 1":             "UPDATE",
		"WITH a AS (DELETE FROM b) DELETE FROM c RETURNING 1": "DELETE RETURNING with changing CTE",
		"FETCH c":                    "EXECUTE, FETCH",
		"CREATE TABLE x AS SELECT 1": "other utility",
		"EXPLAIN SELECT 1":           "EXPLAIN",
	} {
		if got := kindOf(text, parsed); got != want {
			t.Errorf("%q is of kind %q, want %q", text, got, want)
		}
	}
	if got := kindOf("SELECT 1", Answer{}); got != refused {
		t.Errorf("what is refused is of kind %q", got)
	}
}

func TestDifferences(t *testing.T) {
	same := Answer{Parsed: true, Params: []uint32{23}, Rows: true, Fields: []Field{{Name: "a", TypeOID: 23, TypeSize: 4, TypeMod: -1}}}
	if d := Difference(same, same); d != "" {
		t.Errorf("an answer differs from itself: %s", d)
	}
	for _, change := range []func(*Answer){
		func(a *Answer) { a.Parsed = false },
		func(a *Answer) { a.Params = []uint32{20} },
		func(a *Answer) { a.Params = nil },
		func(a *Answer) { a.Rows = false },
		func(a *Answer) { a.Fields = nil },
		func(a *Answer) { a.Fields[0].Name = "b" },
		func(a *Answer) { a.Fields[0].TableOID = 1 },
		func(a *Answer) { a.Fields[0].Column = 1 },
		func(a *Answer) { a.Fields[0].TypeOID = 20 },
		func(a *Answer) { a.Fields[0].TypeSize = 8 },
		func(a *Answer) { a.Fields[0].TypeMod = 5 },
		func(a *Answer) { a.Fields[0].Format = 1 },
		func(a *Answer) { a.Err = &Failure{Code: "42601"} },
		func(a *Answer) { a.Broken = "closed" },
	} {
		other := same
		other.Fields = slices.Clone(same.Fields)
		change(&other)
		if Difference(same, other) == "" || Difference(other, same) == "" {
			t.Errorf("no difference to %+v", other)
		}
	}
	a, b := Answer{Err: &Failure{Code: "42601", Message: "m", Position: 1}}, Answer{Err: &Failure{Code: "42601", Message: "m", Position: 2}}
	if Difference(a, b) == "" {
		t.Error("an error's position does not matter")
	}
}

func TestAcceptedLines(t *testing.T) {
	list, err := parseAccepted("# comment\nSELECT\\t1\tV0,V2\t15,17\twhy\nSELECT 2\t*\t*\twhy\n")
	if err != nil {
		t.Fatal(err)
	}
	question := func(text string, v Variant) *Question {
		return &Question{Statement: &Statement{Text: text}, Variant: v}
	}
	for _, c := range []struct {
		q       *Question
		version int
		want    bool
	}{
		{question("SELECT\t1", DeclaredSame), 17, true},
		{question("SELECT\t1", Parameters), 17, false},
		{question("SELECT\t1", AsWritten), 18, false},
		{question("SELECT 2", DeclaredOther), 18, true},
	} {
		if got := list[0].covers(c.q, c.version) || list[1].covers(c.q, c.version); got != c.want {
			t.Errorf("%q %v on %d: %v", c.q.Statement.Text, c.q.Variant, c.version, got)
		}
	}
	for _, bad := range []string{"SELECT 1\t*\t*", "SELECT 1\tV9\t*\twhy", "SELECT 1\t*\tx\twhy", "SELECT 1\t*\t*\t"} {
		if _, err := parseAccepted(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
