package describe

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// pinTypes are the types of the tests.
var pinTypes = map[uint32]catalog.Type{
	23:    {OID: 23, Name: "pg_catalog.int4", Base: 23, Kind: 'b', Size: 4, Usable: true},
	25:    {OID: 25, Name: "pg_catalog.text", Base: 25, Kind: 'b', Size: -1, Usable: true},
	18:    {OID: 18, Name: `pg_catalog."char"`, Base: 18, Kind: 'b', Size: 1, Usable: true},
	705:   {OID: 705, Name: "pg_catalog.unknown", Base: 705, Kind: 'p', Size: -2, Usable: true},
	2278:  {OID: 2278, Name: "pg_catalog.void", Base: 2278, Kind: 'p', Size: 4, Usable: true},
	16400: {OID: 16400, Name: `"Ö".mood`, Base: 16400, Kind: 'e', Size: 4, Usable: true},
	16401: {OID: 16401, Name: "hidden.t", Base: 16401, Kind: 'e', Size: 4},
}

func TestPinForms(t *testing.T) {
	for _, tc := range []struct {
		sql    string
		types  []uint32
		want   string // "": as it is
		params []int
	}{
		// Queries.
		{"SELECT $1, $2", []uint32{23, 0}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) SELECT $1, $2", nil},
		{"; /* a */ SELECT $1;", []uint32{18}, `; /* a */  WITH pin_ AS (SELECT $1::pg_catalog."char") SELECT $1;`, nil},
		{"table pin_ limit $1", []uint32{16400}, ` WITH pin_1 AS (SELECT $1::"Ö".mood) table pin_ limit $1`, nil},
		{"with recursive a as (values ($1)) select 1", []uint32{23}, "with recursive pin_ AS (SELECT $1::pg_catalog.int4), a as (values ($1)) select 1", nil},
		{"with recursive as (values ($1)) select 1", []uint32{23}, "with pin_ AS (SELECT $1::pg_catalog.int4), recursive as (values ($1)) select 1", nil},
		{"WITH d AS (DELETE FROM t WHERE a = $1) SELECT 1", []uint32{23}, "WITH pin_ AS (SELECT $1::pg_catalog.int4), d AS (DELETE FROM t WHERE a = $1) SELECT 1", nil},
		{"((SELECT $1)) LIMIT 1", []uint32{23}, "(( WITH pin_ AS (SELECT $1::pg_catalog.int4) SELECT $1)) LIMIT 1", nil},
		{"((SELECT $1) UNION SELECT 2) LIMIT 1", []uint32{23}, "( WITH pin_ AS (SELECT $1::pg_catalog.int4) (SELECT $1) UNION SELECT 2) LIMIT 1", nil},
		{"(WITH a AS (SELECT 1) SELECT $1)", []uint32{23}, "(WITH pin_ AS (SELECT $1::pg_catalog.int4), a AS (SELECT 1) SELECT $1)", nil},
		{"(SELECT $1 ORDER BY (a)) EXCEPT SELECT 2", []uint32{23}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) (SELECT $1 ORDER BY (a)) EXCEPT SELECT 2", nil},
		// What is declared and not used.
		{"SELECT $2", []uint32{23, 25}, " WITH pin_ AS (SELECT $1::pg_catalog.int4, $2::pg_catalog.text) SELECT $2", nil},
		{"SELECT $2", []uint32{2278, 0, 25}, " WITH pin_ AS (SELECT $1::pg_catalog.text, $3::pg_catalog.text) SELECT $2", nil},
		{"SELECT $2", []uint32{0, 23}, " WITH pin_ AS (SELECT $2::pg_catalog.int4) SELECT $2", nil},
		{"SELECT $1", []uint32{0, 0}, "", []int{0}},
		{"DELETE FROM t WHERE a = $3 OR b = $5 OR c = $3", []uint32{23, 25, 23, 2278, 0, 23},
			"DELETE FROM t WHERE a = ($1::pg_catalog.int4) OR b = $2 OR c = ($1::pg_catalog.int4)", []int{2, 4}},
		{"DELETE FROM t WHERE a = $2", []uint32{0, 23}, "DELETE FROM t WHERE a = ($2::pg_catalog.int4)", nil},
		{"LISTEN a", []uint32{23}, "", []int{}},
		{"CREATE VIEW v AS SELECT $1", []uint32{23}, "", []int{}},
		// What is left alone.
		{"SELECT $1, $2, $3, $4", []uint32{2278, 705, 16401, 99}, "", nil},
		{"SELECT $1 (", []uint32{23}, "", nil},
		{"SELECT $1 ')", []uint32{23}, "", nil},
		{"SELECT $1)", []uint32{23}, "", nil},
		{"SELECT $1; SELECT 2", []uint32{23}, "", nil},
		{"SELECT $1, $99999", []uint32{23}, "", nil},
		{"SELECT $0", []uint32{0}, "", []int{}},
		{"", []uint32{23}, "", []int{}},
		// Data-modifying statements.
		{"INSERT INTO t VALUES ($1, f($2)[$1])", []uint32{23, 25}, "INSERT INTO t VALUES (($1::pg_catalog.int4), f(($2::pg_catalog.text))[($1::pg_catalog.int4)])", nil},
		{"UPDATE t SET a = $1.x, b = $1[1] WHERE NOT $2", []uint32{23, 0}, "UPDATE t SET a = ($1::pg_catalog.int4).x, b = ($1::pg_catalog.int4)[1] WHERE NOT $2", nil},
		{"UPDATE t SET a = $1 RETURNING b", []uint32{23}, "UPDATE t SET a = ($1::pg_catalog.int4) RETURNING b", nil},
		{"UPDATE t SET a = $1 RETURNING $2", []uint32{23, 0}, "UPDATE t SET a = ($1::pg_catalog.int4) RETURNING $2", nil},
		{"UPDATE t SET a = $1 RETURNING $1", []uint32{23}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) UPDATE t SET a = $1 RETURNING $1", nil},
		{"UPDATE t SET a = b.returning + $1", []uint32{23}, "UPDATE t SET a = b.returning + ($1::pg_catalog.int4)", nil},
		{"INSERT INTO t SELECT $1", []uint32{23}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) INSERT INTO t SELECT $1", nil},
		{"INSERT INTO t SELECT a FROM b WHERE c = $1", []uint32{23}, "INSERT INTO t SELECT a FROM b WHERE c = ($1::pg_catalog.int4)", nil},
		{"DELETE FROM t WHERE a IN $1", []uint32{23}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) DELETE FROM t WHERE a IN $1", nil},
		{"DELETE FROM t WHERE f $1", []uint32{23}, " WITH pin_ AS (SELECT $1::pg_catalog.int4) DELETE FROM t WHERE f $1", nil},
		{`DELETE FROM t WHERE "f" $1`, []uint32{23}, ` WITH pin_ AS (SELECT $1::pg_catalog.int4) DELETE FROM t WHERE "f" $1`, nil},
		{"WITH a AS (SELECT 1) DELETE FROM t WHERE a = $1", []uint32{23}, "WITH pin_ AS (SELECT $1::pg_catalog.int4), a AS (SELECT 1) DELETE FROM t WHERE a = $1", nil},
		{"CALL p($1, 'é' || $2)", []uint32{23, 16400}, `CALL p(($1::pg_catalog.int4), 'é' || ($2::"Ö".mood))`, nil},
		{"CALL f $1", []uint32{23}, "", nil},
		// Inside others.
		{"EXPLAIN (ANALYZE, VERBOSE) SELECT $1", []uint32{23}, "EXPLAIN (ANALYZE, VERBOSE)  WITH pin_ AS (SELECT $1::pg_catalog.int4) SELECT $1", nil},
		{"EXPLAIN(VALUES ($1))UNION TABLE a", []uint32{23}, "EXPLAIN WITH pin_ AS (SELECT $1::pg_catalog.int4) (VALUES ($1))UNION TABLE a", nil},
		{"EXPLAIN ANALYZE DELETE FROM t WHERE a = $1", []uint32{23}, "EXPLAIN ANALYZE DELETE FROM t WHERE a = ($1::pg_catalog.int4)", nil},
		{"DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT $1 FOR UPDATE", []uint32{23}, "DECLARE c SCROLL CURSOR WITH HOLD FOR  WITH pin_ AS (SELECT $1::pg_catalog.int4) SELECT $1 FOR UPDATE", nil},
		{"CREATE TEMP TABLE s.as (a) AS SELECT $1", []uint32{23}, "CREATE TEMP TABLE s.as (a) AS  WITH pin_ AS (SELECT $1::pg_catalog.int4) SELECT $1", nil},
		{"CREATE TABLE t AS EXECUTE p($1)", []uint32{23}, "", []int{}},
	} {
		want := tc.want
		if want == "" {
			want = tc.sql
		}
		got := pin(tc.sql, true, tc.types, pinTypes)
		if got.Text.SQL() != want || !slices.Equal(got.Params, tc.params) || (got.Params == nil) != (tc.params == nil) {
			t.Errorf("%s %v\n got %s %v\nwant %s %v", tc.sql, tc.types, got.Text.SQL(), got.Params, want, tc.params)
		}
	}
}

