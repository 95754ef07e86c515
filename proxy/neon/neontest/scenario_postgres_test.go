package neontest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// withIsolation is ask with an isolation level, in the background.
func (s *stack) withIsolation(t *testing.T, level, sub string, queries ...query) <-chan reply {
	t.Helper()
	ch := make(chan reply, 1)
	go func() {
		headers := s.headers()
		headers["Neon-Batch-Isolation-Level"] = level
		got, err := s.try(t.Context(), headers, tokenSpec{Claims: json.RawMessage(fmt.Sprintf(`{"sub":%q}`, sub))}, queries...)
		if err != nil {
			t.Error(err)
		}
		ch <- got
	}()
	return ch
}

// locker is a superuser's transaction that holds a lock which requests wait for, so that they meet where they should.
func locker(t *testing.T, dsn, sql string) (release func()) {
	t.Helper()
	conn := connect(t, dsn)
	if _, err := conn.Exec(t.Context(), "BEGIN; "+sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(context.Background()) }
}

// gate is a statement that waits until the gate is opened.
var gate = sql("select pg_advisory_xact_lock_shared(1) /* gate */")

func (s *stack) closeGate(t *testing.T) (open func()) {
	return locker(t, s.dsn, "select pg_advisory_xact_lock(1)")
}

func (s *stack) waiting(t *testing.T, n int) {
	t.Helper()
	await(t, fmt.Sprintf("%d requests wait", n), func() bool { return s.count(t, "/* gate */") == n })
}

// deadlock
func TestScenarioDeadlock(t *testing.T) {
	s := newStack(t, neontest.Options{})
	open := s.closeGate(t)
	a := s.askLater(t, "alice", sql("update public.dead set v=v+1 where id=1"), gate, sql("update public.dead set v=v+1 where id=2"))
	b := s.askLater(t, "bob", sql("update public.dead set v=v+1 where id=2"), gate, sql("update public.dead set v=v+1 where id=1"))
	s.waiting(t, 2)
	open()
	lost, won := <-a, <-b
	if lost.Status == 200 {
		lost, won = won, lost
	}
	wantError(t, "the one", lost, 400, "40P01", "deadlock detected")
	if won.Status != 200 {
		t.Errorf("the other: %s", won)
	}
	if got := s.ask(t, "alice", sql("select sum(v) from public.dead")); got.cell(0, 0) != "5" {
		t.Errorf("sum is %s, want 5: one batch alone", got.cell(0, 0))
	}
}

// serialization-failure, serializable-write-skew
func TestScenarioSerialization(t *testing.T) {
	s := newStack(t, neontest.Options{})
	open := s.closeGate(t)
	a := s.withIsolation(t, "RepeatableRead", "alice", sql("select bal from public.acct where id=1"), gate, sql("update public.acct set bal=bal+1 where id=1"))
	s.waiting(t, 1)
	if got := s.ask(t, "bob", sql("update public.acct set bal=bal+10 where id=1")); got.Status != 200 {
		t.Fatal(got)
	}
	open()
	wantError(t, "an update of what was changed", <-a, 400, "40001", "could not serialize access due to concurrent update")

	open = s.closeGate(t)
	a = s.withIsolation(t, "Serializable", "alice", sql("select sum(bal) from public.acct"), sql("update public.acct set bal=bal-1 where id=1"), gate)
	b := s.withIsolation(t, "Serializable", "bob", sql("select sum(bal) from public.acct"), sql("update public.acct set bal=bal-1 where id=2"), gate)
	s.waiting(t, 2)
	open()
	lost, won := <-a, <-b
	if lost.Status == 200 {
		lost, won = won, lost
	}
	wantError(t, "write skew", lost, 400, "40001", "could not serialize access due to read/write dependencies among transactions")
	if won.Status != 200 || won.Headers["neon-batch-isolation-level"] != "Serializable" {
		t.Errorf("the other: %v %s", won.Headers, won)
	}
}

// lock-timeout
func TestScenarioLockTimeout(t *testing.T) {
	s := newStack(t, neontest.Options{})
	open := s.closeGate(t)
	a := s.askLater(t, "alice", sql("update public.acct set bal=bal+1 where id=1"), gate)
	s.waiting(t, 1)
	wantError(t, "lock_timeout", s.ask(t, "bob", sql("select set_config('lock_timeout','100ms',true)"), sql("update public.acct set bal=0 where id=1")), 400, "55P03", "canceling statement due to lock timeout")
	wantError(t, "nowait", s.ask(t, "bob", sql("select * from public.acct where id=1 for update nowait")), 400, "55P03", "could not obtain lock on row")
	if got := s.ask(t, "bob", sql("select id from public.acct where id<3 order by id for update skip locked")); got.cell(0, 0) != "2" {
		t.Errorf("skip locked: %s", got)
	}
	open()
	if got := <-a; got.Status != 200 {
		t.Error(got)
	}
}

