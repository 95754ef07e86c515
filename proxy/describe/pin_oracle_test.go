package describe_test

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// pinner is a role that finds pin_schema.sql.
const pinner = "pinner"

// pinSchema makes the role and the schema of the pins' statements, once for a test.
func pinSchema(t *testing.T) {
	t.Helper()
	schema, err := os.ReadFile("testdata/pin_schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	before := "CREATE ROLE " + pinner + " SUPERUSER LOGIN; CREATE SCHEMA pin; ALTER ROLE " + pinner + " SET search_path = pin; SET search_path = pin; "
	if err := execute(t.Context(), before+string(schema)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), "DROP OWNED BY "+pinner+"; DROP SCHEMA pin CASCADE; DROP ROLE "+pinner); err != nil {
			t.Error(err)
		}
	})
}

// withPositions gives the statement as it is and between comments and characters of several bytes.
func withPositions(sql string) []string {
	return []string{sql, "-- é€\n/* ü $9 */ " + sql + "\n/* é */"}
}

// Every statement, with what Postgres infers declared and with other types declared, is described by real Postgres as it is with
// these declarations, and as Pin gives it without any.
func TestPinnedIsAsDeclared(t *testing.T) {
	pinSchema(t)
	o, ask := newOracle(t, pinner), newAsker(t, pinner)
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	oid := func(name string) (n uint32) {
		r := o.describe(t, "SELECT NULL::"+name, nil)
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.fields[0].TypeOID
	}
	others := [][]uint32{{20}, {1043}, {1184, 17}, {16, 23}, {oid("mood[]"), 1042}, {oid("place"), 18}, {1700, 600, oid(`"Weird type.x"`)}, {25}, {23}, {1007, 1009}}
	if r := o.describe(t, "SELECT $1::plusplus, $2::mail", nil); r.err == nil {
		others = append(others, r.params)
	}
	statements, checks, accepted := 0, 0, 0
	for _, line := range corpus(t, "pin_corpus.sql", o.version) {
		for _, sql := range withPositions(line) {
			statements++
			count := 0
			for n := range 12 {
				if strings.Contains(line, fmt.Sprintf("$%d", n+1)) {
					count = n + 1
				}
			}
			var variants [][]uint32
			if inferred := o.describe(t, sql, nil); inferred.err == nil {
				variants = append(variants, inferred.params, same(inferred.params))
				// One more that occurs nowhere, and every other one left alone.
				variants = append(variants, append(append([]uint32{}, inferred.params...), 23), everyOther(inferred.params, 0), everyOther(inferred.params, 25))
			}
			for _, types := range others {
				v := make([]uint32, count)
				for i := range v {
					v[i] = types[i%len(types)]
				}
				variants = append(variants, v)
			}
			for _, declared := range variants {
				checks++
				if comparePinned(t, o, ask, d, sql, declared) {
					accepted++
				}
			}
		}
	}
	if statements < 300 || accepted < checks/5 {
		t.Errorf("only %d statements, %d of %d are accepted", statements, accepted, checks)
	}
	t.Logf("%d statements, %d checks, of which %d are accepted", statements, checks, accepted)
}

// same gives another type of about the same meaning.
func same(types []uint32) []uint32 {
	other := map[uint32]uint32{23: 20, 20: 23, 25: 1043, 1043: 25, 1700: 701, 701: 1700, 1184: 1114, 1114: 1184}
	v := make([]uint32, len(types))
	for i, oid := range types {
		if v[i] = other[oid]; v[i] == 0 {
			v[i] = 25
		}
	}
	return v
}

func everyOther(types []uint32, oid uint32) []uint32 {
	v := append([]uint32{}, types...)
	for i := 1; i < len(v); i += 2 {
		v[i] = oid
	}
	return v
}

