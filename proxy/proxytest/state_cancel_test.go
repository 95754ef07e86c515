package proxytest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestWhatIsBrokenOffLeavesNothing: a request that is cancelled, runs out of time or whose client goes away while it has changed
// the connection's state.
func TestWhatIsBrokenOffLeavesNothing(t *testing.T) {
	s := newStateStack(t)
	_, clean := s.look(t)
	super, err := pgconn.Connect(t.Context(), s.AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer super.Close(context.Background())
	// sleeping waits until the statement sleeps, and gives its process.
	sleeping := func() string {
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			results, err := super.Exec(t.Context(), "select pid from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'").ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if len(results[0].Rows) > 0 {
				return string(results[0].Rows[0][0])
			}
		}
		t.Fatal("nothing sleeps")
		return ""
	}
	const changes = "set role reader; set work_mem = '1MB'; set my.marker = 'leak'; select set_config('app.user', 'leak', false); select pg_sleep(20)"
	for _, tc := range []struct {
		name, sql string
		end       func(c *pgconn.PgConn, pid string) error
	}{
		{"cancelled by the client", changes, func(c *pgconn.PgConn, _ string) error { return c.CancelRequest(t.Context()) }},
		{"cancelled on the server", changes, func(_ *pgconn.PgConn, pid string) error {
			return super.Exec(t.Context(), "select pg_cancel_backend("+pid+")").Close()
		}},
		{"ended on the server", changes, func(_ *pgconn.PgConn, pid string) error {
			return super.Exec(t.Context(), "select pg_terminate_backend("+pid+")").Close()
		}},
		{"out of time", "set statement_timeout = '300ms'; " + changes, func(*pgconn.PgConn, string) error { return nil }},
		{"the client goes", changes, func(c *pgconn.PgConn, _ string) error { return c.Conn().Close() }},
		{"cancelled in the evaluation of arguments", "prepare p(text) as select $1; execute p((pg_sleep(20))::text)", func(c *pgconn.PgConn, _ string) error { return c.CancelRequest(t.Context()) }},
		{"with a role of before", "select pg_sleep(20)", func(c *pgconn.PgConn, _ string) error { return c.CancelRequest(t.Context()) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			alice := s.session(t, "alice")
			if tc.name == "with a role of before" {
				s.play(t, alice, sql("set role reader", "set my.marker = 'leak'"))
			}
			done := make(chan error, 1)
			go func() { done <- alice.Exec(t.Context(), tc.sql).Close() }()
			pid := sleeping()
			if err := tc.end(alice, pid); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err == nil {
				t.Error("it succeeded")
			}
			for range 3 {
				if _, state := s.look(t); state != clean {
					t.Errorf("left %s", state)
				}
			}
			if tc.name != "the client goes" {
				want := "authenticated none 4MB"
				if tc.name == "with a role of before" {
					want = "reader reader 4MB"
				}
				const now = "select current_user || ' ' || current_setting('role') || ' ' || current_setting('work_mem')"
				if got := s.play(t, alice, sql(now))[0]; got != want {
					t.Errorf("the session is then %s", got)
				}
			}
		})
	}
}
