package oracle

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// words are what mutations put into a text.
var words = strings.Fields(`( ) [ ] , ; . :: ' " $$ $1 -- /* */ E' U&" U&' 1 1.5 'x' "x" \ - + * = => @ @- begin atomic end case
	commit rollback abort start transaction work to savepoint release prepared and no chain isolation level read only write
	committed repeatable serializable deferrable not set local session reset show all application_name client_encoding names
	extra_float_digits default on true role authorization time zone current_user authenticated alter user discard prepare
	execute deallocate declare cursor with hold for fetch move close copy listen unlisten notify create or replace temp temporary
	table view sequence function procedure rule as select values into from insert update delete merge returning using recursive
	materialized explain analyze verbose set_config( currval( lastval() current_setting('application_name') pg_advisory_lock(
	set_config('a.b', 'c', true) false null name pg_settings pg_catalog . work_mem 'a.b' from current characteristics constraints
	transaction snapshot interval '1' hour to minute schema names xml option document catalog temporary plans sequences seed
	pg_session_jwt.jwt execute p prepare p pg_prepared_statements current_setting( ::text ::bool cast( set_config($1,$2,$3)
	pg_temp . search depth first by cycle share key where union vacuum index concurrently uescape '!'`)

// bounded reports whether the C code can be trusted with sql: short, UTF-8 without NUL, and no deep nesting.
func bounded(sql string) bool {
	return len(sql) <= 4<<10 && utf8.ValidString(sql) && strings.IndexByte(sql, 0) < 0 && strings.Count(sql, "/*") < 200 &&
		len(tokens(sql)) < 1500
}

// compare is the one property of this module: scanner, splitter and plan agree with Postgres on sql.
func compare(t *testing.T, sql string) {
	t.Helper()
	if err := compareTokens(sql); err != nil {
		t.Errorf("%q: %v", sql, err)
	}
	if _, err := compareSplit(sql); err != nil {
		t.Errorf("%q: %v", sql, err)
	}
	if err := comparePlan(sql, true); err != nil {
		t.Errorf("%q: %v", sql, err)
	}
}

// TestMutations compares the corpus with tokens taken out, doubled, swapped and put in.
func TestMutations(t *testing.T) {
	texts := corpus(t)
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 60_000
	if testing.Short() {
		rounds = 5_000
	}
	for range rounds {
		if sql := mutate(r, texts[r.IntN(len(texts))], texts); bounded(sql) {
			compare(t, sql)
		}
	}
}

func mutate(r *rand.Rand, sql string, texts []string) string {
	for range 1 + r.IntN(4) {
		all := tokens(sql)
		if len(all) == 0 {
			return sql
		}
		a, b := all[r.IntN(len(all))], all[r.IntN(len(all))]
		if a.Start > b.Start {
			a, b = b, a
		}
		switch r.IntN(7) {
		case 0: // take out one
			sql = sql[:a.Start] + sql[a.End:]
		case 1: // take out a run
			sql = sql[:a.Start] + sql[b.End:]
		case 2: // double
			sql = sql[:a.End] + " " + sql[a.Start:a.End] + " " + sql[a.End:]
		case 3: // swap
			if a != b {
				sql = sql[:a.Start] + b.Text(sql) + sql[a.End:b.Start] + a.Text(sql) + sql[b.End:]
			}
		case 4, 5: // put in
			sql = sql[:a.Start] + words[r.IntN(len(words))] + " " + sql[a.Start:]
		case 6: // the beginning of one, the end of another
			other := texts[r.IntN(len(texts))]
			if rest := tokens(other); len(rest) > 0 {
				sql = sql[:a.Start] + other[rest[r.IntN(len(rest))].Start:]
			}
		}
	}
	return sql
}

// FuzzAgainstPostgres looks for a text on which we and Postgres differ.
func FuzzAgainstPostgres(f *testing.F) {
	for i, sql := range corpus(f) {
		if i%6 == 0 { // a short run must get beyond its seeds; TestMutations starts from all of them
			f.Add(sql)
		}
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if bounded(sql) {
			compare(t, sql)
		}
	})
}

// TestOwnReadingOfWhatTheOracleCannotJudge keeps the exceptions of beyondOracle honest.
func TestOwnReadingOfWhatTheOracleCannotJudge(t *testing.T) {
	for _, c := range []struct {
		sql  string
		kind sqlscan.Kind
	}{
		{"$1a", sqlscan.Bad},
		{"'a' -- c\n'b'", sqlscan.String},
	} {
		if all := tokens(c.sql); !beyondOracle(c.sql) || len(all) != 1 || all[0].Kind != c.kind {
			t.Errorf("%q: %v", c.sql, all)
		}
	}
}
