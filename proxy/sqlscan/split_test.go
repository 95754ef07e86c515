package sqlscan

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		id, sql string
		want    []string
	}{
		{"nothing", "", nil},
		{"blank", " \n-- a\n/* ; */ ;; ; -- b", nil},
		{"one", "select 1", []string{"select 1"}},
		{"its semicolon belongs to it", "select 1; ", []string{"select 1;"}},
		{"comments belong to the next", "/*a*/ select 1 /*b*/; -- c\nselect 2 -- d", []string{"/*a*/ select 1 /*b*/;", " -- c\nselect 2 -- d"}},
		{"empty ones are left out", "select 1;;\n;select 2;", []string{"select 1;", "select 2;"}},
		{"quoted semicolons", `select ';', ";", $$;$$, E'\';' /*;*/;x`, []string{`select ';', ";", $$;$$, E'\';' /*;*/;`, "x"}},
		{"a rule's actions", "create rule r as on insert to t do (a; b;); c", []string{"create rule r as on insert to t do (a; b;);", " c"}},
		{"closing brackets do not hide", "a); b; c]; d", []string{"a);", " b;", " c];", " d"}},
		{"begin atomic of nothing", "begin atomic a; end; b", []string{"begin atomic a;", " end;", " b"}},
		{"a body", "create function f() begin atomic a; b; end; c", []string{"create function f() begin atomic a; b; end;", " c"}},
		{"a body of a procedure", "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC a; END; c", []string{"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC a; END;", " c"}},
		{"an empty body", "create function f() begin atomic end; c", []string{"create function f() begin atomic end;", " c"}},
		{"case in a body", "create function f() begin atomic select case a when b then c end; end; d",
			[]string{"create function f() begin atomic select case a when b then c end; end;", " d"}},
		{"end as a label", "create function f() begin atomic select 1 end; select a.end; end; d",
			[]string{"create function f() begin atomic select 1 end; select a.end; end;", " d"}},
		{"a body in a body", "create function f() begin atomic create function g() begin atomic a; end; b; end; c",
			[]string{"create function f() begin atomic create function g() begin atomic a; end; b; end;", " c"}},
		{"parameters named so", "create function f(begin atomic) return 1; c", []string{"create function f(begin atomic) return 1;", " c"}},
		{"a type named begin", "create function f() returns begin begin atomic a; end; c",
			[]string{"create function f() returns begin begin atomic a; end;", " c"}},
		{"quoted words are none", `create function f() "begin" atomic a; end; c`, []string{`create function f() "begin" atomic a;`, " end;", " c"}},
		{"aggregates have no body", "create aggregate f() begin atomic a; b", []string{"create aggregate f() begin atomic a;", " b"}},
	} {
		var got []string
		for _, s := range Split(nil, c.sql, true) {
			got = append(got, s.Text)
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %q is split to\n%q, want\n%q", c.id, c.sql, got, c.want)
		}
		checkSplit(t, c.sql, true)
	}
}

func TestSplitFacts(t *testing.T) {
	for _, c := range []struct {
		id, sql string
		want    Statement
	}{
		{"one word", "é", Statement{Text: "é", Tokens: 1}},
		{"the second", "é;\n$2 + $10, $3;", Statement{Text: "\n$2 + $10, $3;", Start: 3, CharStart: 2, Tokens: 5, MaxParam: 10}},
		{"not characters but parameters", "'$5' $$ $6 $$ \"$7\" -- $8", Statement{Text: "'$5' $$ $6 $$ \"$7\" -- $8", Tokens: 3}},
		{"a parameter beyond all", "$99999999999999999999", Statement{Text: "$99999999999999999999", Tokens: 1, MaxParam: 1<<31 - 1}},
		{"lexical error", "a 'b", Statement{Text: "a 'b", Tokens: 2, Bad: true, Unbalanced: true}},
		{"open", "(a", Statement{Text: "(a", Tokens: 2, Unbalanced: true}},
		{"open with a semicolon", "(a; b", Statement{Text: "(a; b", Tokens: 4, Unbalanced: true}},
		{"closed only", "a)(", Statement{Text: "a)(", Tokens: 3, Unbalanced: true}},
		{"crossed", "([)]", Statement{Text: "([)]", Tokens: 4, Unbalanced: true}},
		{"paired", "([()])[]", Statement{Text: "([()])[]", Tokens: 8}},
		{"paired, deep", strings.Repeat("(", 99) + strings.Repeat(")", 99), Statement{Text: strings.Repeat("(", 99) + strings.Repeat(")", 99), Tokens: 198}},
		{"a body without an end", "create procedure p() begin atomic a;", Statement{Text: "create procedure p() begin atomic a;", Tokens: 9, Unbalanced: true}},
	} {
		all := Split(nil, c.sql, true)
		if got := all[len(all)-1]; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.id, got, c.want)
		}
	}
}

