package proxytest

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestLockTimeout: a session that has set lock_timeout waits no longer than that for a row that another holds.
func TestLockTimeout(t *testing.T) {
	s := startStack(t)
	s.fresh(t, freshSchema+"create table t (id int primary key); insert into t values (1)")
	script, err := ParseScript(`= set
Query "set lock_timeout = '200ms'"
await Z
= wait
Query "update w.t set id = 2"
await Z
= in a block
Query "begin; set local lock_timeout = '100ms'; update w.t set id = 3; commit"
await Z
Query "rollback"
await Z
= by set_config
Query "begin; select set_config('lock_timeout', '100', true); select * from w.t for update; commit"
await Z
Query "rollback"
await Z
`)
	if err != nil {
		t.Fatal(err)
	}
	postgres := runAgainstLock(t, s.oracle.config, s.oracle.Target("alice"), script)
	proxy := postgres
	if !directOnBothSides {
		proxy = runAgainstLock(t, s.admin, s.target(t, "alice"), script)
	}
	if len(postgres) != len(proxy) {
		t.Fatalf("%d steps on Postgres, %d through the proxy", len(postgres), len(proxy))
	}
	for i, step := range postgres {
		if same, _ := sameButForErrors(step.Lines, proxy[i].Lines); !same {
			t.Errorf("%s:\nPostgres:\n%s\nproxy:\n%s", step.Title, indent(step.Lines), indent(proxy[i].Lines))
		}
	}
	if first := postgres[1].Lines[0]; !strings.HasPrefix(first, `ErrorResponse ERROR 55P03 "canceling statement due to lock timeout"`) {
		t.Errorf("nobody waited: %s", first)
	}
}

// runAgainstLock plays the script while the superuser whom config connects holds the row.
func runAgainstLock(t *testing.T, config *pgconn.Config, target Target, script *Script) []Result {
	t.Helper()
	holder, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(context.Background()) }() // its transaction is undone
	if _, err := holder.Exec(t.Context(), "begin; update w.t set id = 5").ReadAll(); err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), target, script)
	if err != nil {
		t.Fatal(err)
	}
	return results
}
