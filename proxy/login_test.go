package proxy

import (
	"context"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
)

func TestLoginOverTLS(t *testing.T) {
	w := newWorld(t, nil)
	c, key := w.login("alice")
	s := w.session()
	if s.Identity.Subject != "alice" || s.Identity.Token.Reveal() != "token-alice" || s.target() != "main" {
		t.Errorf("the session belongs to %q on %v", s.Identity.Subject, s.target())
	}
	if len(key.SecretKey) != 4 || key.ProcessID == 0 || key.ProcessID > 1<<31-1 {
		t.Errorf("key data %d with %d bytes", key.ProcessID, len(key.SecretKey))
	}
	c.send(typed('Q', []byte("x\x00")))
	c.expect('C')
	c.expect('Z')
	if n := w.counter("client_connections", "listener", "test", "state", "idle"); n != 1 {
		t.Errorf("%v sessions are counted as idle", n)
	}
	c.send(typed('X', nil))
	c.closed()
	w.eventually("the connection is gone", func() bool { return w.server.Connections() == 0 })
	for _, want := range []struct {
		name   string
		labels []string
	}{
		{"client_connections_total", []string{"listener", "test", "tls", "1.3"}},
		{"auth_attempts_total", []string{"method", "password", "result", "ok"}},
		{"client_connection_duration_seconds", []string{"listener", "test"}},
		{"token_remaining_lifetime_seconds", nil},
	} {
		if got := w.counter(want.name, want.labels...); got != 1 {
			t.Errorf("%s%v is %v", want.name, want.labels, got)
		}
	}
	if open := w.counter("client_connections"); open != 0 {
		t.Errorf("%v connections are counted as open", open)
	}
}

func TestASessionIsActiveWhileItsRequestRuns(t *testing.T) {
	r := newRealWorld(t, nil)
	r.upstream.wait = make(chan struct{})
	c := r.asked("neondb")
	c.send(password(r.mint(jwkstest.MintOptions{})))
	c.drive("")
	states := func() [2]float64 {
		return [2]float64{r.counter("client_connections", "state", "idle"), r.counter("client_connections", "state", "active")}
	}
	c.send(query("select 1"))
	r.eventually("it is active", func() bool { return states() == [2]float64{0, 1} })
	close(r.upstream.wait)
	c.drive("")
	r.eventually("it is idle", func() bool { return states() == [2]float64{1, 0} })
	c.Close()
	r.eventually("it is gone", func() bool { return states() == [2]float64{0, 0} })
}

// A client that gives up while the server cannot be asked is not waited for.
func TestAClientThatLeavesWhileFactsAreRead(t *testing.T) {
	w := newWorld(t, nil)
	w.facts.get = func(ctx context.Context, _ catalog.Caller) (*catalog.Facts, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	c := w.dial()
	c.startTLS(nil)
	c.send(good)
	c.askedForPassword()
	c.send(password("token-alice"))
	w.eventually("it is let in", func() bool { return w.counter("auth_attempts_total", "result", "ok") == 1 })
	c.Close()
	w.eventually("it is gone", func() bool { return w.server.Connections() == 0 })
	if n := w.counter("client_connections_rejected_total", "reason", "client_gone"); n != 1 {
		t.Errorf("counted %v times", n)
	}
}

// The labels are closed: what is counted is there from the start.
func TestReasonsAreThereFromTheStart(t *testing.T) {
	r := newRealWorld(t, nil)
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	for name, want := range map[string]int{"client_connections_rejected_total": len(countedReasons), "auth_failures_total": len(cognito.Reasons()) + 2,
		"auth_attempts_total": 3, "cancel_requests_total": 3} {
		if got := series["pgturnstile_"+name]; got != want {
			t.Errorf("%s has %d series, want %d", name, got, want)
		}
	}
}
