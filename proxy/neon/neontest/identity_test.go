package neontest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// backendPID is the backend that a request had: one alone after another, they share it.
func (s *stack) backendPID(t *testing.T, sub string) string {
	t.Helper()
	return s.ask(t, sub, sql("select pg_backend_pid()")).cell(0, 0)
}

func TestIdentityCannotBeForged(t *testing.T) {
	s := newStack(t, neontest.Options{})
	pid := s.backendPID(t, "alice")
	// Alice's token of this very backend, kept where bob can read it.
	kept := s.ask(t, "alice", sql("insert into public.log(note) select current_setting('pg_session_jwt.jwt') returning note")).cell(0, 0)
	if len(kept) < 100 {
		t.Fatalf("no token to steal: %q", kept)
	}
	forged := func(payload string) string {
		parts := strings.Split(kept, ".")
		return parts[0] + "." + b64([]byte(payload)) + "." + parts[2]
	}
	who := sql("select auth.user_id(), auth.session()->>'sub', auth.jwt()->>'sub', (select count(*) from public.todos where user_id <> 'bob')")
	for _, attack := range []struct {
		name  string
		steps []query
		want  string // "bob", "nobody" or the error's code
	}{
		{"set_config of the token's setting", []query{sql("select set_config('pg_session_jwt.jwt', $1, true)", forged(`{"sub":"alice","jti":999999}`))}, "23514"},
		{"set for good", []query{sql("select set_config('pg_session_jwt.jwt', $1, false)", forged(`{"sub":"alice","jti":999999}`))}, "23514"},
		{"replay of alice's token", []query{sql("select set_config('pg_session_jwt.jwt', $1, true)", kept)}, "23514"},
		{"replay by the function", []query{sql("select auth.jwt_session_init($1)", kept)}, "23514"},
		{"replay after RESET ALL", []query{sql("reset all"), sql("select auth.jwt_session_init($1)", kept)}, "23514"},
		{"replay after ROLLBACK", []query{sql("rollback"), sql("reset all"), sql("select set_config('pg_session_jwt.jwt', $1, false)", kept)}, "23514"},
		{"the binding itself", []query{sql("select set_config('session_preload_libraries', $1, true)", kept)}, "42501"},
		{"the binding for the role", []query{sql("alter role authenticated set session_preload_libraries = 'x'")}, "42501"},
		{"the key", []query{sql("select ipad from auth.backend")}, "42501"},
		{"the number", []query{sql("update auth.backend set jti = 0")}, "42501"},
		{"a row of one's own", []query{sql("insert into auth.backend values (pg_backend_pid(), now(), '', '', 0)")}, "42501"},
		{"a function in its place", []query{sql("create or replace function auth.user_id() returns text language sql as $$ select 'alice' $$")}, "42501"},
		{"request.jwt.claims", []query{sql(`select set_config('request.jwt.claims', '{"sub":"alice"}', true)`)}, "bob"},
		{"RESET ALL", []query{sql("reset all")}, "nobody"},
		{"RESET", []query{sql("reset pg_session_jwt.jwt")}, "nobody"},
		{"an empty token", []query{sql("select set_config('pg_session_jwt.jwt', '', true)")}, "42804"},
		{"no token after RESET ALL", []query{sql("reset all"), sql("select set_config('pg_session_jwt.jwt', ' ', true)")}, "nobody"},
		{"operators of one's own", []query{
			sql("create or replace function work.lies(text, text) returns bool language sql as 'select false'"),
			sql("create operator work.<> (function = work.lies, leftarg = text, rightarg = text)"),
			sql("create or replace function work.pg_backend_pid() returns int language sql as 'select 1'"),
			sql("set local search_path = work, pg_catalog, public"),
			sql("select set_config('pg_session_jwt.jwt', $1, true)", forged(`{"sub":"alice","jti":999999}`))}, "23514"},
		{"a temporary table of the key's name", []query{
			sql("create temp table backend (pid int, started timestamptz, ipad bytea, opad bytea, jti bigint, token bytea)"),
			sql("set local search_path = pg_temp, auth"), sql("select set_config('pg_session_jwt.jwt', $1, true)", kept)}, "23514"},
	} {
		got := s.ask(t, "bob", append(attack.steps, who)...)
		result := got.Code
		if got.Status == 200 {
			last := len(attack.steps)
			result = got.of(last, 0, 0)
			if got.of(last, 0, 1) != result || got.of(last, 0, 2) != result {
				t.Errorf("%s: the functions disagree: %s", attack.name, got)
			}
			if others := got.of(last, 0, 3); others != "0" {
				t.Errorf("%s: %s rows of others are seen", attack.name, others)
			}
			if result == "NULL" {
				result = "nobody"
			}
		}
		if result != attack.want {
			t.Errorf("%s: %q, want %q: %s", attack.name, result, attack.want, got)
		}
	}
	if got := s.backendPID(t, "bob"); got != pid {
		t.Fatalf("the attacks ran on backend %s, alice on %s: nothing was proved", got, pid)
	}
	if got := s.ask(t, "alice", who); got.cell(0, 0) != "alice" {
		t.Errorf("alice afterwards: %s", got)
	}
}

