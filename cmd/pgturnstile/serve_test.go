package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// served is a `serve` process of its own before the database of a stack.
type served struct {
	*process
	stack          *devstack.Stack
	address, admin string
}

var (
	listeningOn = regexp.MustCompile(`"listener":"main","address":"([^"]+)"`)
	adminOn     = regexp.MustCompile(`"listener":"admin","address":"([^"]+)"`)
)

func startServe(t *testing.T) *served {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), devLimit)
	defer cancel()
	stack, err := devstack.Start(ctx, devstack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	route := stack.Route(devstack.Database, devstack.Role)
	file := writeConfig(t, fmt.Sprintf(`
listeners: [{name: main, address: "127.0.0.1:0"}]
issuers: [{name: dev, region: %s, user_pool_id: %s, issuer: %s, client_ids: [%s], jwks_url: %s}]
routes: [{database: %s, neon_host: %s, endpoint: %s}]
admin: {address: "127.0.0.1:0"}
shutdown: {max_drain: 10m}
`, stack.Issuer().Region(), stack.Issuer().PoolID(), stack.Issuer().Issuer(), stack.Issuer().ClientID(), stack.JWKSURL(),
		devstack.Database, route.NeonHost, route.Endpoint))
	s := &served{process: newDevFolders(t).start(t, "serve", "--config", file), stack: stack}
	s.until(t, "listeners", func() bool {
		log := s.stderr.String()
		main, admin := listeningOn.FindStringSubmatch(log), adminOn.FindStringSubmatch(log)
		if main == nil || admin == nil {
			return false
		}
		s.address, s.admin = main[1], admin[1]
		return true
	})
	return s
}

func (s *served) connect(t *testing.T) *pgconn.PgConn {
	t.Helper()
	token, err := s.stack.Mint(devstack.TokenRequest{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgconn.ParseConfig("postgres://" + devstack.Role + "@" + s.address + "/" + devstack.Database + "?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	c.Password = token
	conn, err := pgconn.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have ended it
	return conn
}

// run executes sql in the background until the database says that it is running.
func (s *served) run(t *testing.T, c *pgconn.PgConn, sql string) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), sql).ReadAll()
		ended <- err
	}()
	admin, err := pgconn.Connect(t.Context(), s.stack.AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	s.until(t, sql, func() bool {
		r := admin.ExecParams(t.Context(), "select count(*) from pg_stat_activity where state = 'active' and query = $1", [][]byte{[]byte(sql)}, nil, nil, nil).Read()
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return string(r.Rows[0][0]) == "1"
	})
	return ended
}

func (s *served) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// status asks the operators' listener.
func (s *served) status(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + s.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Severity + " " + e.Code
	}
	return fmt.Sprint(err)
}

// TestServeDrainsAtSIGTERM: not ready at once, an idle session is told 57P01, a busy one gets its result first, exit code 0.
func TestServeDrainsAtSIGTERM(t *testing.T) {
	s := startServe(t)
	s.until(t, "readiness", func() bool {
		code, _ := s.status(t, "/readyz")
		return code == http.StatusOK
	})
	idle, busy := s.connect(t), s.connect(t)
	ended := s.run(t, busy, "select pg_sleep(2)")
	s.signal(t, syscall.SIGTERM)
	s.until(t, "an end of readiness", func() bool {
		code, body := s.status(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "draining")
	})
	if err := idle.Ping(t.Context()); codeOf(err) != "FATAL 57P01" {
		t.Errorf("the idle session: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the busy session's statement: %v", err)
	}
	if code := s.end(t); code != exitOK {
		t.Errorf("exit code %d: %s", code, &s.stderr)
	}
}

// TestServeEndsAtOnceAtASecondSignal: the statement is dropped, long before it and max_drain would have ended.
func TestServeEndsAtOnceAtASecondSignal(t *testing.T) {
	s := startServe(t)
	ended := s.run(t, s.connect(t), "select pg_sleep(600)")
	s.signal(t, syscall.SIGINT)
	s.until(t, "drain", func() bool { return strings.Contains(s.stderr.String(), `"event":"drain_started"`) })
	s.signal(t, syscall.SIGINT)
	if err := <-ended; err == nil {
		t.Error("the statement succeeded")
	}
	if code := s.end(t); code != exitOK {
		t.Errorf("exit code %d: %s", code, &s.stderr)
	}
}

func TestServePrintsAllFaults(t *testing.T) {
	p := newDevFolders(t).start(t, "serve", "--config", writeConfig(t, "listeners: [{adress: x}]\nlog: {level: loud}\n"))
	if code := p.end(t); code != exitFault {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"adress", "loud", "issuers", "routes"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("no word of %s in\n%s", want, &p.stderr)
		}
	}
}
