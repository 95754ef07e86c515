package describe

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		query  string
		params []string
		types  bool
		want   string
	}{
		{"SELECT 1", nil, true, "SELECT d_.* FROM (SELECT ) AS p_ LEFT JOIN (SELECT * FROM (SELECT * FROM (\nSELECT 1\n) AS a_ OFFSET 0) AS b_ WHERE false OFFSET 0) AS d_ ON true"},
		{"SELECT $2 -- x", []string{"", "pg_catalog.int4"}, true, "SELECT d_.*, ARRAY[pg_catalog.pg_typeof($1),pg_catalog.pg_typeof($2)]::pg_catalog.oid[] " +
			"FROM (SELECT $2::pg_catalog.int4) AS p_ LEFT JOIN (SELECT * FROM (SELECT * FROM (\nSELECT $2 -- x\n) AS a_ OFFSET 0) AS b_ WHERE false OFFSET 0) AS d_ ON true"},
		{"SELECT P_.x, 'a_1', b_1 FROM a_", []string{"x.y"}, false, "SELECT d_.* FROM (SELECT $1::x.y) AS p_1 LEFT JOIN (SELECT * FROM (SELECT * FROM (\n" +
			"SELECT P_.x, 'a_1', b_1 FROM a_\n) AS a_2 OFFSET 0) AS b_2 WHERE false OFFSET 0) AS d_ ON true"},
	} {
		if got := wrap(tc.query, tc.params, tc.types); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.query, got, tc.want)
		}
	}
}

func TestRewriting(t *testing.T) {
	for _, tc := range []struct{ sql, want string }{
		{"INSERT INTO t VALUES (1) RETURNING a", "SELECT a FROM t"},
		{"INSERT INTO s.t AS x (a) VALUES (1) RETURNING *, x.b", "SELECT *, x.b FROM s.t AS x"},
		{`INSERT INTO U&"!0061" UESCAPE '!' DEFAULT VALUES RETURNING a`, `SELECT a FROM U&"!0061" UESCAPE '!'`},
		{"UPDATE t SET a = 1 RETURNING a", "SELECT a FROM t"},
		{"UPDATE ONLY (s.t) AS x SET a = b IS DISTINCT FROM c FROM f, (SELECT 1 FROM g) h WHERE a IS DISTINCT FROM b RETURNING f.a AS returning",
			"SELECT f.a AS returning FROM ONLY ( s.t ) AS x, f, (SELECT 1 FROM g) h"},
		{"UPDATE t * AS set SET (a, b) = (SELECT 1, 2 FROM x) RETURNING set.*", "SELECT set.* FROM t * AS set"},
		{"DELETE FROM t x USING u, v WHERE true RETURNING *", "SELECT * FROM t x, u, v"},
		{"DELETE FROM ONLY t WHERE CURRENT OF c RETURNING a /* b */ -- c", "SELECT a FROM ONLY t"},
		{"MERGE INTO t x USING a JOIN b ON a.i = b.i ON CASE WHEN p THEN x.i = a.i END WHEN MATCHED THEN DELETE RETURNING MERGE_ACTION ( ) AS m, x.merge_action, *",
			"SELECT (SELECT NULL::pg_catalog.text AS merge_action) AS m, x.merge_action, * FROM a JOIN b ON a.i = b.i, t x"},
		{"DELETE FROM s.t x RETURNING OLD.a", "SELECT d_.* FROM s.t AS old, s.t AS new, LATERAL (SELECT OLD.a FROM s.t x) AS d_"},
		{"DELETE FROM t RETURNING t.old, a AS new", "SELECT t.old, a AS new FROM t"},
		{`UPDATE t SET a = 1 FROM u RETURNING WITH (OLD AS o, NEW AS "N") o.a, d_`,
			`SELECT d_1.* FROM t AS o, t AS "N", LATERAL (SELECT o.a, d_ FROM t, u) AS d_1`},
		{"WITH RECURSIVE x(a) AS NOT MATERIALIZED (SELECT 1) SEARCH DEPTH FIRST BY a SET b CYCLE a SET c USING d, y AS (DELETE FROM t RETURNING *), z AS (INSERT INTO t SELECT 1) SELECT * FROM y",
			"WITH RECURSIVE x(a) AS NOT MATERIALIZED (SELECT 1) SEARCH DEPTH FIRST BY a SET b CYCLE a SET c USING d, y AS (SELECT * FROM t), z AS (SELECT) SELECT * FROM y"},
		{"((WITH y AS (DELETE FROM t RETURNING a) TABLE y))", "WITH y AS (SELECT a FROM t) TABLE y"},
		{"WITH a AS (WITH b AS (SELECT 1) DELETE FROM t USING b RETURNING *) INSERT INTO u SELECT * FROM a RETURNING c",
			"WITH a AS (WITH b AS (SELECT 1) SELECT * FROM t, b) SELECT c FROM u"},
	} {
		s := read(tc.sql, true)
		w := rewriting{statement: s}
		got, ok := w.query(0, len(s.toks), true)
		if !ok || got != tc.want {
			t.Errorf("%s\n got %q %v\nwant %q", tc.sql, got, ok, tc.want)
		}
	}
}

