package proxytest

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
)

// pgbenchTransactions is what each of eleven runs does, by two clients.
const pgbenchTransactions = 60

// TestPgbench runs pgbench in its three protocols, with its own script of SELECTs and with others that have no BEGIN, on tables that
// the owner has made on both sides. Its random numbers come of a seed, so that both sides must hold the same afterwards.
func TestPgbench(t *testing.T) {
	s := startStack(t)
	pgbench := pgbenchProgram(t)
	for _, c := range []*pgconn.Config{s.admin, s.oracle.config} {
		env := []string{"PGHOST=" + c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER=" + c.User, "PGPASSWORD=" + c.Password, "PGDATABASE=" + c.Database,
			"PGOPTIONS=-c search_path=pgbench -c client_min_messages=warning"}
		if err := execute(t.Context(), c, schemaOf("pgbench")); err != nil {
			t.Fatal(err)
		}
		if out := output(t, env, pgbench, "-i", "-I", "dtGp", "-q"); !initialised.MatchString(out) {
			t.Fatalf("pgbench -i:\n%s", out)
		}
		if err := execute(t.Context(), c, "GRANT ALL ON ALL TABLES IN SCHEMA pgbench TO authenticated"); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"simple", "extended", "prepared"} {
		for name, script := range map[string][]string{
			"selects": {"-S"}, "transfers": {"-f", "transfer.sql"}, "reads": {"-f", "read.sql"}, "pipelines": {"-f", "pipeline.sql"},
		} {
			if name == "pipelines" && mode == "simple" {
				continue // pgbench has none there
			}
			t.Run(mode+" "+name, func(t *testing.T) {
				args := []string{"-n", "-M", mode, "-c", "2", "-t", fmt.Sprint(pgbenchTransactions / 2), "--random-seed=17", script[0]}
				for _, file := range script[1:] {
					args = append(args, filepath.Join("testdata/clients/pgbench", file))
				}
				env := []string{"PGOPTIONS=-c proxytest.sub=alice -c search_path=pgbench"}
				direct, proxy := s.outputs(t, "alice", env, pgbench, args...)
				want := fmt.Sprintf("%d/%[1]d", pgbenchTransactions)
				for side, out := range map[string]string{"direct": direct, "proxy": proxy} {
					if m := processed.FindStringSubmatch(out); m == nil || m[1] != want || !noneFailed.MatchString(out) {
						t.Errorf("%s, want %s and none failed:\n%s", side, want, out)
					}
				}
				compareOutputs(t, pgbenchTables(t, s.oracle.config), pgbenchTables(t, s.admin))
			})
		}
	}
}

var (
	initialised = regexp.MustCompile(`done in [\d.]+ s`)
	processed   = regexp.MustCompile(`number of transactions actually processed: (\S+)`)
	noneFailed  = regexp.MustCompile(`number of failed transactions: 0 `)
)

// pgbenchProgram is beside the server's programs.
func pgbenchProgram(t *testing.T) string {
	t.Helper()
	bin, err := postgres.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	return program(t, "", filepath.Join(bin, "pgbench"))
}

// pgbenchTables is what the tables hold, in a few lines, without the times.
func pgbenchTables(t *testing.T, config *pgconn.Config) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=%s sslmode=disable", config.Host, config.Port, config.User, config.Password, config.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var out string
	for _, sql := range []string{
		"SELECT format('accounts %s %s %s', count(*), count(*) FILTER (WHERE abalance <> 0), md5(string_agg(aid || ':' || abalance, ',' ORDER BY aid) FILTER (WHERE abalance <> 0))) FROM pgbench.pgbench_accounts",
		"SELECT format('tellers %s %s', count(*), sum(tbalance)) FROM pgbench.pgbench_tellers",
		"SELECT format('history %s %s', count(*), md5(string_agg(concat_ws(':', tid, bid, aid, delta), ',' ORDER BY tid, bid, aid, delta))) FROM pgbench.pgbench_history",
	} {
		var line string
		if err := conn.QueryRow(t.Context(), sql).Scan(&line); err != nil {
			t.Fatal(err)
		}
		out += line + "\n"
	}
	return out
}
