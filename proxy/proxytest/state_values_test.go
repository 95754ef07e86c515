package proxytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/proxy/devstack"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// wiretap passes requests on to Neon's stand-in and keeps the texts of their statements: what other backends of the role can read in
// pg_stat_activity.
type wiretap struct {
	mu    sync.Mutex
	to    string
	texts []string
}

func (w *wiretap) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	type statement struct{ Query string }
	var request struct {
		statement
		Queries []statement
	}
	if err := json.Unmarshal(body, &request); err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	w.mu.Lock()
	to := w.to
	for _, st := range append(request.Queries, request.statement) {
		w.texts = append(w.texts, st.Query)
	}
	w.mu.Unlock()
	on, err := http.NewRequestWithContext(r.Context(), r.Method, to, bytes.NewReader(body))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	on.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(on)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(out, resp.Body) // a client that is gone needs no answer
}

// take gives the texts since it was called last.
func (w *wiretap) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts := w.texts
	w.texts = nil
	return texts
}

// TestValuesStandInNoText: what a client gives as a value, and not in a text of its own, is in no statement's text. Every user's
// statements are visible to every other one, for they have the same role.
func TestValuesStandInNoText(t *testing.T) {
	tap := &wiretap{}
	front := httptest.NewServer(tap)
	defer front.Close()
	s := &stateStack{ownStack: newOwnStack(t, devstack.Options{
		Setup: stateSetup + "CREATE DOMAIN play.word AS text CHECK (VALUE <> ''); CREATE TYPE play.mood AS ENUM ('sad', 'marker-mood'); GRANT USAGE ON TYPE play.mood TO authenticated;",
		Neon:  func(o *neontest.Options) { o.KeepState = true },
		Config: func(c *config.Config, up *devstack.Stack) {
			tap.to = up.Route(devstack.Database, devstack.Role).Endpoint
			c.Routes[0].Endpoint = front.URL + "/sql"
		},
	})}
	const marker = "marker-4711"
	token, err := s.Mint(devstack.TokenRequest{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.ParseConfig("postgres://" + devstack.Role + "@" + s.Address() + "/" + devstack.Database + "?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	c.TLSConfig, c.Password = s.tls, token
	c.RuntimeParams = map[string]string{"application_name": marker, "my.startup": marker, "search_path": `play, public, "` + marker + `"`, "options": "-c my.option=" + marker}
	alice, err := pgx.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close(context.Background())
	watcher, err := pgconn.Connect(t.Context(), s.DSN(devstack.Database, devstack.Role))
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close(context.Background())
	check := func(what string) {
		t.Helper()
		for _, text := range tap.take() {
			if strings.Contains(text, "marker-") {
				t.Errorf("%s: %s", what, text)
			}
		}
	}
	check("startup")
	for _, sql := range []string{"select 1", "show my.startup", "select current_setting('my.option')", "select * from play.notes", "reset my.startup", "select current_setting('application_name')", "show all"} {
		if _, err := alice.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		check(sql)
	}
	one := func(name, sql string, oids []uint32, params ...string) {
		t.Helper()
		if _, err := alice.PgConn().Prepare(t.Context(), name, sql, oids); err != nil {
			t.Errorf("%s: %v", sql, err)
			return
		}
		values := make([][]byte, len(params))
		for i, p := range params {
			values[i] = []byte(p)
		}
		for range 2 {
			if r := alice.PgConn().ExecPrepared(t.Context(), name, values, nil, nil).Read(); r.Err != nil {
				t.Errorf("%s: %v", sql, r.Err)
			}
		}
		if r := alice.PgConn().ExecParams(t.Context(), sql, values, oids, nil, nil).Read(); r.Err != nil {
			t.Errorf("%s: %v", sql, r.Err)
		}
		check(sql)
	}
	one("a", "select set_config($1, $2, false)", nil, "my.param", marker)
	one("b", "select set_config($1, $2, $3)", []uint32{25, 25, 16}, "search_path", "public, play, \""+marker+"\"", "f")
	one("c", "select $1 || $2", []uint32{25, 25}, marker, marker)
	one("d", "select $1, $2", nil, marker, marker)
	one("e", "insert into play.notes values ((random() * 1e9)::int, $1) returning note", []uint32{1043}, marker)
	one("f", "update play.notes set note = $1 where note = $1", nil, marker)
	one("g", "with x as (insert into play.notes values ((random() * 1e9)::int, $1) returning note) select note from x", nil, marker)
	one("h", "select $1::play.mood, $2::play.word", nil, "marker-mood", marker)
	one("i", "explain select $1::text", nil, marker)
	one("j", "select set_config('statement_timeout', $1, false), $2::text", nil, "30000", marker)

	query := func(sql string, fails bool) {
		t.Helper()
		if _, err := alice.PgConn().Exec(t.Context(), sql).ReadAll(); (err != nil) != fails {
			t.Errorf("%s: %v", sql, err)
		}
	}
	query("prepare p as select $1 || 'x'", false)
	query("prepare q(play.word, play.mood, timestamptz) as select $1, $2, $3", false)
	check("prepare")
	for _, sql := range []string{"execute p('" + marker + "')", "execute p(E'\\x6darker-4711')", "execute q('" + marker + "', 'marker-mood', 'now')", "execute q('" + marker + "', null, '2020-01-01')"} {
		query(sql, false)
		check(sql)
	}
	query("execute q('"+marker+"', '"+marker+"', null)", true) // no mood
	check("execute q")

	// The client's own text is what it was, and the value that it gave does not come back in any later one.
	for _, sql := range []string{
		"set my.own = '" + marker + "'", "set search_path = public, play, '" + marker + "'", "set session my.other to '" + marker + "'", "set local my.third = '" + marker + "'",
		"begin; set my.block = '" + marker + "'; commit", "select set_config('my.called', '" + marker + "', false)", "execute p('mark' || 'er-4711')",
	} {
		query(sql, false)
		tap.take()
		for _, then := range []string{"select 1", "show my.own", "select 1 / length(current_setting('my.param'))", "prepare z as select 1", "deallocate z"} {
			query(then, false)
			check(sql + "; " + then)
		}
		one("k"+fmt.Sprint(len(sql)), "select $1::int, current_setting('my.own', true)", nil, "1")
	}
	query("reset my.own; reset search_path; reset my.option; reset all", false)
	check("reset")
	query("discard all", false)
	query("select 1", false)
	check("discard")

	query("select '"+marker+"'", false)
	seen := 0
	for _, text := range tap.take() {
		if strings.Contains(text, marker) {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("what the client writes itself was seen %d times: the test sees nothing", seen)
	}

	// And as another backend of the role sees a statement that runs.
	query("set my.own = '"+marker+"'", false)
	done := make(chan error, 1)
	go func() {
		done <- alice.PgConn().ExecParams(t.Context(), "select pg_sleep(1), $1::text", [][]byte{[]byte(marker)}, nil, nil, nil).Read().Err
	}()
	running := ""
	for deadline := time.Now().Add(10 * time.Second); running == "" && time.Now().Before(deadline); {
		results, err := watcher.Exec(t.Context(), "SELECT query FROM pg_stat_activity WHERE query ~ 'pg_s[l]eep'").ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range results[0].Rows {
			running = string(row[0])
		}
	}
	if running == "" || strings.Contains(running, "marker-") {
		t.Errorf("another backend sees %q", running)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