// activity-visibility, activity-leaks-claims
func TestScenarioActivity(t *testing.T) {
	s := newStack(t, neontest.Options{})
	open := s.closeGate(t)
	secret := "a-secret-value"
	a := s.askLater(t, "alice", sql("/* lead */ insert into public.log(note) values ($1) -- trail", secret), sql("/* lead */ select pg_advisory_xact_lock_shared(1) /* gate */ -- trail"))
	s.waiting(t, 1)
	seen := s.ask(t, "bob", sql("select usename, state, query from pg_stat_activity where query like '/* lead */%' and pid <> pg_backend_pid()"))
	if seen.cell(0, 0) != "authenticated" || seen.cell(0, 1) != "active" || seen.cell(0, 2) != "/* lead */ select pg_advisory_xact_lock_shared(1) /* gate */ -- trail" {
		t.Errorf("another user's statement: %s", seen)
	}
	if all := s.ask(t, "bob", sql("select coalesce(string_agg(query, ' '), '') from pg_stat_activity where usename = current_user")); strings.Contains(all.Body, secret) {
		t.Errorf("a parameter is seen: %s", all)
	}
	open()
	if got := <-a; got.Status != 200 {
		t.Fatal(got)
	}
	await(t, "the reset of the idle backend is seen", func() bool {
		got := s.ask(t, "bob", sql("select left(query,30), state from pg_stat_activity where usename=current_user and datname=current_database() and pid<>pg_backend_pid()"))
		return got.cell(0, 0) == "ROLLBACK;\n            CLOSE AL" && got.cell(0, 1) == "idle"
	})
	// The session's own statement is in the activity of the backend until the next: the claims can be read.
	conn := connect(t, s.dsn)
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE auth.backend").ReadAll(); err != nil {
		t.Fatal(err)
	}
	a = s.askLater(t, "alice", sql("select 1"))
	await(t, "the session's statement is seen", func() bool { return s.count(t, "select auth.jwt_session_init") == 1 })
	if _, err := conn.Exec(t.Context(), "ROLLBACK").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got := <-a; got.Status != 200 {
		t.Error(got)
	}
}

const outOfStep = "error parsing response from server: invalid message length: expected buffer to be empty"

// copy-poisons-pool, copy-single-then-next, copy-from-batch-poisons-pool
func TestScenarioCopyPoisonsPool(t *testing.T) {
	s := newStack(t, neontest.Options{})
	copyOut, next := sql("copy (select generate_series(1,3)) to stdout"), sql("select auth.user_id()")
	wantError(t, "a single COPY", s.ask(t, "alice", copyOut), 400, "", outOfStep)
	if got := s.ask(t, "bob", next); got.cell(0, 0) != "bob" {
		t.Errorf("after a single COPY: %s", got)
	}
	// In a batch, each row that came fails one of the next requests, whoever sends it.
	body := `{"queries":[{"query":"copy (select generate_series(1,3)) to stdout"}]}`
	authorization, _, err := s.keys.mint(tokenSpec{Claims: json.RawMessage(`{"sub":"alice"}`)}, s.now())
	if err != nil {
		t.Fatal(err)
	}
	got, err := send(t.Context(), s.client, endpointOf(s.server), request{Method: "POST", Path: "/sql", Headers: s.headers(), Body: &body}, authorization, true)
	if err != nil || got.Status != 400 || !strings.Contains(got.Body, outOfStep) {
		t.Errorf("COPY in a batch: %v %v", got, err)
	}
	for range 3 {
		wantError(t, "after COPY in a batch", s.ask(t, "bob", next), 500, "", outOfStep)
	}
	if got := s.ask(t, "bob", next); got.cell(0, 0) != "bob" {
		t.Errorf("after the rows: %s", got)
	}
	wantError(t, "COPY FROM in a batch", s.ask(t, "alice", sql("insert into public.log(note) values ('x')"), sql("copy public.acct from stdin")), 400, "", outOfStep)
	for range 3 {
		if got := s.ask(t, "bob", next); got.cell(0, 0) != "bob" && got.Message != "connection closed" {
			t.Errorf("after COPY FROM in a batch: %s", got)
		}
	}
	if got := s.ask(t, "alice", sql("select count(*) from public.log")); got.cell(0, 0) != "0" {
		t.Errorf("the batch left its row: %s", got)
	}
}