func TestATargetNamedLikeACTE(t *testing.T) {
	s := read(`WITH "T" AS (SELECT 1), u AS (UPDATE U SET a = 1 RETURNING a) DELETE FROM "T" RETURNING *`, true)
	w := rewriting{statement: s}
	if _, ok := w.query(0, len(s.toks), true); !ok || strings.Join(w.hidden, ",") != `U,"T"` {
		t.Errorf("hidden are %v", w.hidden)
	}
	w = rewriting{statement: s, tables: map[string]string{"U": "a.u", `"T"`: `b."T"`}}
	got, ok := w.query(0, len(s.toks), true)
	if want := `WITH "T" AS (SELECT 1), u AS (SELECT a FROM a.u) SELECT * FROM b."T"`; !ok || got != want || w.hidden != nil {
		t.Errorf("got %s %v", got, ok)
	}
}

func TestParametersThatAreLeftAreNumberedAnew(t *testing.T) {
	got, ok := rowsStatement("SELECT $7, $3 + $7, '$5'", true, func(n int) string { return "t" + string(rune('0'+n)) })
	const want = "(SELECT $1::t7,$2::t3) AS p_ LEFT JOIN (SELECT * FROM (SELECT * FROM (\nSELECT $1, $2 + $1, '$5'\n)"
	if !ok || !strings.Contains(got.SQL, want) || len(got.Params) != 2 {
		t.Errorf("got %s %v", got.SQL, got.Params)
	}
	if _, ok := rowsStatement("SELECT $1", true, func(int) string { return "" }); ok {
		t.Error("a parameter without a type was left to be inferred")
	}
}

func TestWhereAnIntoStands(t *testing.T) {
	for _, tc := range []struct {
		sql, into    string
		found, clean bool
	}{
		{"SELECT a INTO t FROM u", "INTO t", true, true},
		{"SELECT a INTO LOCAL TEMP TABLE s.t FROM u", "INTO LOCAL TEMP TABLE s.t", true, true},
		{"SELECT a INTO temp FROM u", "INTO temp", true, true},
		{"SELECT a AS into, b.into FROM u", "", false, false},
		{"SELECT (SELECT 1 INTO t)", "", false, false},
		{"SELECT 1 UNION SELECT 2 INTO t", "", false, false},
		{"WITH a AS (SELECT 1) ((SELECT 1 INTO UNLOGGED t) UNION SELECT 2)", "INTO UNLOGGED t", true, true},
		{"SELECT 1 INTO", "INTO", true, false},
		{"SELECT INTO t FROM u", "INTO t", true, true},
		{"SELECT INTO t a FROM u", "INTO t", true, false},
		{"VALUES (1)", "", false, false},
	} {
		s := read(tc.sql, true)
		from, to, found, clean := s.into(0, len(s.toks))
		if found != tc.found || clean != tc.clean || found && s.text(from, to) != tc.into {
			t.Errorf("%s: %d to %d, %v %v", tc.sql, from, to, found, clean)
		}
	}
}

func TestArraysAsText(t *testing.T) {
	if list := texts(value{text: `{a,"b c","d\"e\\",""}`}); strings.Join(list, "|") != `a|b c|d"e\|` || len(list) != 4 {
		t.Errorf("texts are %q", list)
	}
	for _, bad := range []value{{null: true}, {text: ""}, {text: "{"}, {text: "23"}, {text: "{a}"}, {text: "{-1}"}, {text: "{1,}"}, {text: "[0:0]={1}"}} {
		if list, err := oids(bad); err == nil {
			t.Errorf("%q is %v", bad.text, list)
		}
	}
	if list, err := oids(value{text: "{}"}); err != nil || len(list) != 0 {
		t.Errorf("an empty array is %v, %v", list, err)
	}
}

// Whatever is nested, the work stays linear in the text.
func TestDeepNesting(t *testing.T) {
	const n = 40000
	for _, sql := range []string{
		strings.Repeat("(", n) + "SELECT 1" + strings.Repeat(")", n),
		strings.Repeat("(", n) + "SELECT 1 INTO x" + strings.Repeat(")", n),
		strings.Repeat("WITH a AS (", n/4) + "DELETE FROM t RETURNING a" + strings.Repeat(") SELECT 1", n/4),
		strings.Repeat("WITH a AS (", n/4) + "SELECT 1" + strings.Repeat(") DELETE FROM a RETURNING 1", n/8) + strings.Repeat(") DELETE FROM b RETURNING 1", n/4-n/8),
		"WITH a AS (DELETE FROM t RETURNING 1)" + strings.Repeat(", a AS (DELETE FROM a USING b RETURNING old.x)", n/16) + " SELECT 1",
		"UPDATE t SET a = 1" + strings.Repeat(" IS DISTINCT FROM 1", n/8) + " RETURNING 1",
	} {
		ask := &asking{}
		if _, err := newDescriber(Options{}).Describe(t.Context(), ask, selecting(sql)); err == nil {
			continue
		}
		if ask.asked.Load() == 0 {
			t.Errorf("%.30s: the server is not asked", sql)
		}
	}
}