// An old snapshot must not bring back the session that the backend had then.
func TestIdentityAndAnOldSnapshot(t *testing.T) {
	s := newStack(t, neontest.Options{})
	pid := s.backendPID(t, "alice")
	kept := s.ask(t, "alice", sql("insert into public.log(note) select current_setting('pg_session_jwt.jwt') returning note")).cell(0, 0)
	// The superuser stands for any backend of the role that holds a snapshot; alice's session is the last in it.
	holder := connect(t, s.dsn)
	results, err := holder.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	snapshot := string(results[len(results)-1].Rows[0][0])
	headers := s.headers()
	headers["Neon-Batch-Isolation-Level"] = "RepeatableRead"
	for _, replay := range []query{sql("select set_config('pg_session_jwt.jwt', $1, true)", kept), sql("select auth.jwt_session_init($1)", kept)} {
		got, err := s.try(t.Context(), headers, tokenSpec{Claims: json.RawMessage(`{"sub":"bob"}`)},
			sql("set transaction snapshot '"+snapshot+"'"), sql("select pg_backend_pid()"), replay, sql("select auth.user_id()"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Code != "40001" {
			t.Errorf("%s: %s", replay.SQL, got)
		}
	}
	if got := s.backendPID(t, "bob"); got != pid {
		t.Fatalf("the attacks ran on backend %s, alice on %s: nothing was proved", got, pid)
	}
	// Without an attack, the snapshot does no harm.
	got, err := s.try(t.Context(), headers, tokenSpec{Claims: json.RawMessage(`{"sub":"bob"}`)}, sql("set transaction snapshot '"+snapshot+"'"), sql("select auth.user_id()"))
	if err != nil || got.of(1, 0, 0) != "bob" {
		t.Errorf("bob under an old snapshot: %s, %v", got, err)
	}
}

// Tokens of other backends, and outside the endpoint altogether.
func TestIdentityElsewhere(t *testing.T) {
	s := newStack(t, neontest.Options{})
	kept := s.ask(t, "alice", sql("insert into public.log(note) select current_setting('pg_session_jwt.jwt') returning note")).cell(0, 0)
	s.server.Reset() // the next request has another backend
	if got := s.ask(t, "bob", sql("select set_config('pg_session_jwt.jwt', $1, true)", kept), sql("select auth.user_id()")); got.Message != "invalid JWT signature" {
		t.Errorf("alice's token of another backend: %s", got)
	}
	direct := strings.Replace(testPostgres(t).DSN(s.database(), "authenticated"), "?", "?pg_session_jwt.jwt="+kept+"&", 1)
	if conn := connect(t, direct); conn != nil {
		if _, err := conn.Exec(t.Context(), "select auth.user_id()").ReadAll(); err == nil || !strings.Contains(err.Error(), "02000") {
			t.Errorf("alice's token on a connection of one's own: %v", err)
		}
		results, err := conn.Exec(t.Context(), "set pg_session_jwt.jwt = ' '; select auth.user_id() is null").ReadAll()
		if err != nil || string(results[len(results)-1].Rows[0][0]) != "t" {
			t.Errorf("a connection of one's own has an identity: %v", err)
		}
	}
	if got := admin(t, testPostgres(t).DSN(s.database(), postgres.Superuser), "select auth.user_id() is null and auth.session() = 'null'"); got != "t" {
		t.Errorf("a superuser without a session has an identity: %q", got)
	}
}

func TestIdentityInParallelWorkers(t *testing.T) {
	s := newStack(t, neontest.Options{})
	admin(t, s.dsn, `CREATE TABLE work.big AS SELECT g AS id, CASE WHEN g % 2 = 0 THEN 'alice' ELSE 'bob' END AS owner FROM generate_series(1, 20000) g;
		GRANT SELECT ON work.big TO authenticated; ANALYZE work.big`)
	settings := []query{sql("set local parallel_setup_cost = 0"), sql("set local parallel_tuple_cost = 0"), sql("set local min_parallel_table_scan_size = 0"),
		sql("set local max_parallel_workers_per_gather = 4")}
	plan := s.ask(t, "alice", append(settings, sql("explain (analyze, costs off, timing off, summary off) select count(*) from work.big where owner = auth.user_id()"))...)
	if !strings.Contains(plan.Body, "Workers Launched") || strings.Contains(plan.Body, "Workers Launched: 0") {
		t.Fatalf("no worker took part: %s", plan)
	}
	for _, sub := range []string{"alice", "bob"} {
		got := s.ask(t, sub, append(settings, sql("select count(*), min(owner), max(owner) from work.big where owner = auth.user_id()"))...)
		if n := len(settings); got.of(n, 0, 0) != "10000" || got.of(n, 0, 1) != sub || got.of(n, 0, 2) != sub {
			t.Errorf("%s in parallel: %s", sub, got)
		}
	}
	forged := s.ask(t, "bob", append(settings, sql("select set_config('pg_session_jwt.jwt', 'a.b.c', true)"), sql("select count(*) from work.big where owner = auth.user_id()"))...)
	if forged.Code != "42804" {
		t.Errorf("a bad token in a worker: %s", forged)
	}
}

func TestIdentityOfUsersThatShareBackends(t *testing.T) {
	s := newStack(t, neontest.Options{})
	const users, rounds = 4, 40
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			sub := fmt.Sprintf("user-%d", i)
			token := tokenSpec{Claims: json.RawMessage(fmt.Sprintf(`{"sub":%q}`, sub))}
			for round := range rounds {
				got, err := s.try(ctx, s.headers(), token, sql("insert into public.todos(task) values ($1) returning user_id", "t"), sql("select auth.user_id(), auth.session()->>'sub', count(*), count(*) filter (where user_id <> $1) from public.todos", sub))
				if err != nil || got.of(0, 0, 0) != sub || got.of(1, 0, 0) != sub || got.of(1, 0, 1) != sub || got.of(1, 0, 2) != fmt.Sprint(round+1) || got.of(1, 0, 3) != "0" {
					t.Errorf("%s in round %d: %v %s", sub, round, err, got)
					cancel()
					return
				}
			}
		})
	}
	group.Wait()
}

