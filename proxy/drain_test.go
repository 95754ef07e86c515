package proxy

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/session"
)

const adminShutdown = "terminating connection due to administrator command"

// shutdown runs Shutdown in a goroutine of its own.
func (w *world) shutdown() <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.server.Shutdown(context.Background()) }()
	return done
}

func TestShutdownEndsIdleSessions(t *testing.T) {
	w := newWorld(t, nil)
	c, _ := w.login("alice")
	asked := w.dial() // in the middle of its login
	asked.startTLS(nil)
	asked.send(good)
	asked.askedForPassword()
	silent := w.dial() // has not said anything
	w.eventually("all are accepted", func() bool { return w.server.Connections() == 3 })
	began := time.Now()
	done := w.shutdown()
	c.fatal("57P01", adminShutdown)
	asked.fatal("57P01", adminShutdown)
	silent.closed()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := <-w.served; !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve returned %v", err)
	}
	w.served <- ErrServerClosed // for the cleanup
	if _, err := net.Dial("tcp", w.address); err == nil {
		t.Error("the port is still open")
	}
	if err := w.server.Serve(w.listener); !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve of a closed server returned %v", err)
	}
	if n := w.counter("client_connections_rejected_total", "reason", "draining"); n != 2 {
		t.Errorf("%v logins were cut off", n)
	}
}

func TestShutdownGoesOnAcceptingForMinDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, func(o *Options, _ *Listener) { o.Timeouts.MinDrain = 10 * time.Second })
		if w.server.Draining() {
			t.Error("draining from the start")
		}
		began := time.Now()
		done := w.shutdown()
		synctest.Wait()
		if !w.server.Draining() {
			t.Error("not draining")
		}
		time.Sleep(9 * time.Second)
		c := w.pipe()
		c.send(good)
		if o := c.drive("token-alice"); !o.served {
			t.Errorf("not served while the load balancer does not know yet: %+v", o.err)
		}
		c.fatal("57P01", adminShutdown)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestShutdownWaitsForAStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, nil)
		c := w.pipe()
		c.send(good)
		c.drive("token-alice")
		s := w.session()
		c.send(query("busy"))
		synctest.Wait()
		done := w.shutdown()
		time.Sleep(20 * time.Second)
		close(s.release)
		if o := c.drive(""); !o.served {
			t.Errorf("the statement was not answered: %+v", o)
		}
		c.fatal("57P01", adminShutdown)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestShutdownIsBounded(t *testing.T) {
	for name, cut := range map[string]func(w *world, cancel func()) time.Duration{
		"by MaxDrain":      func(*world, func()) time.Duration { return 25 * time.Second },
		"by its context":   func(_ *world, cancel func()) time.Duration { time.Sleep(time.Second); cancel(); return time.Second },
		"by a second call": func(w *world, _ func()) time.Duration { time.Sleep(time.Second); <-w.shutdown(); return time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := pipeWorld(t, false, nil)
				c := w.pipe()
				c.send(good)
				c.drive("token-alice")
				c.send(query("busy"))
				synctest.Wait()
				began := time.Now()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- w.server.Shutdown(ctx) }()
				want := cut(w, cancel)
				if err := <-done; err == nil {
					t.Error("a session that was cut off is no error")
				}
				if took := time.Since(began); took != want {
					t.Errorf("it took %v, want %v", took, want)
				}
				c.closed()
				if n := w.server.Connections(); n != 0 {
					t.Errorf("%d connections are left", n)
				}
			})
		})
	}
}

// A login that waits for the server's facts ends with the drain, too.
func TestShutdownWhileFactsAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pipeWorld(t, false, nil)
		w.facts.get = func(ctx context.Context, _ catalog.Caller) (*catalog.Facts, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		c := w.pipe()
		c.send(good)
		c.askedForPassword()
		c.send(password("token-alice"))
		synctest.Wait()
		done := w.shutdown()
		if o := c.drive(""); o.err == nil || o.err.Code != "57P01" {
			t.Errorf("told %+v", o.err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsAllAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	c, _ := w.login("alice")
	c.send(query("busy"))
	asked := w.dial()
	asked.startTLS(nil)
	w.server.Close()
	c.rest()
	asked.rest()
	w.server.serving.Wait()
	if n := w.counter("client_connections"); n != 0 {
		t.Errorf("%v connections are counted as open", n)
	}
}

// The drain begins when all is ready for the session and it has not begun yet.
func TestShutdownAtTheLastMomentOfALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *world
		done := make(chan error, 1)
		w = pipeWorld(t, false, func(o *Options, _ *Listener) {
			o.NewSession = func(so session.Options) Session {
				go func() { done <- w.server.Shutdown(context.Background()) }()
				synctest.Wait()
				return newFakeSession(so)
			}
		})
		c := w.pipe()
		c.send(good)
		if o := c.drive("token-alice"); o.err == nil || o.err.Code != "57P01" || o.served {
			t.Errorf("told %+v", o.err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A client whose statement is cut off by the drain learns that, and that its effects are unknown.
func TestAStatementThatOutlivesTheDrain(t *testing.T) {
	r := newRealWorld(t, func(o *Options, _ *Listener) { o.Timeouts.MaxDrain = 100 * time.Millisecond })
	r.upstream.wait = make(chan struct{})
	c := r.asked("neondb")
	c.send(password(r.mint(jwkstest.MintOptions{})))
	c.drive("")
	c.send(query("update todos set is_complete = true"))
	r.eventually("it runs", func() bool { return len(r.upstream.statements()) == 1 })
	done := r.shutdown()
	if e := c.fatal("57P01", adminShutdown); e.Detail != "outcome unknown" {
		t.Errorf("detail %q", e.Detail)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "1 connections") {
		t.Errorf("Shutdown returned %v", err)
	}
}
