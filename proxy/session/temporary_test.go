package session

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// A table that search_path would place in the temporary schema would be left on a connection of others.
func TestNothingIsCreatedInTheTemporarySchema(t *testing.T) {
	settings := map[string]result{"SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest($1::pg_catalog.text[]) AS n": {
		fields: []upstream.Field{{Name: "n"}, {Name: "current_setting"}}, rows: [][]string{{"search_path", "pg_temp"}}, command: "SELECT", count: 1}}
	const refused = "E(ERROR 0A000: CREATE while search_path begins with the schema pg_temp is not supported by pgturnstile)"
	for _, sql := range []string{
		"set search_path = pg_temp; create table t (a int)", "set search_path = pg_temp; select 1 into t", "begin; set local search_path = pg_temp; create table t (a int); commit",
		"select set_config('search_path', 'pg_temp', true); create view v as select 1",
	} {
		up := &scripted{results: settings}
		c := connect(t, up)
		if got := c.query(sql); !strings.Contains(got, refused) {
			t.Errorf("%s: %s", sql, got)
		}
		for _, sent := range up.sent() {
			if strings.Contains(sent, "create") || strings.Contains(sent, "into") {
				t.Errorf("%s: sent %s", sql, sent)
			}
		}
	}
	c := connect(t, &scripted{results: settings})
	if got := c.query("set search_path = pg_temp; create table s.t (a int)"); strings.Contains(got, "E(") {
		t.Error(got)
	}
}

// The arguments of EXECUTE are evaluated apart from what it executes: what they would do to settings would be left behind.
func TestSettingsAreNotChangedByArgumentsOfExecute(t *testing.T) {
	up := &scripted{}
	c := connect(t, up)
	c.query("prepare p as select $1")
	before := len(up.sent())
	for _, sql := range []string{"execute p(set_config('work_mem', '1MB', false))", "execute p(current_setting('application_name'))"} {
		got := c.query(sql)
		if got != "E(ERROR 0A000: EXECUTE with an argument that reads or changes settings is not supported by pgturnstile) Z(I)" || len(up.sent()) != before {
			t.Errorf("%s: %s, sent %v", sql, got, up.sent()[before:])
		}
	}
}
