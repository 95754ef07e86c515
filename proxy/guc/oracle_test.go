package guc

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// subjects are the settings of the generated sessions with values as SQL: good, odd and bad ones.
var subjects = []struct {
	name   string
	values []string
}{
	{"work_mem", []string{"'8MB'", "'1GB'", "4096", "64", "'x'", "-1", "'5 parsecs'"}},
	{"search_path", []string{"app, public", `"$user", 'a b'`, "''", "pg_catalog"}},
	{"datestyle", []string{"ISO", "'german'", "'SQL, DMY'", "'x'"}},
	{"timezone", []string{"'Europe/Berlin'", "'utc'", "-7", "'nowhere'", "2.5"}},
	{"intervalstyle", []string{"iso_8601", "'SQL_STANDARD'", "postgres", "1"}},
	{"bytea_output", []string{"escape", "hex", "'HEX'"}},
	{"statement_timeout", []string{"0", "'90s'", "'1min'", "60000", "'1.5h'"}},
	{"lock_timeout", []string{"0", "7000", "'1s'", "'7s'"}},
	{"random_page_cost", []string{"1.23456789", "4", "1.5", "'1.00000001'", "-2"}},
	{"vacuum_cost_delay", []string{"1.23456789", "'1.5ms'", "0"}},
	{"enable_seqscan", []string{"off", "ON", "'t'", "0", "'maybe'"}},
	{"standard_conforming_strings", []string{"on", "'on'"}},
	{"default_transaction_isolation", []string{"'serializable'", "'repeatable read'", "'read committed'", "'none'"}},
	{"default_transaction_read_only", []string{"on", "off", "true"}},
	{"default_transaction_deferrable", []string{"on", "off"}},
	{"xmloption", []string{"document", "content"}},
	{"default_text_search_config", []string{"'simple'", "'pg_catalog.english'", "'klingon'"}},
	{"temp_tablespaces", []string{"''", "pg_default"}},
	{"role", []string{"reader", "'writer'", "none", "nobody_such"}},
	{"session_authorization", []string{"authenticated", "reader"}},
	{"a.b", []string{"1", "'x y'", "''", "on, off"}},
	{`"My".Var`, []string{"1", "'U'"}},
	{"app.tenant", []string{"t1", "'t0'"}},
	{"my.1x", []string{"1"}},
	{"log_statement", []string{"'all'"}},
	{"nosuch", []string{"1"}},
	{"is_superuser", []string{"on"}},
	{"application_name", []string{"'x'", "''", `E'B\u00fccher'`, "'" + strings.Repeat("n", 70) + "'", "a, b"}},
	{"client_min_messages", []string{"warning", "'ERROR'", "debug", "'loud'"}},
	{"client_encoding", []string{"'UTF8'", "'latin-1'", "SQL_ASCII", "'klingon'", "'MULE_INTERNAL'"}},
	{"idle_in_transaction_session_timeout", []string{"0", "'1min'", "'90s'", "-3", "'x'", "'25d'", "'1.5 h'"}},
	{"idle_session_timeout", []string{"'0x10 h'", "'1 min'", "'1MIN'", "5, 6"}},
	{"client_connection_check_interval", []string{"'2s'", "1000"}},
	{"tcp_keepalives_idle", []string{"60", "'1min'", "0"}},
	{"tcp_keepalives_count", []string{"3", "'3s'", "0"}},
	{"extra_float_digits", []string{"3", "1", "0", "-15", "2.4", "4", "'x'"}},
}

// watched are compared after each step.
func watched() []string {
	var names []string
	for _, s := range subjects {
		names = append(names, strings.ReplaceAll(s.name, `"`, ""))
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "my.1x" || n == "nosuch" })
}

// generator makes statements; the same seed, the same ones.
type generator struct {
	*rand.Rand
	superuser bool
}

func (g generator) pick(of []string) string { return of[g.IntN(len(of))] }

func (g generator) statement(savepoints *int, block bool) string {
	s := subjects[g.IntN(len(subjects))]
	if g.superuser && s.name == "log_statement" { // a superuser may set it, and then not again in another role
		s = subjects[0]
	}
	scope := g.pick([]string{"", "", "SESSION ", "LOCAL "})
	switch n := g.IntN(100); {
	case n < 50:
		if s.name == "role" && g.IntN(2) == 0 {
			return "SET " + scope + "ROLE " + g.pick([]string{"reader", "writer", "NONE"})
		}
		return "SET " + scope + s.name + g.pick([]string{" = ", " TO "}) + g.pick(s.values)
	case n < 56:
		return "SET " + scope + s.name + " TO DEFAULT"
	case n < 64:
		return "RESET " + s.name
	case n < 67:
		return "SET " + scope + s.name + " FROM CURRENT"
	case n < 70:
		return "RESET ALL"
	case n < 74:
		return g.pick([]string{"SET TIME ZONE LOCAL", "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE", "SET LOCAL TIME ZONE INTERVAL '-08:30' HOUR TO MINUTE",
			"SET NAMES 'latin1'", "SET NAMES", "SET SCHEMA 'app'", "SET XML OPTION DOCUMENT", "SET SESSION AUTHORIZATION DEFAULT",
			"RESET ROLE", "RESET SESSION AUTHORIZATION", "RESET TIME ZONE",
			"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
			"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE, NOT DEFERRABLE"})
	case n < 80:
		name := strings.ReplaceAll(s.name, `"`, "")
		if name == "client_encoding" || name == "session_authorization" {
			name = "work_mem"
		}
		if name == "application_name" {
			name = "work_mem"
		}
		value := "'" + strings.Trim(g.pick(s.values), "'") + "'"
		if strings.Contains(value[1:len(value)-1], "'") {
			value = "'1'"
		}
		return fmt.Sprintf("SELECT set_config('%s', %s, %s)", name, value, g.pick([]string{"false", "true", "'f'"}))
	case n < 82:
		return "SELECT set_config(name, '3MB', false) FROM pg_settings WHERE name = 'work_mem'"
	case n < 88 || !block:
		if strings.Contains(s.name, "nosuch") {
			return "SHOW work_mem"
		}
		return "SHOW " + s.name
	case n < 92:
		*savepoints++
		return "SAVEPOINT s"
	case *savepoints > 0 && n < 96:
		return "ROLLBACK TO s"
	case *savepoints > 0:
		*savepoints--
		return "RELEASE s"
	}
	return "SELECT current_setting('application_name')"
}

