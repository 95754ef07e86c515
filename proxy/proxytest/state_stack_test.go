package proxytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// stateSetup gives the role of all users a schema to play in, a role that it may become and one that it may not.
const stateSetup = `
CREATE SCHEMA play;
GRANT ALL ON SCHEMA play TO authenticated;
CREATE ROLE reader;
GRANT USAGE ON SCHEMA play TO reader;
GRANT reader TO authenticated;
CREATE ROLE owner_of_all SUPERUSER;
CREATE ROLE stranger;
CREATE TABLE play.notes (id int PRIMARY KEY, note text);
INSERT INTO play.notes VALUES (1, 'one'), (2, 'two');
GRANT ALL ON play.notes TO authenticated;
CREATE TABLE play.hidden (id int);
CREATE FUNCTION play.slow() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 FROM pg_sleep(10)';
GRANT ALL ON ALL TABLES IN SCHEMA public TO reader;`

// stateStack is a stack whose connections to Postgres are never reset between requests. Requests that come one after the other
// use the same one, so what a request leaves on it the next one finds, whoever's it is.
type stateStack struct {
	*ownStack
	bob string // a token
}

func newStateStack(t *testing.T) *stateStack {
	t.Helper()
	s := &stateStack{ownStack: newOwnStack(t, devstack.Options{
		Setup: stateSetup, Neon: func(o *neontest.Options) { o.KeepState = true },
	})}
	var err error
	if s.bob, err = s.Mint(devstack.TokenRequest{User: "bob"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// stateSQL is all that a request can find on a connection of what another has left there, but for what evaluates arguments of an
// EXECUTE when they are wrong: it has a name that nobody knows and nothing of the client's. The settings that are no setting of
// the server's have no list: they are asked for by name, and one that was set for a transaction is empty ever after.
const stateSQL = `SELECT pg_backend_pid()::text, json_build_object(
	'user', current_user, 'session user', session_user, 'identity', auth.user_id(),
	'settings', (SELECT json_agg(name || '=' || setting ORDER BY name) FROM pg_settings WHERE source = 'session'
		AND name NOT LIKE 'transaction%' AND name NOT LIKE 'pg_session_jwt%'),
	'role', current_setting('role'),
	'own settings', coalesce(current_setting('my.marker', true), '') || coalesce(current_setting('app.user', true), ''),
	'prepared', (SELECT json_agg(statement) FROM pg_prepared_statements
		WHERE statement !~ '^PREPARE nx_[a-z0-9]+ \([a-z0-9_., ]*\) AS SELECT [$0-9, ]*$'),
	'cursors', (SELECT json_agg(statement) FROM pg_cursors WHERE name <> ''),
	'temporary', (SELECT json_agg(relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
	'locks', (SELECT json_agg(objid) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
	'listening', (SELECT json_agg(c) FROM pg_listening_channels() c))`

// look asks as bob, past the proxy, what the connection of the last request holds, and which it is.
func (s *stateStack) look(t *testing.T) (pid, state string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": stateSQL, "params": []string{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.NeonURL(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	route := s.Route(devstack.Database, devstack.Role)
	r.Header.Set("Authorization", "Bearer "+s.bob)
	r.Header.Set("Neon-Connection-String", fmt.Sprintf("postgresql://%s@%s/%s", devstack.Role, route.NeonHost, devstack.Database))
	r.Header.Set("Neon-Raw-Text-Output", "true")
	r.Header.Set("Neon-Array-Mode", "true")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Rows [][2]string }
	if err := json.Unmarshal(all, &answer); err != nil || len(answer.Rows) != 1 {
		t.Fatalf("the look at the connection gave %s", all)
	}
	return answer.Rows[0][0], answer.Rows[0][1]
}

// statement is what a session sends in one cycle: a simple Query, or with parameters an unnamed statement with them.
type attack struct {
	sql    string
	params []string
}

// play sends the attacks of one session, whatever comes of them, and says what did.
func (s *stateStack) play(t *testing.T, c *pgconn.PgConn, attacks []attack) []string {
	t.Helper()
	var out []string
	for _, a := range attacks {
		var err error
		var results []*pgconn.Result
		if a.params == nil {
			results, err = c.Exec(t.Context(), a.sql).ReadAll()
		} else {
			values := make([][]byte, len(a.params))
			for i, p := range a.params {
				values[i] = []byte(p)
			}
			r := c.ExecParams(t.Context(), a.sql, values, nil, nil, nil).Read()
			results, err = []*pgconn.Result{r}, r.Err
		}
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		var line []string
		for _, r := range results {
			for _, row := range r.Rows {
				line = append(line, string(bytes.Join(row, []byte(" "))))
			}
		}
		out = append(out, strings.Join(line, "; "))
	}
	return out
}