// listen-notify-batch, notify-while-listening
func TestScenarioNotify(t *testing.T) {
	s := newStack(t, neontest.Options{})
	insert := func(note string) query { return sql("insert into public.log(note) values ($1)", note) }
	wantError(t, "LISTEN and NOTIFY", s.ask(t, "alice", sql("listen ch"), insert("x"), sql("notify ch, 'x'")), 400, "", "connection closed")
	for _, queries := range [][]query{{sql("listen ch"), insert("y")}, {insert("z"), sql("notify ch, 'x'")}} {
		if got := s.ask(t, "alice", queries...); got.Status != 200 {
			t.Errorf("%v: %s", queries, got)
		}
	}
	if got := s.ask(t, "alice", sql("select string_agg(note, '' order by id) from public.log")); got.cell(0, 0) != "xyz" {
		t.Errorf("rows are %s: what was answered with an error was committed", got.cell(0, 0))
	}
	open := s.closeGate(t)
	a := s.askLater(t, "alice", sql("listen ch"), sql("commit"), gate, sql("select 7"))
	s.waiting(t, 1)
	if got := s.ask(t, "bob", sql("notify ch, 'fromB'")); got.Status != 200 {
		t.Error(got)
	}
	open()
	wantError(t, "a notification in between", <-a, 400, "", "connection closed")
}

// typeinfo-new-backend
func TestScenarioTypeinfo(t *testing.T) {
	s := newStack(t, neontest.Options{})
	prepare := sql("prepare neon_proxy_typeinfo as select 1")
	wantError(t, "the name is taken", s.ask(t, "alice", prepare, sql("select 'sad'::public.mood")), 400, "42P05", `prepared statement "neon_proxy_typeinfo" already exists`)
	if got := s.askOnFreshBackend(t, sql("select 'sad'::public.mood"), prepare, sql("select 'ok'::public.mood")); got.of(2, 0, 0) != "ok" {
		t.Errorf("a type that is known by then: %s", got)
	}
	if got := s.ask(t, "alice", sql("set local search_path to work"), sql("select '(1,x)'::public.pair, array['sad','ok']::public.mood[], array[1]::public.posint[]")); got.of(1, 0, 1) != "{sad,ok}" {
		t.Errorf("a composite type and arrays: %s", got)
	}
}

// connection-limit, nologin, postgres-down
func TestScenarioConnecting(t *testing.T) {
	s := newStack(t, neontest.Options{})
	if got := s.ask(t, "alice", sql("select 1")); got.Status != 200 {
		t.Fatal(got)
	}
	s.server.Reset()
	admin(t, s.dsn, "alter role authenticated nologin")
	got := s.ask(t, "alice", sql("select 1"))
	admin(t, s.dsn, "alter role authenticated login")
	wantError(t, "nologin", got, 500, "28000", `role "authenticated" is not permitted to log in`)

	open := s.closeGate(t)
	a := s.askLater(t, "alice", gate)
	s.waiting(t, 1)
	admin(t, s.dsn, "alter role authenticated connection limit 1")
	got = s.ask(t, "bob", sql("select 1"))
	admin(t, s.dsn, "alter role authenticated connection limit -1")
	wantError(t, "connection limit", got, 500, "53300", `too many connections for role "authenticated"`)
	open()
	if got := <-a; got.Status != 200 {
		t.Error(got)
	}

	pg, err := postgres.Start(t.Context(), postgres.Options{Bin: testBin()})
	if err != nil {
		t.Fatal(err)
	}
	dsn := pg.DSN("postgres", postgres.Superuser)
	if err := pg.Stop(); err != nil {
		t.Fatal(err)
	}
	down := newStack(t, neontest.Options{DSN: dsn})
	wantError(t, "Postgres is down", down.ask(t, "alice", sql("select 1")), 500, "", "error connecting to server: Connection refused (os error 111)")
}

// many-parallel, interleaved-identities
func TestScenarioManyParallel(t *testing.T) {
	s := newStack(t, neontest.Options{})
	const n = 110 // more than Neon's permits for connections, and than its pool keeps
	open := s.closeGate(t)
	answers := make(chan reply, n)
	for i := range n {
		go func() {
			sub := []string{"alice", "bob"}[i%2]
			got := s.ask(t, sub, gate, sql("select auth.user_id(), $1", sub))
			if got.of(1, 0, 0) != sub || got.of(1, 0, 1) != sub {
				t.Errorf("%s: %s", sub, got)
			}
			answers <- got
		}()
	}
	s.waiting(t, n)
	open()
	for range n {
		if got := <-answers; got.Status != 200 {
			t.Errorf("of %d at once: %s", n, got)
		}
	}
}
