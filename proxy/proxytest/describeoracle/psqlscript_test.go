package describeoracle

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestScriptsOfPsql(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sql")
	const text = `-- comment
SELECT 1; SELECT 'a;
b' AS "c;";
\getenv abs_srcdir PG_ABS_SRCDIR
\set filename :abs_srcdir '/data/x.data'
COPY t FROM :'filename';
COPY t (a,
  b) FROM STDIN;
1	2;
\.
SELECT a AS x, b::text, ARRAY[1:2] FROM t \gset pre_
SELECT 'SELECT ' || n
FROM t \gexec
\if :skip
SELECT 'left out';
\else
SELECT :pre_x, :"pre_x", ':unknown';
\endif
\d t
\c - somebody
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$;
SELECT (1;
);
\quit
SELECT 'behind the end';
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readScript(path, "/there")
	if err != nil {
		t.Fatal(err)
	}
	s.vars["skip"] = "f"
	var got []scriptItem
	for {
		item, ok := s.next()
		if !ok {
			break
		}
		if item.Meta == "gset" {
			s.vars[item.Argument+"x"] = "7"
		}
		got = append(got, item)
	}
	want := []scriptItem{
		{SQL: "SELECT 1"},
		{SQL: "SELECT 'a;\nb' AS \"c;\""},
		{SQL: "COPY t FROM '/there/data/x.data'"},
		{SQL: "COPY t (a,\n  b) FROM STDIN", CopyData: "1\t2;\n"},
		{SQL: "SELECT a AS x, b::text, ARRAY[1:2] FROM t", Meta: "gset", Argument: "pre_"},
		{SQL: "SELECT 'SELECT ' || n\nFROM t", Meta: "gexec"},
		{SQL: "SELECT 7, \"7\", ':unknown'"},
		{Meta: "connect", Argument: "- somebody"},
		{SQL: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$"},
		{SQL: "SELECT (1;\n)"},
	}
	if !reflect.DeepEqual(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("item %d differs:\ngot  %+v\nwant %+v", i, got[min(i, len(got)):], want[min(i, len(want)):])
			}
		}
	}
}

func TestSchedule(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "parallel_schedule"), []byte("# x\ntest: a\n\ntest: b c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := schedule(dir)
	if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestTemporaryObjectsAreMadeForAll(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TEMP TABLE t (a int)":                        "CREATE TABLE t (a int)",
		"create or replace temporary view v AS SELECT 1":     "create or replace view v AS SELECT 1",
		"CREATE LOCAL TEMPORARY TABLE temp AS SELECT 'temp'": "CREATE TABLE temp AS SELECT 'temp'",
		"CREATE TABLE temp (a int)":                          "CREATE TABLE temp (a int)",
	} {
		if got := temporary.ReplaceAllString(text, "$1$2"); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsRefusedIsAcceptedWhereItIsNotNamed(t *testing.T) {
	refusal := Answer{Err: &Failure{Code: "0A000", Message: "LISTEN is not supported by pgturnstile"}}
	other := Answer{Err: &Failure{Code: "0A000", Message: "cannot use subquery in CALL argument"}}
	r := &Report{Cases: []Case{
		{Question: Question{Statement: &Statement{Topic: generatedTopic}}, Proxy: refusal, Difference: "x"},
		{Question: Question{Statement: &Statement{Topic: "orm"}}, Proxy: refusal, Difference: "x"},
		{Question: Question{Statement: &Statement{Topic: generatedTopic}}, Proxy: other, Difference: "x"},
	}}
	r.AcceptRefusedFunctions()
	if n := len(r.Unexplained()); n != 2 {
		t.Errorf("%d of 3 are not accepted", n)
	}
	r.AcceptRefusals()
	if n := len(r.Unexplained()); n != 1 {
		t.Errorf("%d of 3 are not accepted at last", n)
	}
}