// With standard_conforming_strings off a string ends elsewhere.
func TestPinFollowsTheSetting(t *testing.T) {
	const sql = `DELETE FROM t WHERE a = '\' OR b = $1 OR c = ' OR d = $1 --'`
	for conforming, want := range map[bool]string{
		true:  `DELETE FROM t WHERE a = '\' OR b = ($1::pg_catalog.int4) OR c = ' OR d = $1 --'`,
		false: `DELETE FROM t WHERE a = '\' OR b = $1 OR c = ' OR d = ($1::pg_catalog.int4) --'`,
	} {
		if got := pin(sql, conforming, []uint32{23}, pinTypes).Text.SQL(); got != want {
			t.Errorf("%v: %s", conforming, got)
		}
	}
}

// Texts that are made to be slow or large stay within bounds.
func TestPinOfHostileTexts(t *testing.T) {
	for name, tc := range map[string]struct {
		sql  string
		want string // how it begins
	}{
		"parentheses": {strings.Repeat("(", 100_000) + "SELECT $1" + strings.Repeat(")", 100_000), "(((((("},
		"uses":        {"DELETE FROM t WHERE a IN ($1" + strings.Repeat(",$1", 200_000) + ")", " WITH pin_ AS (SELECT $1::pg_catalog.int4) DELETE"},
		"names":       {"SELECT $1" + strings.Repeat(",pin_1,pin_2", 100_000), " WITH pin_3 AS ("},
		"numbers":     {"SELECT $1, $2147483647, $99999999999999999999999", "SELECT $1, $2147483647"},
	} {
		if got := pin(tc.sql, true, []uint32{23}, pinTypes).Text.SQL(); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %.60s", name, got)
		}
	}
}

