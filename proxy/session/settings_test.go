package session

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// A setting reaches the server with each request that follows, and no other way.
func TestSettings(t *testing.T) {
	const (
		set   = `tx: set LOCAL work_mem = '8MB' | read {"work_mem"}`
		head  = "SELECT pg_catalog.set_config($1,$2,true) <work_mem> <8MB>"
		again = "tx: " + head + " | select 1"
	)
	for _, tc := range []struct {
		name    string
		queries []string
		want    string // of the last
		sent    []string
	}{
		{"kept", []string{"set work_mem = '8MB'", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)", []string{set, again}},
		{"for one transaction", []string{"begin; set local work_mem = '8MB'; commit", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)",
			[]string{`tx: set local work_mem = '8MB'; | read {"work_mem"}`, "auto: select 1"}},
		{"in vain outside of one", []string{"set local work_mem = '8MB'"}, "N(WARNING 25P01: SET LOCAL can only be used in transaction blocks) C(SET) Z(I)",
			[]string{`tx: set local work_mem = '8MB' | read {"work_mem"}`}},
		{"rolled back", []string{"begin; set work_mem = '8MB'; rollback", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)",
			[]string{`tx: set LOCAL work_mem = '8MB'; | read {"work_mem"} | ROLLBACK`, "auto: select 1"}},
		{"undone by an error", []string{"set work_mem = '8MB'; select bad", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)",
			[]string{`tx: set LOCAL work_mem = '8MB'; | read {"work_mem"} | select bad`, "auto: select 1"}},
		{"back to a savepoint", []string{"begin; savepoint a; set work_mem = '8MB'; rollback to a; commit", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)",
			[]string{`tx: savepoint a; | set LOCAL work_mem = '8MB'; | read {"work_mem"} | rollback to a;`, "auto: select 1"}},
		{"reset without the server", []string{"set work_mem = '8MB'", "reset all", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)", []string{set, "auto: select 1"}},
		{"discarded", []string{"set work_mem = '8MB'", "discard all", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)", []string{set, "auto: select 1"}},
		{"what cannot run in a block says why", []string{"set work_mem = '8MB'", "vacuum"},
			"E(ERROR 0A000: a statement that cannot run inside a transaction block, while work_mem is set, is not supported by pgturnstile) Z(I)", []string{set}},
		{"modes of a transaction come before the head", []string{"set work_mem = '8MB'", "begin; set transaction isolation level serializable; select 1; commit"},
			"C(BEGIN) C(SET) T(v) D(select 1) C(SELECT 1) C(COMMIT) Z(I)", []string{set, "tx SERIALIZABLE: " + head + " | select 1;"}},
		{"set_config() for the session", []string{"select set_config('work_mem', '8MB', false)", "select 1"}, "T(v) D(select 1) C(SELECT 1) Z(I)",
			[]string{`tx: select set_config('work_mem', '8MB', true) | read {"work_mem"}`, again}},
		{"a question has the settings too", []string{"set work_mem = '8MB'", "prepare p as select 1"}, "C(PREPARE) Z(I)", []string{set, "tx: " + head + " | SELECT d_.* FROM (SELECT ) AS p_ " +
			"LEFT JOIN (SELECT * FROM (SELECT * FROM (\nselect 1\n) AS a_ OFFSET 0) AS b_ WHERE false OFFSET 0) AS d_ ON true"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{results: map[string]result{"select bad": {err: failing("22012", 8)}}, settings: map[string]string{"work_mem": "8MB"}})
			got := ""
			for _, q := range tc.queries {
				got = c.query(q)
			}
			if got != tc.want {
				t.Errorf("answer\n got %s\nwant %s", got, tc.want)
			}
			if got, want := strings.Join(c.up.sent(), "\n"), strings.Join(tc.sent, "\n"); got != want {
				t.Errorf("sent\n got %s\nwant %s", got, want)
			}
		})
	}
}

// A SET that Flush has carried out is undone by an error before Sync.
func TestSettingsAtFlush(t *testing.T) {
	c := connect(t, &scripted{settings: map[string]string{"work_mem": "8MB"}})
	c.send(parse("", "set work_mem = '8MB'"), bind("", ""), execute(""), &pgproto3.Flush{})
	if got := c.until("C(SET)"); got != "1 2 C(SET)" {
		t.Error(got)
	}
	c.send(bind("", "nope"), &pgproto3.Sync{})
	if got := c.cycle(); got != `E(ERROR 26000: prepared statement "nope" does not exist) Z(I)` {
		t.Error(got)
	}
	c.query("select 1")
	if sent := c.up.sent(); sent[len(sent)-1] != "auto: select 1" {
		t.Errorf("sent %v", sent)
	}
}

// An error's position is that of the client's own text, whatever was put into what is sent.
func TestPositionsInChangedTexts(t *testing.T) {
	for _, tc := range []struct {
		name, query, wrong string // the upstream's error stands where wrong begins
		want               string
	}{
		{"SET alone", "set work_mem = nope", "nope", "@16"},
		{"behind a SET", "set work_mem = '8MB'; select nope", "nope", "@30"},
		{"SET behind another", "set a.b = 'x'; /* ü */ set work_mem = nope", "nope", "@39"},
		{"set_config()", "select set_config('a.b', 'x', false), nope", "nope", "@39"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up := &scripted{settings: map[string]string{"work_mem": "8MB"}}
			up.run = func(_ context.Context, req *upstream.Request) (bool, error) {
				for _, st := range req.Statements {
					if before, _, found := strings.Cut(st.SQL, tc.wrong); found {
						return true, failing("42601", int32(utf8.RuneCountInString(before)+1))
					}
				}
				return false, nil
			}
			c := connect(t, up)
			if got := c.query(tc.query); !strings.Contains(got, "E(ERROR 42601"+tc.want+": ") {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// A text is read as a whole before any of it runs: what it says may not hang on a setting that it changes itself.
func TestTextsThatWouldBeReadOtherwise(t *testing.T) {
	for _, first := range []string{
		"set standard_conforming_strings = off", `set "Standard_Conforming_Strings" = off`, "reset all",
		"select set_config('standard_conforming_STRINGS', 'off', false)", "select set_config('standard_conforming_strings', 'off', true)",
		"select set_config(name, 'off', false) from pg_settings where name like 'standard_%'",
	} {
		c := connect(t, &scripted{settings: map[string]string{"standard_conforming_strings": "on"}})
		if got := c.query(first + `; select 'a\b'`); !strings.Contains(got, "E(ERROR 0A000: a text with a backslash") {
			t.Errorf("%s: %s", first, got)
		}
		if got := c.query(first + "; select 'ab'"); strings.Contains(got, "E(ERROR 0A000") {
			t.Errorf("%s: %s", first, got)
		}
	}
}
