package proxytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// stack is both sides: the whole proxy over a database, and a copy of that database reached directly. One serves all tests of
// the package; no two of them use it at once.
type stack struct {
	*devstack.Stack
	oracle *Oracle
	admin  *pgconn.Config // of the database behind the proxy
	roots  *x509.CertPool
}

var shared = sync.OnceValues(func() (*stack, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	up, err := devstack.Start(ctx, devstack.Options{})
	if err != nil {
		return nil, err
	}
	s := &stack{Stack: up, roots: x509.NewCertPool()}
	if s.oracle, err = NewOracle(ctx, up.AdminDSN(), "direct"); err != nil {
		return s, err
	}
	if s.admin, err = pgconn.ParseConfig(up.AdminDSN()); err != nil {
		return s, err
	}
	ca, err := os.ReadFile(up.CAFile())
	if err != nil {
		return s, err
	}
	s.roots.AppendCertsFromPEM(ca)
	return s, nil
})

// started is set by the first startStack: a run of tests that need no stack starts none.
var started bool

func TestMain(m *testing.M) {
	code := m.Run()
	if started {
		if s, _ := shared(); s != nil {
			if err := s.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "closing the stack:", err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

func startStack(t *testing.T) *stack {
	t.Helper()
	started = true
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh runs sql on both sides.
func (s *stack) fresh(t *testing.T, sql string) {
	t.Helper()
	for _, c := range []*pgconn.Config{s.admin, s.oracle.config} {
		if err := execute(t.Context(), c, sql); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *stack) token(t *testing.T, user string) string {
	t.Helper()
	token, err := s.Mint(devstack.TokenRequest{User: user})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// target leads through the proxy, over TLS.
func (s *stack) target(t *testing.T, user string) Target {
	t.Helper()
	return Target{
		Dial: s.dialTLS, User: devstack.Role, Password: s.token(t, user), Database: devstack.Database,
	}
}

func (s *stack) dialTLS(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", s.Address())
	if err != nil {
		return nil, err
	}
	// SSLRequest
	if _, err := nc.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
		return nil, err
	}
	var answer [1]byte
	if _, err := io.ReadFull(nc, answer[:]); err != nil {
		return nil, err
	}
	if answer[0] != 'S' {
		return nil, fmt.Errorf("the proxy answers an SSLRequest with %q", answer[0])
	}
	return tls.Client(nc, s.tlsConfig()), nil
}

func (s *stack) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// env is the environment that makes libpq and node-postgres connect through the proxy.
func (s *stack) env(t *testing.T, user string) []string {
	t.Helper()
	host, port := s.HostPort()
	return []string{"PGHOST=" + host, "PGPORT=" + port, "PGUSER=" + devstack.Role, "PGDATABASE=" + devstack.Database,
		"PGPASSWORD=" + s.token(t, user), "PGSSLMODE=verify-full", "PGSSLROOTCERT=" + s.CAFile(), "NODE_EXTRA_CA_CERTS=" + s.CAFile()}
}

func (s *stack) proxyConfig(t *testing.T, user string) *pgx.ConnConfig {
	t.Helper()
	host, port := s.HostPort()
	c := pgxConfig(t, host, port, devstack.Database)
	c.Password, c.TLSConfig = s.token(t, user), s.tlsConfig()
	return c
}

func (s *stack) directConfig(t *testing.T, user string) *pgx.ConnConfig {
	t.Helper()
	c := pgxConfig(t, s.oracle.config.Host, fmt.Sprint(s.oracle.config.Port), s.oracle.config.Database)
	c.RuntimeParams["proxytest.sub"] = user
	return c
}

func pgxConfig(t *testing.T, host, port, database string) *pgx.ConnConfig {
	t.Helper()
	c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", host, port, devstack.Role, database))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
