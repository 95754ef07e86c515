package devstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/config"
)

func start(t *testing.T, o Options) *Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// connect logs in over TLS with the token as password.
func connect(t *testing.T, s *Stack, database, token string) (*pgx.Conn, error) {
	t.Helper()
	c, err := pgx.ParseConfig("postgres://" + Role + "@" + s.Address() + "/" + database + "?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	c.TLSConfig = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}
	c.Password = token
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

func mint(t *testing.T, s *Stack, r TokenRequest) string {
	t.Helper()
	token, err := s.Mint(r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestStackServesTheExample(t *testing.T) {
	s := start(t, Options{
		Postgres: map[string]string{"deadlock_timeout": "345ms"},
		Setup:    "CREATE TABLE later (n int); INSERT INTO later VALUES (1)",
		Config: func(c *config.Config, s *Stack) {
			c.Routes = append(c.Routes, s.Route("visitors", "anonymous"))
		},
	})
	for user, want := range map[string]string{"alice": "alice:alice's", "bob": "bob:bob's"} {
		conn, err := connect(t, s, Database, mint(t, s, TokenRequest{User: user}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "insert into todos (task) values ($1)", user+"'s"); err != nil {
			t.Fatal(err)
		}
		var rows, timeout string
		if err := conn.QueryRow(t.Context(), "select string_agg(user_id || ':' || task, ','), current_setting('deadlock_timeout') from todos").Scan(&rows, &timeout); err != nil {
			t.Fatal(err)
		}
		if rows != want || timeout != "345ms" {
			t.Errorf("%s sees %s with deadlock_timeout %s, want %s and 345ms", user, rows, timeout, want)
		}
		// Default privileges reach tables that came later.
		var n int
		if err := conn.QueryRow(t.Context(), "select n from later").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s reads %d of a later table, %v", user, n, err)
		}
	}
	visitor, err := connect(t, s, "visitors", mint(t, s, TokenRequest{User: "alice"}))
	if err != nil {
		t.Fatal(err)
	}
	var role string
	var count int
	if err := visitor.QueryRow(t.Context(), "select current_user, (select count(*) from todos)").Scan(&role, &count); err != nil || role != "anonymous" || count != 0 {
		t.Errorf("on the other route alice is %s and sees %d rows, %v; want anonymous and none", role, count, err)
	}
	refused := []struct {
		name, database string
		request        TokenRequest
		code           string
	}{
		{"a database without a route", "prod", TokenRequest{User: "alice"}, "3D000"},
		{"an expired token", Database, TokenRequest{User: "alice", Expires: -time.Hour}, "28000"},
		{"an id token", Database, TokenRequest{User: "alice", Use: "id"}, "28000"},
	}
	for _, r := range refused {
		_, err := connect(t, s, r.database, mint(t, s, r.request))
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != r.code || e.Severity != "FATAL" {
			t.Errorf("%s: %v, want FATAL %s", r.name, err, r.code)
		}
	}
	token, err := RequestToken(t.Context(), s.TokenSocket(), TokenRequest{User: "carol", Groups: []string{"staff"}})
	if err != nil {
		t.Fatal(err)
	}
	carol, err := connect(t, s, Database, token)
	if err != nil {
		t.Fatal(err)
	}
	var sub, groups string
	if err := carol.QueryRow(t.Context(), "select auth.user_id(), auth.session()->>'cognito:groups'").Scan(&sub, &groups); err != nil || sub != "carol" || groups != `["staff"]` {
		t.Errorf("carol is %s in %s, %v", sub, groups, err)
	}

	dir, pid := s.Dir(), s.Postgres().PID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("Postgres is still there: %v", err)
	}
}

func TestStackSaysWhenPostgresEnds(t *testing.T) {
	s := start(t, Options{DefaultRoute: true})
	if _, err := connect(t, s, "anything", mint(t, s, TokenRequest{User: "alice"})); err != nil {
		t.Errorf("with a default route: %v", err)
	}
	if err := syscall.Kill(s.Postgres().PID(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Failed():
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "Postgres has ended") {
			t.Errorf("error is %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the stack does not notice")
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	temporary, err := os.MkdirTemp("", "stack")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	if err := os.Chmod(temporary, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	for name, o := range map[string]Options{
		`relation "no_such_table" does not exist`: {Setup: "SELECT * FROM no_such_table"},
		"listeners": {Config: func(c *config.Config, _ *Stack) { c.Listeners[0].Address = "no port" }},
	} {
		s, err := Start(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error is %v, want %s", err, name)
		}
		if s != nil {
			t.Error("a stack that did not start was returned")
		}
	}
	left, err := filepath.Glob(filepath.Join(temporary, "*"))
	if err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRemoveLeftoverSparesStrangers(t *testing.T) {
	mine := filepath.Join(t.TempDir(), "pgturnstile-dev-1")
	other := filepath.Join(t.TempDir(), "photos")
	link := filepath.Join(t.TempDir(), "pgturnstile-dev-2")
	for _, dir := range []string{mine, other} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		gone bool
	}{{mine, true}, {other, false}, {link, false}, {"", false}} {
		if err := RemoveLeftover(c.path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(c.path); c.path != "" && errors.Is(err, fs.ErrNotExist) != c.gone {
			t.Errorf("%s: gone: %v, want %v", c.path, !c.gone, c.gone)
		}
	}
}