func TestIdentityOfClaims(t *testing.T) {
	s := newStack(t, neontest.Options{})
	for _, test := range []struct{ claims, user, uid, claim string }{
		{`{"sub":"alice","x":1.50}`, "alice", "NULL", "1.5"},
		{`{"sub":"","x":12345678901234567890123}`, "", "NULL", "12345678901234568000000"},
		{`{"x":[1,{"a":null}]}`, "NULL", "NULL", `[1, {"a": null}]`},
		{`{"sub":"a\u0000b","x":"\u0001"}`, "a", "NULL", "22P05"},
		{`{"sub":"\u0000"}`, "", "NULL", "22P05"},
		{`{"sub":"a\\u0000b","x":1}`, `a\u0000b`, "NULL", "1"},
		{`{"sub":"\\\u0000","x":1}`, `\`, "NULL", "22P05"},
		{`{"sub":"\uffffx","x":1}`, "\uffffx", "NULL", "1"},
		{`{"sub":"7b1c1d0e6c2f4c439a540d6f3a8f9c11","x":1}`, "7b1c1d0e6c2f4c439a540d6f3a8f9c11", "7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11", "1"},
		{`{"sub":"urn:uuid:7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11","x":1}`, "urn:uuid:7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11", "7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11", "1"},
		{`{"sub":"7b1c1d0e6c2f-4c43-9a54-0d6f3a8f9c11","x":1}`, "7b1c1d0e6c2f-4c43-9a54-0d6f3a8f9c11", "NULL", "1"},
		{`{"sub":"7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11\u0000","x":1}`, "7b1c1d0e-6c2f-4c43-9a54-0d6f3a8f9c11", "NULL", "22P05"},
	} {
		got, err := s.try(t.Context(), s.headers(), tokenSpec{Claims: json.RawMessage(test.claims)}, sql("select auth.user_id(), auth.uid()"))
		if err != nil {
			t.Fatal(err)
		}
		if got.cell(0, 0) != test.user || got.cell(0, 1) != test.uid {
			t.Errorf("%s is %q, %q; want %q, %q: %s", test.claims, got.cell(0, 0), got.cell(0, 1), test.user, test.uid, got)
		}
		if got, err = s.try(t.Context(), s.headers(), tokenSpec{Claims: json.RawMessage(test.claims)}, sql("select auth.session()->>'x'")); err != nil {
			t.Fatal(err)
		}
		if claim := got.cell(0, 0); claim != test.claim && got.Code != test.claim {
			t.Errorf("%s has x %q, want %q: %s", test.claims, claim, test.claim, got)
		}
	}
}
