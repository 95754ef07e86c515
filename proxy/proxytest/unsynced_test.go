package proxytest

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestNothingRunsWithoutSync: a client that goes in the middle of a pipeline has changed nothing, as on Postgres.
func TestNothingRunsWithoutSync(t *testing.T) {
	s := startStack(t)
	s.fresh(t, freshSchema+"create table t (how text)")
	for name, leave := range map[string]string{"Terminate": "Terminate", "close": ""} {
		for side, target := range map[string]Target{"Postgres": s.oracle.Target("alice"), "proxy": s.target(t, "alice")} {
			script, err := ParseScript("= pipeline\nParse \"\" \"insert into w.t values ($1)\"\nBind \"\" \"\" params (\"" + name +
				"\")\nExecute \"\"\n" + leave + "\nawait end\n")
			if err != nil {
				t.Fatal(err)
			}
			leaveEarly(t, target, script.Steps[0], leave == "")
			config := s.directConfig(t, "alice")
			if side == "proxy" {
				config = s.proxyConfig(t, "alice")
			}
			var n int
			conn := connectPgx(t, config, pgx.QueryExecModeExec)
			if err := conn.QueryRow(t.Context(), "select count(*)::int from w.t").Scan(&n); err != nil || n != 0 {
				t.Errorf("%s, %s: %d rows, %v", side, name, n, err)
			}
		}
	}
}

// leaveEarly logs in, sends what the step sends, closes its own direction if asked to, and waits for the server to close.
func leaveEarly(t *testing.T, target Target, step Step, closes bool) {
	t.Helper()
	c, err := target.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.nc.Close()
	if err := target.login(c, &Script{Major: 3}); err != nil {
		t.Fatal(err)
	}
	c.transcript.take()
	for _, a := range step.Actions {
		if err := c.write(a.Send); err != nil {
			t.Fatal(err)
		}
	}
	if closes {
		switch nc := c.nc.(type) {
		case *tls.Conn:
			err = nc.CloseWrite()
		case *net.TCPConn:
			err = nc.CloseWrite()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for {
		typ, body, err := c.read()
		if err != nil {
			_ = c.ended(err)
			break
		}
		c.transcript.message(typ, body)
	}
	if lines := c.transcript.take(); lines[len(lines)-1] != "(closed)" {
		t.Errorf("the server said %q", lines)
	}
}
