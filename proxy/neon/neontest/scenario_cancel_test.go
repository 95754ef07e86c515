package neontest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// The scenarios of testdata/scenarios.jsonl, which need more than one connection or a point in time. A test is named
// after the scenario, or says which ones it holds.

// askLater asks in the background.
func (s *stack) askLater(t *testing.T, sub string, queries ...query) <-chan reply {
	t.Helper()
	ch := make(chan reply, 1)
	go func() { ch <- s.ask(t, sub, queries...) }()
	return ch
}

// active waits until a statement with this text runs.
func (s *stack) active(t *testing.T, text string) {
	t.Helper()
	conn := connect(t, s.dsn)
	defer conn.Close(context.Background())
	await(t, "a statement with "+text+" is active", func() bool { return s.count(t, text) > 0 })
}

func (s *stack) count(t *testing.T, text string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(admin(t, s.dsn, "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%"+text+"%'"), &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func wantError(t *testing.T, what string, got reply, status int, code, message string) {
	t.Helper()
	if got.Status != status || got.Code != code || !strings.HasPrefix(got.Message, message) {
		t.Errorf("%s: %s; want %d %s %s", what, got, status, code, message)
	}
}

// cancel-by-other-request, cancel-by-marker
func TestScenarioCancel(t *testing.T) {
	s := newStack(t, neontest.Options{})
	long := " /* " + strings.Repeat("x", 2000) + " */"
	insert := sql("insert into public.log(note) values ('x')")
	for i, queries := range [][]query{
		{sql("/*px:%d*/ select pg_sleep(30)")},
		{insert, sql("/*px:%d*/ select pg_sleep(30)")},
		{sql("/*px:%d*/ select pg_sleep(30)" + long)},
		{sql("/*px:%d*/ do $$ begin perform pg_sleep(30); end $$")},
	} {
		last := len(queries) - 1
		queries[last].SQL = fmt.Sprintf(queries[last].SQL, i)
		mark := fmt.Sprintf("/*px:%d*/", i)
		answer := s.askLater(t, "alice", queries...)
		s.active(t, mark)
		got := s.ask(t, "bob", sql("select pg_cancel_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state = 'active' and starts_with(query, $1)", mark))
		if got.cell(0, 0) != "t" {
			t.Errorf("%s was not cancelled: %s", mark, got)
		}
		wantError(t, mark, <-answer, 400, "57014", "canceling statement due to user request")
	}
	if got := s.ask(t, "alice", sql("select count(*) from public.log")); got.cell(0, 0) != "0" {
		t.Errorf("a cancelled batch left its row: %s", got)
	}
}

// terminate-by-other-request, terminate-itself, fatal-in-between
func TestScenarioTerminate(t *testing.T) {
	s := newStack(t, neontest.Options{})
	insert := sql("insert into public.log(note) values ('x')")
	for _, queries := range [][]query{
		{sql("select pg_sleep(30) /* mark */")},
		{insert, sql("select pg_sleep(30) /* mark */")},
	} {
		answer := s.askLater(t, "alice", queries...)
		s.active(t, "mark */")
		s.ask(t, "bob", sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%mark */' and pid <> pg_backend_pid() and state = 'active'"))
		wantError(t, "terminated", <-answer, 400, "57P01", "terminating connection")
	}
	wantError(t, "terminates itself", s.askOnFreshBackend(t, sql("select pg_terminate_backend(pg_backend_pid())")), 400, "57P01", "terminating connection")
	wantError(t, "terminates itself in a batch", s.askOnFreshBackend(t, insert, sql("select pg_terminate_backend(pg_backend_pid())")), 400, "57P01", "terminating connection")
	got := s.ask(t, "alice", sql("select count(*) from public.log"))
	if got.Message == "connection closed" || strings.HasPrefix(got.Message, "db error: FATAL") { // if the pool has not seen it yet, as was recorded once
		got = s.ask(t, "alice", sql("select count(*) from public.log"))
	}
	if got.cell(0, 0) != "0" {
		t.Errorf("a terminated batch left its row: %s", got)
	}
}

func (s *stack) askOnFreshBackend(t *testing.T, queries ...query) reply {
	t.Helper()
	s.server.Reset()
	return s.ask(t, "alice", queries...)
}

// idle-backends-terminated, idle-backends-terminated-at-once
func TestScenarioIdleBackendsTerminated(t *testing.T) {
	s := newStack(t, neontest.Options{})
	var answers []<-chan reply
	for range 4 {
		answers = append(answers, s.askLater(t, "alice", sql("select pg_sleep(0.2)")))
	}
	for _, answer := range answers {
		if got := <-answer; got.Status != 200 {
			t.Fatal(got)
		}
	}
	admin(t, s.dsn, "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'authenticated'")
	await(t, "the backends are gone", func() bool {
		return admin(t, s.dsn, "select count(*) from pg_stat_activity where usename = 'authenticated' and datname = current_database()") == "0"
	})
	for i := range 6 {
		// A request may come before the endpoint has seen the end of a connection; then it gets what was left on it.
		got := s.ask(t, "alice", sql("select 1"))
		if got.Status != 200 && got.Message != "connection closed" && !strings.HasPrefix(got.Message, "db error: FATAL: terminating connection") {
			t.Errorf("request %d after the end of all backends: %s", i, got)
		}
	}
	if got := s.ask(t, "alice", sql("select 1")); got.Status != 200 {
		t.Errorf("no recovery: %s", got)
	}
}

// rawRequest writes a request by hand on a connection of its own.
func (s *stack) rawRequest(t *testing.T, body string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpointOf(s.server), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, s.rawHead(t, "alice", fmt.Sprintf("Content-Length: %d\r\n", len(body)))+body); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func (s *stack) rawHead(t *testing.T, sub, more string) string {
	t.Helper()
	authorization, _, err := s.keys.mint(tokenSpec{Claims: []byte(fmt.Sprintf(`{"sub":%q}`, sub))}, s.now())
	if err != nil {
		t.Fatal(err)
	}
	head := "POST /sql HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization + "\r\n" + more
	for name, value := range s.headers() {
		head += name + ": " + value + "\r\n"
	}
	return head + "\r\n"
}

// disconnect-single-sleep, disconnect-batch, disconnect-half-close, disconnect-pipelined-commit
func TestScenarioDisconnect(t *testing.T) {
	s := newStack(t, neontest.Options{})
	single := `{"query":"insert into public.log(note) select 'slept' from pg_sleep(30)"}`
	batch := `{"queries":[{"query":"insert into public.log(note) values ('before')"},{"query":"select pg_sleep(30)"},{"query":"insert into public.log(note) values ('after')"}]}`
	for _, test := range []struct {
		name, body string
		leave      func(*net.TCPConn) error
	}{
		{"single", single, (*net.TCPConn).Close},
		{"batch", batch, (*net.TCPConn).Close},
		{"half close", single, (*net.TCPConn).CloseWrite},
	} {
		conn := s.rawRequest(t, test.body)
		s.active(t, "pg_sleep(30)")
		if err := test.leave(conn); err != nil {
			t.Fatal(err)
		}
		await(t, test.name+": no backend works on it any more", func() bool { return s.count(t, "pg_sleep(30)") == 0 })
		if test.name == "half close" {
			if answer, err := io.ReadAll(conn); err != nil || len(answer) > 0 {
				t.Errorf("%s: answered %q, %v", test.name, answer, err)
			}
		}
		if got := s.ask(t, "alice", sql("select count(*) from public.log")); got.cell(0, 0) != "0" {
			t.Errorf("%s: %s rows were committed", test.name, got.cell(0, 0))
		}
	}
	// The client is gone before the statement begins: it may run or not, but the server goes on.
	conn := s.rawRequest(t, `{"query":"insert into public.log(note) values ('quick')"}`)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.ask(t, "alice", sql("select 1")); got.Status != 200 {
		t.Errorf("after a client that left at once: %s", got)
	}
}

// pipelined, chunked-request, expect-continue, early-answer-to-large-body
func TestScenarioHTTP(t *testing.T) {
	s := newStack(t, neontest.Options{})
	body := func(column string) string { return fmt.Sprintf(`{"query":"select auth.user_id() as %s"}`, column) }
	read := func(r *bufio.Reader) (int, string) {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	conn := s.rawRequest(t, body("a"))
	second := body("b")
	if _, err := io.WriteString(conn, s.rawHead(t, "bob", fmt.Sprintf("Content-Length: %d\r\n", len(second)))+second); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for i, want := range []string{"alice", "bob"} {
		if status, text := read(r); status != 200 || !strings.Contains(text, `[["`+want+`"]]`) {
			t.Errorf("answer %d of two pipelined: %d %s", i, status, text)
		}
	}
	chunks := fmt.Sprintf("5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", body("c")[:5], len(body("c"))-5, body("c")[5:])
	if _, err := io.WriteString(conn, s.rawHead(t, "bob", "Transfer-Encoding: chunked\r\n")+chunks); err != nil {
		t.Fatal(err)
	}
	if status, text := read(r); status != 200 || !strings.Contains(text, `"bob"`) {
		t.Errorf("a body in chunks: %d %s", status, text)
	}
	if _, err := io.WriteString(conn, s.rawHead(t, "bob", fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(body("d"))))); err != nil {
		t.Fatal(err)
	}
	if status, _ := read(r); status != 100 {
		t.Errorf("Expect: 100-continue is answered %d", status)
	}
	if _, err := io.WriteString(conn, body("d")); err != nil {
		t.Fatal(err)
	}
	if status, text := read(r); status != 200 || !strings.Contains(text, `"bob"`) {
		t.Errorf("after 100: %d %s", status, text)
	}
	if _, err := io.WriteString(conn, s.rawHead(t, "bob", "Content-Length: 31457280\r\n")+"{"); err != nil {
		t.Fatal(err)
	}
	if status, text := read(r); status != 413 || !strings.Contains(text, "request is too large (max is 10485760 bytes)") {
		t.Errorf("a body over the limit: %d %s", status, text)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection stays open after 413: %v", err)
	}
}
