package plan

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// TestScope puts LOCAL where a plan says that it belongs.
func TestScope(t *testing.T) {
	for sql, want := range map[string]string{
		"SET x = 1":                                            "SET LOCAL x = 1",
		"set SESSION x = 1":                                    "set  LOCAL x = 1",
		"SET LOCAL x = 1":                                      "SET  LOCAL x = 1",
		"/* a */ SET/**/\"x\"=1":                               "/* a */ SET LOCAL/**/\"x\"=1",
		"SET/**/session/**/session = 1;":                       "SET/**/ LOCAL/**/session = 1;",
		"SET session = 1":                                      "SET LOCAL session = 1",
		"SET SESSION AUTHORIZATION bob":                        "SET LOCAL SESSION AUTHORIZATION bob",
		"SET SESSION SESSION AUTHORIZATION bob":                "SET  LOCAL SESSION AUTHORIZATION bob",
		"SET SESSION characteristics TO 1":                     "SET  LOCAL characteristics TO 1",
		"SET TIME ZONE LOCAL":                                  "SET LOCAL TIME ZONE LOCAL",
		"SET LOCAL TIME ZONE LOCAL":                            "SET  LOCAL TIME ZONE LOCAL",
		"SET \"\u00e4\" = '\u00e4'":                            "SET LOCAL \"\u00e4\" = '\u00e4'",
		"SET TRANSACTION READ ONLY":                            "SET LOCAL TRANSACTION READ ONLY",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY": "SET LOCAL SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
		"RESET x":                      "",
		"SET CONSTRAINTS ALL DEFERRED": "",
	} {
		s := classify(sql).Setting
		if s == nil || s.ScopeEnd == 0 {
			if want != "" {
				t.Errorf("%q has no scope", sql)
			}
			continue
		}
		if got := sql[:s.ScopeStart] + " LOCAL" + sql[s.ScopeEnd:]; got != want {
			t.Errorf("%q becomes %q, want %q", sql, got, want)
		}
	}
}

// TestPlaces cuts out of a text what a plan says is there.
func TestPlaces(t *testing.T) {
	const sql = "/* ' */ SELECT set_config('a.b', f(1, ')'), /* x */ $2 :: bool /* y */ ), SET_CONFIG($1,'x',(false))"
	calls := classify(sql).Calls
	if calls == nil || len(calls.Assigns) != 2 {
		t.Fatalf("%+v", calls)
	}
	for i, want := range []string{"$2 :: bool", "(false)"} {
		if got := sql[calls.Assigns[i].LocalStart:calls.Assigns[i].LocalEnd]; got != want {
			t.Errorf("argument %d is %q, want %q", i, got, want)
		}
	}
	const prepare = "PREPARE p ( int , \"T\" ) AS /* a */ SELECT set_config($1, 'x', true) -- b\n ;"
	p := classify(prepare).Prepare
	if p == nil || p.TypeList != "( int , \"T\" )" || p.Body != "SELECT set_config($1, 'x', true)" || prepare[p.BodyStart:][:6] != "SELECT" {
		t.Fatalf("%+v", p)
	}
	if a := p.Inner.Calls.Assigns[0]; p.Body[a.LocalStart:a.LocalEnd] != "true" {
		t.Errorf("%+v", a)
	}
	const execute = "EXECUTE p ( 'a' /* , */ , f(1, 2)::int , U&'\\0061' UESCAPE '!' ) ;"
	args := classify(execute).Execute.Args
	if len(args) != 3 {
		t.Fatalf("%+v", args)
	}
	for i, want := range []string{"'a'", "f(1, 2)::int", `U&'\0061' UESCAPE '!'`} {
		if got := execute[args[i].Start:args[i].End]; got != want {
			t.Errorf("argument %d is %q, want %q", i, got, want)
		}
	}
}

// TestBackslashes reads strings while standard_conforming_strings is off.
func TestBackslashes(t *testing.T) {
	off := Options{Role: "authenticated"}
	classify := func(sql string) Plan { return Classify(sqlscan.Statement{Text: sql}, off) }
	if p := classify(`SET a.b = 'it\'s'`); p.Kind != Set || p.Setting.Value != "it's" {
		t.Errorf("%+v", p)
	}
	if p := classify(`SELECT set_config('a\x2eb', '\', set_config(', true)`); p.Calls == nil || len(p.Calls.Assigns) != 1 ||
		p.Calls.Assigns[0].Name != "a.b" || !p.Calls.Assigns[0].Local {
		t.Errorf("%+v", p.Calls)
	}
	if p := classify(`PREPARE p AS SELECT set_config('pg\137session_jwt.jwt', '', true)`); p.Feature != FeatureSessionJWT {
		t.Errorf("%+v", p)
	}
	if p := classify(`EXECUTE p('\', 2', 3)`); p.Kind != Execute || verdict(p) != "execute:p,'', 2',3" {
		t.Errorf("%s", verdict(p))
	}
	if p := classify(`SET a.b = U&'x'`); p.Kind != Forward { // Postgres refuses it then
		t.Errorf("%+v", p)
	}
}

func TestChanges(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT 1": false, "VALUES (1)": false, "TABLE t": false, "INSERT INTO t VALUES (1)": false, "UPDATE t SET a = 1": false,
		"DELETE FROM t": false, "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE": false, "SHOW x": false, "SET x = 1": false,
		"RESET ALL": false, "BEGIN": false, "COMMIT": false, "EXPLAIN SELECT 1": false, "EXPLAIN ANALYZE DELETE FROM t": false,
		"EXPLAIN CREATE TABLE t AS SELECT 1": false, "EXPLAIN SELECT 1 INTO t": false, "DISCARD ALL": false, "EXECUTE p": false,
		"PREPARE p AS SELECT 1": false, "DEALLOCATE ALL": false, "SET CONSTRAINTS ALL DEFERRED": false, "UNLISTEN *": false,
		"WITH a AS (DELETE FROM t) SELECT 1": false, "SELECT 1 FOR UPDATE": false, "-- ping": false,

		"SELECT 1 INTO t": true, "CREATE TABLE t AS SELECT 1": true, "DO ''": true, "CALL p()": true, "CREATE TABLE t (a int)": true,
		"ALTER TABLE t ADD a int": true, "DROP TABLE t": true, "GRANT SELECT ON t TO r": true, "COMMENT ON TABLE t IS ''": false,
		"TRUNCATE t": false, "VACUUM": false, "REFRESH MATERIALIZED VIEW v": false, "NOTIFY a": false, "LOCK t": false, "ANALYZE": false, "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b": true,
		"EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1": true, "EXPLAIN ANALYZE SELECT 1 INTO t": true, "ALTER FUNCTION f() IMMUTABLE": true,
		"EXPLAIN (ANALYZE) REFRESH MATERIALIZED VIEW v": true, "CREATE INDEX ON t (a)": true, "SECURITY LABEL ON TABLE t IS ''": true,
	} {
		if p := classify(sql); p.Changes != want || p.Kind == Refuse {
			t.Errorf("%s: %+v", sql, p)
		}
	}
}

func TestManySetConfigs(t *testing.T) {
	call := "set_config('a.b', 'x', false)"
	if p := classify("SELECT " + call + strings.Repeat(", "+call, maxSetConfigs-1)); p.Calls == nil || len(p.Calls.Assigns) != maxSetConfigs {
		t.Errorf("%d calls: %+v", maxSetConfigs, p)
	}
	if p := classify("SELECT " + call + strings.Repeat(", "+call, maxSetConfigs)); p.Feature != FeatureSetConfig {
		t.Errorf("%d calls: %+v", maxSetConfigs+1, p)
	}
}