// TestSessionsAreThoseOfPostgres sends generated sessions to a session of Postgres, and through Settings to another that
// forgets everything after each transaction.
func TestSessionsAreThoseOfPostgres(t *testing.T) {
	s := realPostgres(t)
	startups := [][]wire.Parameter{
		nil,
		{{Name: "options", Value: "-c work_mem=5MB -c a.b=start"}, {Name: "application_name", Value: "first"}, {Name: "extra_float_digits", Value: "0"}},
		{{Name: "TimeZone", Value: "america/new_york"}, {Name: "work_mem", Value: "4MB"}, {Name: "work_mem", Value: "6MB"},
			{Name: "extra_float_digits", Value: "2"}, {Name: "client_min_messages", Value: "warning"}, {Name: "random_page_cost", Value: "1.5"}},
	}
	for seed := range uint64(20) {
		for _, user := range []string{"authenticated", postgres.Superuser} {
			t.Run(fmt.Sprintf("%s/%d", user, seed), func(t *testing.T) {
				t.Parallel()
				compareSessions(t, s.DSN("postgres", user), startups[seed%uint64(len(startups))], generator{rand.New(rand.NewPCG(seed, 4)), user == postgres.Superuser})
			})
		}
	}
}

func compareSessions(t *testing.T, dsn string, startup []wire.Parameter, g generator) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	up := connect(t, dsn)
	r := &route{t: t, conn: up, defaults: defaultsOf(t, up)}
	for _, p := range startup { // a map keeps one value of a name, the last, as Postgres does
		config.RuntimeParams[p.Name] = p.Value
	}
	direct, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(t.Context())
	r.start(startup)

	names := watched()
	var history []string
	check := func() {
		t.Helper()
		want, got := shown(t, direct, names), r.now(names)
		for _, n := range names {
			if want[n] != got[n] {
				t.Errorf("%s is %q, want %q", n, got[n], want[n])
			}
		}
		for name, v := range r.session.Reported(r.defaults) {
			if want := direct.ParameterStatus(name); want != v {
				t.Errorf("reported %s is %q, want %q", name, v, want)
			}
		}
		if t.Failed() {
			t.Fatalf("after:\n%s", strings.Join(history, "\n"))
		}
	}
	check()
	for range 25 {
		savepoints, block := 0, g.IntN(3) > 0
		statements := []string{}
		for range 1 + g.IntN(6) {
			statements = append(statements, g.statement(&savepoints, block))
		}
		if !block {
			statements = statements[:1]
		}
		rollback := block && g.IntN(5) == 0
		history = append(history, fmt.Sprintf("%v block %v rollback %v", strings.Join(statements, "; "), block, rollback))
		got, gotErr := r.run(statements, rollback)
		var want []string
		var wantErr error
		if block {
			rows(t, direct, "BEGIN", nil)
		}
		for i, sql := range statements {
			if i < len(got) && got[i] == unreadable { // the session says so with an error
				want = append(want, unreadable)
				continue
			}
			out, err := first(query2(t, direct, sql, nil))
			if wantErr = err; err != nil {
				break
			}
			want = append(want, out)
		}
		if block {
			end := "COMMIT"
			if rollback || wantErr != nil {
				end = "ROLLBACK"
			}
			rows(t, direct, end, nil)
		}
		if spoken(gotErr) != spoken(wantErr) {
			t.Fatalf("error %q, want %q, after:\n%s", spoken(gotErr), spoken(wantErr), strings.Join(history, "\n"))
		}
		if wantErr == nil && !slices.Equal(got, want) {
			t.Fatalf("results %q, want %q, after:\n%s", got, want, strings.Join(history, "\n"))
		}
		check()
	}
}

// start is a login.
func (r *route) start(params []wire.Parameter) {
	r.t.Helper()
	s, perr := Startup(params)
	if perr != nil {
		r.t.Fatal(perr)
	}
	step, ok := s.StartupStep(r.defaults)
	if ok {
		rows(r.t, r.conn, "BEGIN", nil)
		for _, st := range step.Statements {
			rows(r.t, r.conn, st.SQL.SQL(), st.Params)
		}
		pairs := rows(r.t, r.conn, step.Read.SQL, step.Read.Params)
		if err := step.Learn(s, pairs); err != nil {
			r.t.Fatal(err)
		}
		rows(r.t, r.conn, "ROLLBACK", nil)
	}
	r.session = *s
}