// FuzzPin: the text keeps its tokens beside what is put in and the parameters that it goes in for, and Back leads into the text.
func FuzzPin(f *testing.F) {
	for _, sql := range []string{"SELECT $1, $2", "WITH RECURSIVE a AS (SELECT $1) SELECT $3", "INSERT INTO t VALUES ($1, $3) RETURNING x", "UPDATE t SET a=$1 WHERE b IN $2",
		"((SELECT $1) UNION (SELECT 'é$2'))", "EXPLAIN (COSTS off) DELETE FROM t WHERE \"é\" = $2", "DECLARE c CURSOR FOR VALUES ($1)", "CALL p(a => $1, $2)", "SELECT '\\', $1, E'\\'$2'",
		"CREATE TABLE a AS (SELECT $1) LIMIT $2", "SELECT U&\"\\0070in_\", $1 -- $2\n;"} {
		f.Add(sql, true, uint32(23), uint32(2278))
		f.Add(sql, false, uint32(0), uint32(16400))
	}
	f.Fuzz(func(t *testing.T, sql string, conforming bool, first, second uint32) {
		if !utf8.ValidString(sql) {
			t.Skip("what clients send is valid UTF-8")
		}
		got := pin(sql, conforming, []uint32{first, second, 25}, pinTypes)
		text := got.Text.SQL()
		before := tokensBeside(sql, conforming, func(int32) bool { return false })
		after := tokensBeside(text, conforming, got.Text.Inserted)
		if !slices.Equal(before, after) {
			t.Fatalf("%q became %q", sql, text)
		}
		last := int32(utf8.RuneCountInString(sql)) + 1
		for p := range int32(utf8.RuneCountInString(text)) + 2 {
			if back := got.Text.Back(p + 1); back < 1 || got.Text.Edited() && back > last {
				t.Fatalf("%q: position %d of %q became %d", sql, p+1, text, back)
			}
		}
		if !slices.IsSorted(got.Params) || len(got.Params) > 0 && got.Params[len(got.Params)-1] > 1<<16 {
			t.Fatalf("%q: parameters %v", sql, got.Params)
		}
	})
}

// tokensBeside are the tokens of sql that are no parameters and at no position that is put in.
func tokensBeside(sql string, conforming bool, inserted func(position int32) bool) []string {
	var list []string
	at, position := 0, int32(1)
	scan := sqlscan.New(sql, conforming)
	for t, ok := scan.Next(); ok; t, ok = scan.Next() {
		position += int32(utf8.RuneCountInString(sql[at:t.Start]))
		at = t.Start
		if t.Kind != sqlscan.Param && !inserted(position) {
			list = append(list, t.Text(sql))
		}
	}
	return list
}

func BenchmarkPin(b *testing.B) {
	for name, sql := range map[string]string{
		"query":  `SELECT "users"."id", "users"."name", "users"."email" FROM "users" WHERE "users"."id" = $1 LIMIT $2`,
		"update": `UPDATE "users" SET "name" = $1, "email" = $2 WHERE "users"."id" = $2`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pin(sql, true, []uint32{25, 23}, pinTypes)
			}
		})
	}
}
