package guc

import (
	"maps"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/splice"
)

func TestCalls(t *testing.T) {
	null := "\x00" // a parameter that is NULL
	for _, tc := range []struct {
		sql       string
		params    []string
		want      string // as it is sent, "" for unchanged
		overrides map[int]string
		read      string // the names that are read back
		err       string
	}{
		{sql: "SELECT set_config('work_mem', '8MB', false)", want: "SELECT set_config('work_mem', '8MB', true)", read: `{"work_mem"}`},
		{sql: "SELECT set_config('DateStyle', 'iso', 'f'), pg_catalog.set_config('TimeZone', 'utc', FALSE)",
			want: "SELECT set_config('DateStyle', 'iso', true), pg_catalog.set_config('TimeZone', 'utc', true)", read: `{"DateStyle","TimeZone"}`},
		{sql: "SELECT set_config('work_mem', '8MB', true)"},
		{sql: "SELECT set_config('role', 'x', false)", want: "SELECT set_config('role', 'x', true)", read: `{"role","is_superuser"}`},
		{sql: "SELECT set_config($1, $2, $3)", params: []string{"work_mem", "8MB", "false"}, overrides: map[int]string{3: "true"}, read: `{"work_mem"}`},
		{sql: "SELECT set_config($1, $2, $3)", params: []string{"work_mem", "8MB", null}, overrides: map[int]string{3: "true"}, read: `{"work_mem"}`},
		{sql: "SELECT set_config($1, $2, $3)", params: []string{"work_mem", "8MB", " T "}},
		{sql: "SELECT set_config($1, $2, $3)", params: []string{"work_mem", "8MB", "maybe"}},
		{sql: "SELECT set_config($1, $2, $3)", params: []string{null, "8MB", "no"}, overrides: map[int]string{3: "true"}},
		{sql: "SELECT set_config($1, 'x', $2), set_config('a.b', 'y', $2)", params: []string{"work_mem", "0"}, overrides: map[int]string{2: "true"}, read: `{"work_mem","a.b"}`},
		{sql: "SELECT set_config('work_mem', '8MB', $1), $1", params: []string{"false"}, err: pgerr.FeatureNotSupported},
		{sql: "SELECT set_config('pg_session_jwt.jwt', '8MB', true)", err: "refused"},
		{sql: "SELECT set_config($1, '8MB', true)", params: []string{"PG_session_jwt.jwt"}, err: pgerr.InsufficientPrivilege},
		{sql: "SELECT set_config('client_encoding', 'UTF8', false)", want: "SELECT set_config('client_encoding', 'UTF8', true)", read: `{"client_encoding"}`},
		{sql: "SELECT set_config('client_encoding', $1, false)", params: []string{"unicode"}, want: "SELECT set_config('client_encoding', $1, true)", read: `{"client_encoding"}`},
		{sql: "SELECT set_config('client_encoding', 'latin1', false)", err: pgerr.FeatureNotSupported},
		{sql: "SELECT set_config('client_encoding', lower('utf8'), true)", err: pgerr.FeatureNotSupported},
		{sql: "SELECT set_config('transaction_isolation', 'serializable', false)"},
		{sql: "SELECT set_config('application_name', 'x', false)", want: "SELECT set_config('application_name', 'x', true)", read: `{"application_name"}`},
		{sql: "SELECT set_config('application_name', 'x', true)", read: `{"application_name"}`},
		{sql: "SELECT set_config('work_mem', '1MB', false), set_config('lock_timeout', '1', false), set_config('work_mem', '2MB', false)",
			want: "SELECT set_config('work_mem', '1MB', true), set_config('lock_timeout', '1', true), set_config('work_mem', '2MB', true)", read: `{"lock_timeout","work_mem"}`},
	} {
		p, text := one(t, tc.sql)
		if tc.err == "refused" {
			if p.Refusal == nil {
				t.Errorf("%s is not refused", tc.sql)
			}
			continue
		}
		if p.Calls == nil {
			t.Errorf("%s: no calls", tc.sql)
			continue
		}
		var params [][]byte
		for _, v := range tc.params {
			if v == null {
				params = append(params, nil)
			} else {
				params = append(params, []byte(v))
			}
		}
		s := Settings{}
		edits, overrides, step, err := s.Calls(p.Calls, text, params, plain15)
		if tc.err != "" {
			if err == nil || err.Code != tc.err {
				t.Errorf("%s: %v, want %s", tc.sql, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		if tc.want == "" {
			tc.want = tc.sql
		}
		if got := splice.Apply(text, edits).SQL(); got != tc.want {
			t.Errorf("%s is sent as %s", tc.sql, got)
		}
		if !maps.Equal(overrides, tc.overrides) {
			t.Errorf("%s: overrides %v, want %v", tc.sql, overrides, tc.overrides)
		}
		if got := words(step.Read); got != tc.read || (step.Learn == nil) != (got == "") {
			t.Errorf("%s reads %q, want %q", tc.sql, got, tc.read)
		}
	}
}

func TestWhatCallsTeach(t *testing.T) {
	s := Settings{}
	call := func(sql string, answer ...string) {
		t.Helper()
		p, text := one(t, sql)
		group := s
		_, _, step, err := group.Calls(p.Calls, text, nil, plain15)
		if err != nil {
			t.Fatal(err)
		}
		learn(t, &s, step, answer...)
	}
	call("SELECT set_config('work_mem', '8MB', false)", "work_mem", "8MB")
	call("SELECT set_config('app.user', 'x', true)")
	expectHead(t, &s, "work_mem 8MB app.user ")
	call("SELECT set_config(name, '1', false) FROM pg_settings WHERE name ~ 'time'",
		"work_mem", "8MB", "lock_timeout", "1ms", "TimeZone", "GMT", "transaction_read_only", "on", "pg_session_jwt.jwt", "x")
	expectHead(t, &s, "work_mem 8MB app.user  lock_timeout 1ms")
	call("SELECT set_config('application_name', 'me', true)", "application_name", "me")
	if s.ApplicationName() != "me" {
		t.Errorf("application_name is %q", s.ApplicationName())
	}
	s.Commit()
	if s.ApplicationName() != "" {
		t.Errorf("behind the transaction it is %q", s.ApplicationName())
	}
}

// TestNullGoesBackToTheStartup: the server would take the setting to the route's default.
func TestNullGoesBackToTheStartup(t *testing.T) {
	s := Settings{reset: map[string]string{"work_mem": "8MB"}}
	for _, tc := range []struct {
		sql       string
		value     []byte // of $1
		overrides map[int]string
		refused   bool
	}{
		{sql: "SELECT set_config('work_mem', $1, true)", overrides: map[int]string{1: "8MB"}},
		{sql: "SELECT set_config('Work_Mem', $1, true), 1", overrides: map[int]string{1: "8MB"}},
		{sql: "SELECT set_config('work_mem', $1, true)", value: []byte("1MB")},
		{sql: "SELECT set_config('lock_timeout', $1, true)"},
		{sql: "SELECT set_config('work_mem', $1, true), $1", refused: true},
		{sql: "SELECT set_config('work_mem', null, true)", refused: true},
		{sql: "SELECT set_config('work_mem', NULL, false)", refused: true},
		{sql: "SELECT set_config('lock_timeout', null, true)"},
		{sql: `SELECT set_config('work_mem', 'null', true)`},
	} {
		p, text := one(t, tc.sql)
		_, overrides, _, err := s.Calls(p.Calls, text, [][]byte{tc.value}, plain15)
		if (err != nil) != tc.refused {
			t.Errorf("%s: %v", tc.sql, err)
		}
		if !maps.Equal(overrides, tc.overrides) {
			t.Errorf("%s: overrides %v, want %v", tc.sql, overrides, tc.overrides)
		}
	}
}

func TestRowsOfBothKindsInOneGroup(t *testing.T) {
	for _, first := range []string{
		"SELECT set_config(name, '1', true) FROM pg_settings WHERE name = 'lock_timeout'",
		"SELECT set_config('lock_timeout', '1', true)", // the rows may be of the same one
	} {
		s := Settings{}
		for i, sql := range []string{first, "SELECT set_config(name, '1', false) FROM pg_settings WHERE name = 'lock_timeout'"} {
			p, text := one(t, sql)
			_, _, _, err := s.Calls(p.Calls, text, nil, plain15)
			if (err != nil) != (i == 1) {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

func TestParseBool(t *testing.T) {
	c := connect(t, realPostgres(t).DSN("postgres", "authenticated"))
	for _, text := range strings.Split("t,T,tr,true,TRUE,truely,y,yes,yess,on,o,of,off,offs,n,no,non,f,fals,false,1,0,10,, t , true\t,\u00a0t", ",") {
		pairs, err := query2(t, c, "SELECT $1::bool", [][]byte{[]byte(text)})
		on, ok := parseBool(text)
		if ok != (err == nil) || ok && (pairs[0].Name == "t") != on {
			t.Errorf("%q is %v, %v; the server says %v, %v", text, on, ok, pairs, err)
		}
	}
}
