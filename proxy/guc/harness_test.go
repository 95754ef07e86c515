package guc

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// fixed is a route's defaults in a test: by lower-case name the spelling and the value.
type fixed struct {
	settings map[string][2]string
	version  int
}

func (f fixed) Setting(key string) (name, value string, ok bool) {
	v, ok := f.settings[key]
	return v[0], v[1], ok
}

func (f fixed) Version() int { return f.version }

var server struct {
	once sync.Once
	*postgres.Server
	err error
}

// realPostgres is the package's own server, with a role that has settings of its own.
func realPostgres(t testing.TB) *postgres.Server {
	t.Helper()
	server.once.Do(func() {
		if server.Server, server.err = postgres.Start(context.Background(), postgres.Options{Bin: os.Getenv("PGTURNSTILE_TEST_POSTGRES_BIN")}); server.err != nil {
			return
		}
		var c *pgconn.PgConn
		if c, server.err = pgconn.Connect(context.Background(), server.DSN("postgres", postgres.Superuser)); server.err != nil {
			return
		}
		defer c.Close(context.Background())
		_, server.err = c.Exec(context.Background(), `CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE authenticated LOGIN;
			GRANT reader, writer TO authenticated;
			ALTER ROLE authenticated SET lock_timeout = '7s'; ALTER ROLE authenticated SET app.tenant = 't0';
			CREATE SCHEMA app AUTHORIZATION authenticated`).ReadAll()
	})
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.Server
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func connect(t testing.TB, dsn string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

const defaultsSQL = `SELECT name, pg_catalog.current_setting(name, true) FROM pg_catalog.pg_settings
	UNION SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest('{is_superuser,role,session_authorization}'::text[]) n
	UNION SELECT n, pg_catalog.current_setting(n, true) FROM (SELECT split_part(c, '=', 1) n
		FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c, pg_catalog.pg_roles r WHERE r.oid = s.setrole AND r.rolname = session_user) q`

// defaultsOf reads what a route's facts would be.
func defaultsOf(t testing.TB, c *pgconn.PgConn) fixed {
	t.Helper()
	f := fixed{settings: map[string][2]string{}}
	for _, row := range rows(t, c, defaultsSQL, nil) {
		if row.Value != nil {
			f.settings[strings.ToLower(row.Name)] = [2]string{row.Name, *row.Value}
		}
	}
	f.settings["application_name"] = [2]string{"application_name", ""}
	if _, err := fmt.Sscan(f.settings["server_version_num"][1], &f.version); err != nil {
		t.Fatal(err)
	}
	return f
}

// rows runs a statement that gives names and values.
func rows(t testing.TB, c *pgconn.PgConn, sql string, params [][]byte) []Pair {
	t.Helper()
	pairs, err := query2(t, c, sql, params)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return pairs
}

func query2(t testing.TB, c *pgconn.PgConn, sql string, params [][]byte) ([]Pair, error) {
	t.Helper()
	r := c.ExecParams(t.Context(), sql, params, nil, nil, nil).Read()
	if r.Err != nil {
		return nil, r.Err
	}
	var out []Pair
	for _, row := range r.Rows {
		p := Pair{Name: string(row[0])}
		if len(row) > 1 && row[1] != nil {
			v := string(row[1])
			p.Value = &v
		}
		out = append(out, p)
	}
	return out, nil
}

// one classifies a statement as the session would.
func one(t testing.TB, sql string) (plan.Plan, string) {
	t.Helper()
	list := sqlscan.Split(nil, sql, true)
	if len(list) != 1 {
		t.Fatalf("%q is %d statements", sql, len(list))
	}
	return plan.Classify(list[0], plan.Options{StandardConforming: true, Role: "authenticated"}), list[0].Text
}

// route is an upstream's connection and a session that uses it, one request after the other.
type route struct {
	t        *testing.T
	conn     *pgconn.PgConn
	defaults fixed
	session  Settings
}

// unreadable is the result of a statement that reads settings while client_encoding is not UTF8.
const unreadable = "0A000"

// event is what becomes of the session's settings at one statement, once its request has succeeded.
type event func(*Settings)

// run sends statements as one transaction, as the session does, and gives each one's result, or the error.
func (r *route) run(statements []string, rollback bool) (results []string, err error) {
	r.t.Helper()
	g := r.session
	exec := func(sql string, params [][]byte) ([]Pair, error) { return query2(r.t, r.conn, sql, params) }
	must := func(sql string, params [][]byte) []Pair { return rows(r.t, r.conn, sql, params) }
	isolation, readOnly, _ := g.Transaction(r.defaults)
	begin := "BEGIN"
	if isolation != "" {
		begin += " ISOLATION LEVEL " + string(isolation)
	}
	if readOnly != nil {
		begin += map[bool]string{true: " READ ONLY", false: " READ WRITE"}[*readOnly]
	}
	must(begin, nil)
	defer must("DISCARD ALL", nil)
	readsAll := false
	for _, sql := range statements {
		p, _ := one(r.t, sql)
		readsAll = readsAll || p.Calls != nil && p.Calls.Reads && g.Encoding() == utf8Name
	}
	st, ok, perr := g.Head(r.defaults, readsAll)
	if perr != nil {
		r.t.Fatal(perr)
	}
	if ok {
		must(st.SQL, st.Params)
	}
	var events []event
	var saved []Settings
	for _, sql := range statements {
		p, text := one(r.t, sql)
		var out string
		out, err = r.statement(&g, p, text, &events, &saved, exec)
		if err != nil {
			must("ROLLBACK", nil)
			return results, err
		}
		results = append(results, out)
	}
	if rollback {
		must("ROLLBACK", nil)
		return results, nil
	}
	must("COMMIT", nil)
	s := r.session
	saved = nil
	for _, e := range events {
		e(&s)
	}
	s.Commit()
	r.session = s
	return results, nil
}

// statement runs one; its events are those of the session's settings, g are the group's.
func (r *route) statement(g *Settings, p plan.Plan, text string, events *[]event, saved *[]Settings,
	exec func(string, [][]byte) ([]Pair, error)) (string, error) {
	if p.Calls != nil && p.Calls.Reads {
		if g.Encoding() != utf8Name {
			return unreadable, nil
		}
		st, perr := g.HereHead(r.defaults)
		if perr != nil {
			return "", perr
		}
		if _, err := exec(st.SQL, st.Params); err != nil {
			return "", err
		}
	}
	step := Step{}
	switch {
	case p.Kind == plan.Set:
		var perr *pgerr.Error
		if step, perr = g.Apply(p.Setting, text, r.defaults); perr != nil {
			return "", perr
		}
	case p.Kind == plan.Show && p.Calls == nil:
		if _, v, ok := g.Value(p.Setting.Name, r.defaults); ok {
			return v, nil
		}
		return first(exec(text, nil))
	case p.Kind == plan.TransactionControl:
		if _, err := exec(text, nil); err != nil {
			return "", err
		}
		step := func(s *Settings) {
			switch last := len(*saved) - 1; p.Control.Verb {
			case plan.Savepoint:
				*saved = append(*saved, *s)
			case plan.RollbackTo:
				*s = (*saved)[last]
			case plan.Release:
				*saved = (*saved)[:last]
			}
		}
		step(g)
		*events = append(*events, step)
		return "", nil
	case p.Calls != nil && len(p.Calls.Assigns) > 0:
		edits, _, st, perr := g.Calls(p.Calls, text, nil, r.defaults)
		if perr != nil {
			return "", perr
		}
		out, err := first(exec(splice.Apply(text, edits).SQL(), nil))
		if err != nil {
			return "", err
		}
		step = st
		if err := r.finish(g, step, events, exec); err != nil {
			return "", err
		}
		return out, nil
	default:
		return first(exec(text, nil))
	}
	for _, st := range step.Statements {
		if _, err := exec(st.SQL.SQL(), st.Params); err != nil {
			return "", err
		}
	}
	return "", r.finish(g, step, events, exec)
}

// finish reads back what a step has done, and notes its events.
func (r *route) finish(g *Settings, step Step, events *[]event, exec func(string, [][]byte) ([]Pair, error)) error {
	if (step.Read.SQL == "") != (step.Learn == nil) {
		r.t.Fatal("Read without Learn")
	}
	if step.Done != nil {
		step.Done(g)
		*events = append(*events, step.Done)
	}
	if step.Learn == nil {
		return nil
	}
	pairs, err := exec(step.Read.SQL, step.Read.Params)
	if err != nil {
		return err
	}
	*events = append(*events, func(s *Settings) {
		if err := step.Learn(s, pairs); err != nil {
			r.t.Fatal(err)
		}
	})
	return nil
}

func first(pairs []Pair, err error) (string, error) {
	if err != nil || len(pairs) == 0 {
		return "", err
	}
	return pairs[0].Name, nil
}

// now reads what a session shows: what is kept here, and what the server says behind the head.
func (r *route) now(names []string) map[string]string {
	r.t.Helper()
	rows(r.t, r.conn, "BEGIN", nil)
	if st, ok, err := r.session.Head(r.defaults, false); err != nil {
		r.t.Fatal(err)
	} else if ok {
		rows(r.t, r.conn, st.SQL, st.Params)
	}
	out := shown(r.t, r.conn, names)
	for _, n := range names {
		if _, v, ok := r.session.Value(n, r.defaults); ok {
			out[n] = v
		}
	}
	rows(r.t, r.conn, "ROLLBACK", nil)
	rows(r.t, r.conn, "DISCARD ALL", nil)
	return out
}

// shown asks a connection, NULL is "<null>".
func shown(t testing.TB, c *pgconn.PgConn, names []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range rows(t, c, readSQL, read(names).Params) {
		out[p.Name] = "<null>"
		if p.Value != nil {
			out[p.Name] = *p.Value
		}
	}
	return out
}

// spoken is what of an error a client sees.
func spoken(err error) string {
	switch e := err.(type) {
	case nil:
		return ""
	case *pgconn.PgError:
		return strings.Join([]string{e.Severity, e.Code, e.Message, e.Detail, e.Hint}, "|")
	case *pgerr.Error:
		return strings.Join([]string{string(e.Severity), e.Code, e.Message, e.Detail, e.Hint}, "|")
	}
	return err.Error()
}
