package proxytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// TestRandomKeyIDsCauseFewFetches sends logins whose tokens name keys that do not exist, as fast as the machine carries over
// sockets, while a user logs in again and again: the issuer is asked at most twice in the minute, and the user notices nothing.
func TestRandomKeyIDsCauseFewFetches(t *testing.T) {
	s := newOwnStack(t, devstack.Options{Config: func(c *config.Config, _ *devstack.Stack) { c.Limits.MaxUnauthenticatedPerIP = 0 }})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.session(t, "alice") // the keys are there
	before := s.Issuer().Fetches()

	const logins, workers = 600, 16
	var next, refused atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := next.Add(1); n <= logins; n = next.Add(1) {
				token := s.Issuer().Forge(jwkstest.Forgery{
					MintOptions: jwkstest.MintOptions{Subject: "mallory", Header: map[string]any{"kid": fmt.Sprintf("key-%d", n)}},
					Sign:        func([]byte) []byte { return make([]byte, 256) },
				})
				_, err := s.login(ctx, token)
				if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "28P01" {
					t.Errorf("login with an unknown key: %v", err)
					return
				}
				refused.Add(1)
			}
		})
	}
	began := time.Now()
	valid := 0
	for next.Load() < logins {
		c := s.session(t, "alice")
		if _, err := c.Exec(ctx, "select 1").ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(ctx); err != nil {
			t.Fatal(err)
		}
		valid++
	}
	wg.Wait()
	if refused.Load() != logins || valid == 0 {
		t.Errorf("%d refused, %d valid logins", refused.Load(), valid)
	}
	minutes := 1 + int(time.Since(began)/time.Minute)
	if fetches := s.Issuer().Fetches() - before; fetches > 2*minutes {
		t.Errorf("%d fetches in %s", fetches, time.Since(began))
	}
}