// comparePinned reports whether Postgres accepts sql.
func comparePinned(t *testing.T, o *oracle, ask catalog.Asker, d *describe.Describer, sql string, declared []uint32) bool {
	t.Helper()
	want := o.describe(t, sql, declared)
	pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: sql, StandardConforming: true}, declared)
	if err != nil {
		t.Fatal(err)
	}
	got := o.describe(t, pinned.Text.SQL(), nil)
	if want.err == nil && pinned.Params != nil && got.err == nil {
		// What was dropped is used nowhere: it has the type that was declared.
		params := append([]uint32{}, declared...)
		for len(params) < len(want.params) {
			params = append(params, 0)
		}
		for i, from := range pinned.Params {
			params[from] = got.params[i]
		}
		got.params = params
	}
	if got.err != nil {
		moved := *got.err
		moved.Position = pinned.Text.Back(moved.Position)
		got.err = &moved
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ndeclared %v, pinned as\n%s\n got %s\nwant %s", sql, declared, pinned.Text.SQL(), printed(got), printed(want))
	}
	return want.err == nil
}

func printed(d told) string {
	if d.err != nil {
		return fmt.Sprintf("%s %s %q %q at %d", d.err.Code, d.err.Message, d.err.Detail, d.err.Hint, d.err.Position)
	}
	return fmt.Sprintf("%v rows %v %v", d.params, d.rows, d.fields)
}

// A type that was renamed, moved or dropped is noticed by the error, and its new name is read.
func TestPinOfARenamedType(t *testing.T) {
	pinSchema(t)
	o, ask := newOracle(t, pinner), newAsker(t, pinner)
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	for _, sql := range []string{"SELECT 'é', $1 = mood FROM person", "UPDATE person SET name = 'é', mood = $1"} {
		mood := o.describe(t, sql, nil).params
		q := describe.Query{Text: sql, StandardConforming: true}
		for _, change := range []string{"ALTER TYPE pin.mood RENAME TO \"Mood é\"", "ALTER TYPE pin.\"Mood é\" RENAME TO mood",
			"CREATE SCHEMA elsewhere; ALTER TYPE pin.mood SET SCHEMA elsewhere", "ALTER SCHEMA elsewhere RENAME TO other", "ALTER TYPE other.mood SET SCHEMA pin; DROP SCHEMA other"} {
			pinned, err := d.Pin(t.Context(), ask, q, mood)
			if err != nil {
				t.Fatal(err)
			}
			if r := o.describe(t, pinned.Text.SQL(), nil); r.err != nil || !reflect.DeepEqual(r.params, mood) {
				t.Fatalf("before %s: %s", change, printed(r))
			}
			if err := execute(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			r := o.describe(t, pinned.Text.SQL(), nil)
			if r.err == nil || !pinned.Stale(r.err) {
				t.Fatalf("after %s: %s is not stale", change, printed(r))
			}
			if pinned, err = d.Repin(t.Context(), ask, q, mood); err != nil {
				t.Fatal(err)
			}
			if r := o.describe(t, pinned.Text.SQL(), nil); r.err != nil || !reflect.DeepEqual(r.params, mood) {
				t.Errorf("after %s, pinned anew: %s", change, printed(r))
			}
		}
	}
	// The client's own missing type is no stale one.
	pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: "SELECT 'é'::no_type, $1", StandardConforming: true}, []uint32{23})
	if err != nil {
		t.Fatal(err)
	}
	if r := o.describe(t, pinned.Text.SQL(), nil); r.err == nil || r.err.Code != "42704" || pinned.Stale(r.err) {
		t.Errorf("%s is stale", printed(r))
	}
}

// A type in a schema that the role may not use is left to the server.
func TestPinOfATypeOutOfReach(t *testing.T) {
	pinSchema(t)
	if err := execute(t.Context(), "CREATE ROLE pin_guest LOGIN; GRANT SELECT ON pin.person TO pin_guest; CREATE VIEW public.moods AS SELECT mood FROM pin.person; GRANT SELECT ON public.moods TO pin_guest"); err != nil {
		t.Fatal(err)
	}
	defer execute(context.Background(), "DROP VIEW public.moods; DROP OWNED BY pin_guest; DROP ROLE pin_guest")
	o, ask := newOracle(t, "pin_guest"), newAsker(t, "pin_guest")
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	sql := "SELECT mood FROM public.moods WHERE mood = $1 LIMIT $2"
	params := o.describe(t, sql, nil).params
	pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: sql, StandardConforming: true}, params)
	if err != nil {
		t.Fatal(err)
	}
	if r := o.describe(t, pinned.Text.SQL(), nil); r.err != nil || !reflect.DeepEqual(r.params, params) {
		t.Errorf("%s: %s", pinned.Text.SQL(), printed(r))
	}
}

