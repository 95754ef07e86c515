package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// hanging waits for the request's end and says what the neon client would.
func hanging(started chan<- struct{}) *scripted {
	return &scripted{run: func(ctx context.Context, _ *upstream.Request) (bool, error) {
		close(started)
		<-ctx.Done()
		return true, &upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "dropped").Because(context.Cause(ctx)), Outcome: upstream.Unknown}
	}}
}

func TestCancelAndLimit(t *testing.T) {
	t.Run("cancel", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			started := make(chan struct{})
			c := connect(t, hanging(started))
			c.session.Cancel() // idle: without effect on the next statement
			c.send(&pgproto3.Query{String: "select 1"})
			<-started
			c.session.Cancel()
			if got := c.cycle(); got != "E(ERROR 57014: canceling statement due to user request (outcome unknown)) Z(I)" {
				t.Error(got)
			}
		})
	})
	t.Run("statement limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := connect(t, hanging(make(chan struct{})))
			if got := c.query("select 1"); got != "E(ERROR 57014: canceling statement due to statement timeout (outcome unknown)) Z(I)" {
				t.Error(got)
			}
			if took := time.Since(start); took != time.Minute {
				t.Errorf("after %s", took)
			}
		})
	})
	t.Run("the client goes away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := connect(t, hanging(make(chan struct{})), func(o *Options) { o.Alive = func() bool { return time.Since(start) < 3*time.Second } })
			c.send(&pgproto3.Query{String: "select 1"})
			if err := <-c.ended; !errors.Is(err, errClientGone) {
				t.Error(err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("noticed after %s", took)
			}
		})
	})
	t.Run("the answer that came all the same is the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			up := &scripted{run: func(ctx context.Context, _ *upstream.Request) (bool, error) {
				<-ctx.Done()
				return true, failing("22012", 0)
			}}
			c := connect(t, up)
			if got := c.query("select 1"); got != "E(ERROR 22012: it failed) Z(I)" {
				t.Error(got)
			}
		})
	})
}

func TestDrain(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, &scripted{})
			synctest.Wait()
			c.session.Drain()
			if got := c.cycle(); got != "E(FATAL 57P01: terminating connection due to administrator command) closed" {
				t.Error(got)
			}
		})
	})
	t.Run("busy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release, started := make(chan struct{}), make(chan struct{})
			c := connect(t, &scripted{run: func(context.Context, *upstream.Request) (bool, error) {
				close(started)
				<-release
				return false, nil
			}})
			c.send(&pgproto3.Query{String: "select 1"})
			<-started
			c.session.Drain()
			close(release)
			if got := c.cycle(); got != "T(v) D(select 1) C(SELECT 1) Z(I)" {
				t.Error(got)
			}
			if got := c.cycle(); got != "E(FATAL 57P01: terminating connection due to administrator command) closed" {
				t.Error(got)
			}
		})
	})
}

func TestRecheckEndsTheSession(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) {
		o.Identity.Recheck = func(context.Context) *pgerr.Error { return pgerr.New(pgerr.InvalidPassword, "no longer") }
	})
	if got := c.query("select 1"); got != "E(FATAL 28P01: no longer) closed" {
		t.Error(got)
	}
	if len(c.up.sent()) != 0 {
		t.Error("the statement was sent")
	}
}
