package session

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
)

func TestSimpleQuery(t *testing.T) {
	failed := map[string]result{"select bad": {err: failing("22012", 8)}, "oops": {err: grammar(1)}}
	for _, tc := range []struct{ name, sql, want, sent string }{
		{"one", "select 1", "T(v) D(select 1) C(SELECT 1) Z(I)", "auto: select 1"},
		{"empty", "", "I Z(I)", ""},
		{"only comments and semicolons", "/* a */ ; -- b", "I Z(I)", ""},
		{"no rows", "insert into t values (1)", "C(INSERT 0 1) Z(I)", "auto: insert into t values (1)"},
		{"rows of a write run as a batch of one", "insert into t values (1) returning a",
			"T(a) D(1) C(INSERT 0 1) Z(I)", "tx: insert into t values (1) returning a"},
		{"several are one transaction", "select 1; select 2",
			"T(v) D(select 1) C(SELECT 1) T(v) D(select 2) C(SELECT 1) Z(I)", "tx: select 1; | select 2"},
		{"an error's position is the query string's", "select 'ä'; select bad", "E(ERROR 22012@20: it failed) Z(I)", ""},
		{"a block in one query", "begin; select 1; commit",
			"C(BEGIN) T(v) D(select 1) C(SELECT 1) C(COMMIT) Z(I)", "tx: select 1;"},
		{"its isolation", "start transaction isolation level serializable, read only; select 1; end",
			"C(START TRANSACTION) T(v) D(select 1) C(SELECT 1) C(COMMIT) Z(I)", "tx SERIALIZABLE ro: select 1;"},
		{"modes after a statement go to the server", "select 1; begin isolation level serializable; commit",
			"T(v) D(select 1) C(SELECT 1) C(BEGIN) C(COMMIT) Z(I)", "tx: select 1; | SET TRANSACTION isolation level serializable"},
		{"rollback", "begin; insert into t values (1); rollback",
			"C(BEGIN) C(INSERT 0 1) C(ROLLBACK) Z(I)", "tx: insert into t values (1); | ROLLBACK"},
		{"savepoints", "begin; savepoint a; select 1; rollback to a; release a; commit",
			"C(BEGIN) C(SAVEPOINT) T(v) D(select 1) C(SELECT 1) C(ROLLBACK) C(RELEASE) C(COMMIT) Z(I)",
			"tx: savepoint a; | select 1; | rollback to a; | release a;"},
		{"commit without begin ends the implicit transaction", "select 1; commit; select 2",
			"T(v) D(select 1) C(SELECT 1) N(WARNING 25P01: there is no transaction in progress) C(COMMIT) T(v) D(select 2) C(SELECT 1) Z(I)",
			"tx: select 1;\ntx: select 2"},
		{"begin twice", "begin; begin; commit",
			"C(BEGIN) N(WARNING 25001: there is already a transaction in progress) C(BEGIN) C(COMMIT) Z(I)", ""},
		{"savepoint outside", "select 1; savepoint a",
			"T(v) D(select 1) C(SELECT 1) E(ERROR 25P01: SAVEPOINT can only be used in transaction blocks) Z(I)", "tx: select 1; | ROLLBACK"},
		{"a block that would stay open", "insert into t values (1); begin; select 1",
			"E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)", ""},
		{"chain", "begin isolation level serializable; select 1; commit and chain; select 2; commit",
			"C(BEGIN) T(v) D(select 1) C(SELECT 1) C(COMMIT) T(v) D(select 2) C(SELECT 1) C(COMMIT) Z(I)",
			"tx SERIALIZABLE: select 1;\ntx SERIALIZABLE: select 2;"},
		{"chain outside", "commit and chain", "E(ERROR 25P01: COMMIT AND CHAIN can only be used in transaction blocks) Z(I)", ""},
		{"a refusal undoes what stands before it", "insert into t values (1); listen x; select 2",
			"C(INSERT 0 1) E(ERROR 0A000: LISTEN is not supported by pgturnstile) Z(I)", "tx: insert into t values (1); | ROLLBACK"},
		{"an error in a block", "begin; select bad; commit", "C(BEGIN) E(ERROR 22012@15: it failed) Z(E)", "tx: select bad;"},
		{"a syntax error behind a commit: nothing has run", "begin; insert into t values (1); commit; oops", "E(ERROR 42601@42: it failed) Z(I)", ""},
		{"a syntax error behind another error", "select bad; oops", "E(ERROR 42601@13: it failed) Z(I)", "tx: select bad; | oops"},
		{"a syntax error behind a refusal", "listen x; oops", "E(ERROR 42601@11: it failed) Z(I)", ""},
		{"a syntax error behind an error of ours", "savepoint a; oops", "E(ERROR 42601@14: it failed) Z(I)", ""},
		{"a syntax error behind a setting", "set client_min_messages = loud; oops", "E(ERROR 42601@33: it failed) Z(I)", ""},
		{"a syntax error in a block that stays open", "begin; oops", "E(ERROR 42601@8: it failed) Z(I)", ""},
		{"a syntax error in a block: it has not begun", "begin; insert into t values (1); oops; commit", "E(ERROR 42601@34: it failed) Z(I)", ""},
		{"a parameter", "select $1", "E(ERROR 42P02@8: there is no parameter $1) Z(I)", "tx: select $1 | ROLLBACK"},
		{"a parameter of no routine", "create table u as select $1", "E(ERROR 42P02@26: there is no parameter $1) Z(I)", "tx: create table u as select $1 | ROLLBACK"},
		{"a parameter of a routine", "create or replace function f(int) returns int return $1", "C(CREATE FUNCTION) Z(I)",
			"auto: create or replace function f(int) returns int return $1"},
		{"kept settings", "set application_name = 'x y'; show application_name",
			"C(SET) T(application_name) D(x y) C(SHOW) S(application_name=x y) Z(I)", ""},
		{"an unset one is the server's to show", "show extra_float_digits", "T(s) D(1) C(SHOW) Z(I)", "auto: show extra_float_digits"},
		{"a setting goes back when its transaction does", "begin; set application_name = 'x'; rollback; show application_name",
			"C(BEGIN) C(SET) C(ROLLBACK) T(application_name) D(test) C(SHOW) Z(I)", ""},
		{"an error undoes a setting", "set application_name = 'x'; select bad", "C(SET) E(ERROR 22012@36: it failed) Z(I)", "tx: select bad"},
		{"an invalid value", "set client_min_messages = 'loud'",
			`E(ERROR 22023: invalid value for parameter "client_min_messages": "loud") Z(I)`, ""},
		{"warnings can be switched off", "set client_min_messages = error; commit", "C(SET) C(COMMIT) Z(I)", ""},
		{"a setting of the server's", "set timezone = 'utc'", "C(SET) S(TimeZone=UTC) Z(I)",
			`tx: set LOCAL timezone = 'utc' | read {"TimeZone"}`},
		{"unlisten and close all", "unlisten *; close all; deallocate all", "C(UNLISTEN) C(CLOSE CURSOR ALL) C(DEALLOCATE ALL) Z(I)", ""},
		{"deallocate", "deallocate nope", `E(ERROR 26000: prepared statement "nope" does not exist) Z(I)`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, &scripted{results: failed, settings: map[string]string{"TimeZone": "UTC"}})
			if got := c.query(tc.sql); got != tc.want {
				t.Errorf("answer\n got %s\nwant %s", got, tc.want)
			}
			if sent := strings.Join(c.up.sent(), "\n"); tc.sent != "" && sent != tc.sent || tc.sent == "" && tc.want != "" && !strings.Contains(tc.want, "it failed") && sent != "" {
				t.Errorf("sent\n got %s\nwant %s", sent, tc.sent)
			}
		})
	}
}

