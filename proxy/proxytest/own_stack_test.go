package proxytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// ownStack is a stack for one test, which changes what the shared one must keep.
type ownStack struct {
	*devstack.Stack
	tls *tls.Config
}

func newOwnStack(t *testing.T, o devstack.Options) *ownStack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	up, err := devstack.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := up.Close(); err != nil {
			t.Error(err)
		}
	})
	ca, err := os.ReadFile(up.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &ownStack{Stack: up, tls: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}}
}

// login connects with that password.
func (s *ownStack) login(ctx context.Context, password string) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig("postgres://" + devstack.Role + "@" + s.Address() + "/" + devstack.Database + "?sslmode=disable")
	if err != nil {
		return nil, err
	}
	c.TLSConfig, c.Password = s.tls, password
	return pgconn.ConnectConfig(ctx, c)
}

// session is a user's connection, closed with the test.
func (s *ownStack) session(t *testing.T, user string) *pgconn.PgConn {
	t.Helper()
	token, err := s.Mint(devstack.TokenRequest{User: user})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.login(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // it may have ended already
	return c
}