// What is executed gives the same rows and the same errors, names of columns inside values included.
func TestPinnedGivesTheSame(t *testing.T) {
	pinSchema(t)
	ask := newAsker(t, pinner)
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	for _, tc := range []struct {
		sql    string
		types  []uint32
		values []string
	}{
		{"SELECT $1, pg_typeof($1)", []uint32{21}, []string{"7"}},
		{"SELECT to_jsonb(x) FROM (SELECT $1) x", []uint32{23}, []string{"7"}},
		{"INSERT INTO note (id, person, body) SELECT 1, 2, to_jsonb(s) || jsonb_build_object('t', pg_typeof($1)) FROM (SELECT $1) s RETURNING body", []uint32{23}, []string{"7"}},
		{"WITH i AS (INSERT INTO watch_log SELECT 1, row_to_json(s) FROM (SELECT $1, ($2)) s RETURNING b) SELECT * FROM i", []uint32{20, 16}, []string{"7", "t"}},
		{"INSERT INTO watched VALUES ($1, pg_typeof($1)::text || $2)", []uint32{21, 19}, []string{"7", "x"}},
		{"INSERT INTO watched VALUES ($1, pg_typeof($1)::text || $2)", []uint32{21, 19}, []string{"é", "x"}},
		{"SELECT $1", []uint32{25, 23}, []string{"a", "no number"}}, // the one that is used nowhere is read too
		{"SELECT $3, $1", []uint32{25, 2278, 23}, []string{"a", "", "5"}},
		{"UPDATE person SET name = $2 WHERE id = $3", []uint32{2278, 25, 20}, []string{"", "a", "5"}},
		{"SELECT $1::plus", []uint32{23}, []string{"-1"}},
		{"SELECT $1 FROM (SELECT 1) pin_, (SELECT 2 AS a) pin_1", []uint32{1700}, []string{"1.50"}},
		{"DELETE FROM person WHERE name = $1 AND length($1) > $2", []uint32{1042, 23}, []string{"a  ", "1"}},
		{"VALUES ($1::\"char\", $2::bpchar, $3::bit varying)", []uint32{18, 1042, 1562}, []string{"ab", "abc", "1010"}},
		{"SELECT $1, $2, $3, $4", []uint32{18, 1042, 1560, 1083}, []string{"a", "abc", "1010", "12:30:00.123456"}},
	} {
		pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: tc.sql, StandardConforming: true}, tc.types)
		if err != nil {
			t.Fatal(err)
		}
		values := make([][]byte, len(tc.values))
		for i, v := range tc.values {
			values[i] = []byte(v)
		}
		kept := values
		if pinned.Params != nil {
			kept = nil
			for _, i := range pinned.Params {
				kept = append(kept, values[i])
			}
		}
		want := runRolledBack(t, ask, tc.sql, values, tc.types)
		if got := runRolledBack(t, ask, pinned.Text.SQL(), kept, nil); got != want {
			t.Errorf("%s\npinned as %s\n got %s\nwant %s", tc.sql, pinned.Text.SQL(), got, want)
		}
	}
}