// checkSplit checks what holds for every text: statements and blanks make up the whole of it, and the facts are true.
func checkSplit(t *testing.T, sql string, standardConforming bool) {
	t.Helper()
	end := 0
	blank := func(s string) {
		for rest := s; ; rest = rest[1:] {
			i, closed := skipBlank(rest, 0)
			if rest = rest[i:]; rest == "" {
				return
			}
			if !closed || rest[0] != ';' {
				t.Errorf("%q: between its statements is %q", sql, s)
				return
			}
		}
	}
	for _, s := range Split(nil, sql, standardConforming) {
		if s.Start < end || s.Text != sql[s.Start:s.Start+len(s.Text)] || s.Tokens == 0 {
			t.Fatalf("%q: statement %+v behind %d", sql, s, end)
		}
		if n := utf8.RuneCountInString(sql[:s.Start]); s.CharStart != n && utf8.ValidString(sql) {
			t.Errorf("%q: statement %+v starts at character %d", sql, s, n)
		}
		blank(sql[end:s.Start])
		end = s.Start + len(s.Text)
		if again := Split(nil, s.Text, standardConforming); len(again) != 1 || again[0].Text != s.Text || again[0].Tokens != s.Tokens ||
			again[0].MaxParam != s.MaxParam || again[0].Unbalanced != s.Unbalanced || again[0].Bad != s.Bad {
			t.Errorf("%q: statement %+v alone is %+v", sql, s, again)
		}
	}
	blank(sql[end:])
}

// checkTokens checks what holds for every text: the tokens cover it in order, with blanks only between them.
func checkTokens(t *testing.T, sql string, standardConforming bool) {
	t.Helper()
	s := New(sql, standardConforming)
	end := 0
	for {
		tok, ok := s.Next()
		start := len(sql)
		if ok {
			start = tok.Start
		}
		if start < end || tok.End > len(sql) {
			t.Fatalf("%q: token %+v behind %d", sql, tok, end)
		}
		if i, closed := skipBlank(sql[end:start], 0); i != start-end || !closed {
			t.Errorf("%q: between tokens is %q", sql, sql[end:start])
		}
		if !ok {
			return
		}
		if tok.End <= tok.Start {
			t.Fatalf("%q: empty token %+v", sql, tok)
		}
		if name := Ident(sql, tok); !tok.IsIdent() && name != "" || len(name) > 63 {
			t.Errorf("%q: token %q means the name %q", sql, tok.Text(sql), name)
		}
		if _, ok := StringValue(sql, tok); ok && tok.Kind != String {
			t.Errorf("%q: token %q means a string", sql, tok.Text(sql))
		}
		end = tok.End
	}
}

func seeds(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n%%\n")...)
	}
	for _, text := range hostile {
		all = append(all, text(200))
	}
	return all
}

func TestCorpusKeepsTheInvariants(t *testing.T) {
	for _, sql := range seeds(t) {
		for _, standardConforming := range []bool{true, false} {
			checkTokens(t, sql, standardConforming)
			checkSplit(t, sql, standardConforming)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, sql := range seeds(f) {
		f.Add(sql, true)
	}
	f.Fuzz(func(t *testing.T, sql string, standardConforming bool) {
		checkTokens(t, sql, standardConforming)
		checkSplit(t, sql, standardConforming)
	})
}

func TestStatementsStopsWhenAsked(t *testing.T) {
	var got []Statement
	for s := range Statements("a; b; 'c", true) {
		if got = append(got, s); len(got) == 2 {
			break
		}
	}
	want := Split(nil, "a; b; 'c", true)[:2]
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