func TestFailedBlock(t *testing.T) {
	up := &scripted{results: map[string]result{"select bad": {err: failing("22012", 0)}, "oops": {err: grammar(1)}}}
	const aborted = "E(ERROR 25P02: current transaction is aborted, commands ignored until end of transaction block) Z(E)"
	fail := func(t *testing.T) *client {
		c := connect(t, up)
		if got := c.query("begin; select bad"); got != "E(ERROR 0A000: a transaction block that stays open after its query is not supported by pgturnstile) Z(I)" {
			t.Fatal(got)
		}
		if got := c.query("begin; savepoint a; select bad; commit"); got != "C(BEGIN) E(ERROR 22012: it failed) Z(E)" {
			t.Fatal(got)
		}
		if got := c.query("select 1"); got != aborted {
			t.Fatal(got)
		}
		if got := c.query(""); got != "I Z(E)" {
			t.Fatal(got)
		}
		return c
	}
	for _, tc := range []struct{ sql, want string }{
		{"rollback", "C(ROLLBACK) Z(I)"},
		{"commit", "C(ROLLBACK) Z(I)"},
		{"rollback; oops", "E(ERROR 42601@11: it failed) Z(E)"},
		{"end; select 1", "C(ROLLBACK) T(v) D(select 1) C(SELECT 1) Z(I)"},
		{"savepoint a", aborted},
		{"begin", aborted},
		{"rollback to a", "E(ERROR 0A000: ROLLBACK TO SAVEPOINT in a later query than its transaction's BEGIN is not supported by pgturnstile) Z(E)"},
	} {
		t.Run(tc.sql, func(t *testing.T) {
			c := fail(t)
			if got := c.query(tc.sql); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("no savepoint", func(t *testing.T) {
		c := connect(t, up)
		c.query("begin; select bad; commit")
		if got := c.query("rollback to a"); got != `E(ERROR 3B001: savepoint "a" does not exist) Z(E)` {
			t.Error(got)
		}
	})
	t.Run("extended", func(t *testing.T) {
		c := fail(t)
		c.send(parse("", "select 1"), &pgproto3.Sync{})
		if got := c.cycle(); got != aborted {
			t.Error(got)
		}
		c.send(parse("", "rollback"), bind("", ""), describeP(""), execute(""), &pgproto3.Sync{})
		if got := c.cycle(); got != "1 2 n C(ROLLBACK) Z(I)" {
			t.Error(got)
		}
	})
}

// With standard_conforming_strings off a backslash escapes a quote, and where a parameter stands follows from that.
func TestParameterWithBackslashes(t *testing.T) {
	c := connect(t, &scripted{}, func(o *Options) {
		facts, err := catalog.NewFacts([]catalog.Parameter{{Name: "server_version_num", Value: "150018"}, {Name: "extra_float_digits", Value: "1"},
			{Name: "standard_conforming_strings", Value: "off"}})
		if err != nil {
			t.Fatal(err)
		}
		o.Facts = facts
	})
	if got := c.query(`select '\' $2', $1`); got != "E(ERROR 42P02@17: there is no parameter $1) Z(I)" {
		t.Error(got)
	}
}