// Every statement of the corpus that Postgres accepts gives the same when it is executed, with NULLs and with texts, and EXPLAIN
// tells of the same plan.
func TestPinnedExecutesTheSame(t *testing.T) {
	pinSchema(t)
	const rows = `INSERT INTO person (id, name, tags, doc, home, balance, tenant) SELECT g::int, 'n' || g, '{a,b}', '{"a": 1}', ROW('s', 'z', NULL)::place, g, gen_random_uuid() FROM generate_series(1, 20) g;
		INSERT INTO note SELECT g, g % 5, 't' || g FROM generate_series(1, 20) g; INSERT INTO tag SELECT g, g FROM generate_series(1, 20) g; INSERT INTO watched SELECT g FROM generate_series(1, 20) g`
	if err := execute(t.Context(), "SET search_path = pin; "+rows); err != nil {
		t.Fatal(err)
	}
	o, ask := newOracle(t, pinner), newAsker(t, pinner)
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	executed := 0
	for _, line := range corpus(t, "pin_corpus.sql", o.version) {
		told := o.describe(t, line, nil)
		if told.err != nil || strings.Contains(line, "ANALYZE") || strings.Contains(line, "SAMPLE") || strings.Contains(line, "now()") ||
			strings.Contains(line, "RECURSIVE") {
			continue // times, samples, and what ends only by its parameters
		}
		for _, types := range [][]uint32{told.params, same(told.params)} {
			pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: line, StandardConforming: true}, types)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range [][]byte{nil, []byte("1"), []byte("n1")} {
				values := make([][]byte, len(types))
				for i := range values {
					values[i] = value
				}
				kept := values
				if pinned.Params != nil {
					kept = values[:len(pinned.Params)]
				}
				want := runRolledBack(t, ask, line, values, types)
				if got := runRolledBack(t, ask, pinned.Text.SQL(), kept, nil); got != want {
					t.Errorf("%s %v with %s\npinned as %s\n got %s\nwant %s", line, types, value, pinned.Text.SQL(), got, want)
				}
				executed++
			}
		}
	}
	if executed < 500 {
		t.Errorf("only %d executions", executed)
	}
}

// runRolledBack is the rows, the tag and the error of a statement.
func runRolledBack(t *testing.T, a *asker, sql string, values [][]byte, types []uint32) string {
	t.Helper()
	ctx := t.Context()
	if err := a.conn.Exec(ctx, "BEGIN; SET LOCAL statement_timeout = '5s'; SELECT setval('person_id_seq', 1000)").Close(); err != nil {
		t.Fatal(err)
	}
	r := a.conn.ExecParams(ctx, sql, values, types, nil, nil).Read()
	if err := a.conn.Exec(ctx, "ROLLBACK").Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %v", r.Rows, r.CommandTag, r.Err)
}

// Very many parameters fit, in either form.
func TestPinOfVeryManyParameters(t *testing.T) {
	o, ask := newOracle(t, "postgres"), newAsker(t, "postgres")
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	const n = 32767
	types := make([]uint32, n)
	for i := range types {
		types[i] = 21
	}
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, ",$%d", i+1)
	}
	for _, sql := range []string{"SELECT 1 WHERE 1 IN (" + list.String()[1:] + ")", "DELETE FROM pg_catalog.pg_description WHERE objoid IN (" + list.String()[1:] + ")"} {
		pinned, err := d.Pin(t.Context(), ask, describe.Query{Text: sql, StandardConforming: true}, types)
		if err != nil {
			t.Fatal(err)
		}
		if r := o.describe(t, pinned.Text.SQL(), nil); r.err != nil || !reflect.DeepEqual(r.params, types) {
			t.Errorf("%.50s: %v, %d parameters", sql, r.err, len(r.params))
		}
	}
}

// Types are asked for once.
func TestPinAsksForTypesOnce(t *testing.T) {
	ask := newAsker(t, "postgres")
	d := describe.New(nil, catalog.NewTypes(time.Minute, 1000), describe.Options{})
	for _, types := range [][]uint32{{23, 0, 25}, {25, 1042}, {1184}, nil} {
		if _, err := d.Pin(t.Context(), ask, describe.Query{Text: "SELECT $1, $2, $3", StandardConforming: true}, types); err != nil {
			t.Fatal(err)
		}
	}
	if n := ask.requests(); n != 1 {
		t.Errorf("%d requests", n)
	}
	want := &upstream.Error{}
	ask.fail = want
	if _, err := d.Pin(t.Context(), ask, describe.Query{Text: "SELECT $1", StandardConforming: true}, []uint32{99999}); err != error(want) {
		t.Errorf("error %v", err)
	}
}
