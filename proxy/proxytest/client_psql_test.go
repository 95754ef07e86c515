package proxytest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPsql runs what a person types, and compares what is printed.
func TestPsql(t *testing.T) {
	s := startStack(t)
	psql := program(t, "", "psql")
	for name, args := range map[string][]string{
		"a session":          {"-X", "-f", "testdata/clients/psql.sql"},
		"commands":           {"-X", "-c", `\d todos`, "-c", "select 1 as a; select 2 as b", "-c", `\dt`},
		"unaligned":          {"-XAt", "-F", ",", "-c", "select 1, null, 'x'"},
		"stop at an error":   {"-X", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0", "-c", "select 'not reached'"},
		"a variable in text": {"-X", "-v", "who=al'ice", "-c", `\echo :'who'`},
	} {
		t.Run(name, func(t *testing.T) {
			s.fresh(t, clientSchema)
			direct, proxy := s.outputs(t, "alice", nil, psql, args...)
			compareOutputs(t, direct, proxy)
		})
	}
}

// TestPsqlScripts asks for descriptions, sets settings and changes encodings, the settings also from where psql takes them as it
// connects.
func TestPsqlScripts(t *testing.T) {
	s := startStack(t)
	psql := program(t, "", "psql")
	for _, c := range []struct {
		name, script string
		env          []string
		// atLeast is in what Postgres says: the script ran to its end, under its environment.
		atLeast string
	}{
		{"descriptions", "psql_describe", nil, "prepared statement \"r\" does not exist"},
		{"prepared statements", "psql_prepared", nil, "\nDISCARD ALL\n"},
		{"encodings", "psql_encoding", nil, "äöü €"},
		{"settings", "psql_settings", nil, "\nUTF8\n"},
		{"PGOPTIONS", "psql_settings", []string{`PGOPTIONS=-c proxytest.sub=alice -c search_path=psql_settings -c statement_timeout=45s --work-mem=9MB -c my.own=from\ options`}, "from options"},
		{"PGTZ", "psql_settings", []string{"PGTZ=Asia/Tokyo"}, "2026-07-01 21:00:00+09"},
		{"PGTZ, a rule", "psql_settings", []string{"PGTZ=<+01>-1"}, "2026-07-01 13:00:00+01"},
		{"PGDATESTYLE", "psql_settings", []string{"PGDATESTYLE=SQL, DMY"}, "01/07/2026"},
		{"PGCLIENTENCODING", "psql_settings", []string{"PGCLIENTENCODING=LATIN1"}, "LATIN1"},
		{"several", "psql_settings", []string{"PGTZ=UTC+3", "PGDATESTYLE=German", "PGAPPNAME=psql's", "PGCLIENTENCODING=utf-8"}, "psql's"},
		{"a wrong one", "psql_settings", []string{"PGTZ=Nowhere/Town"}, "invalid value for parameter \"TimeZone\""},
		{"an unknown one", "psql_settings", []string{"PGOPTIONS=-c nope=1"}, "unrecognized configuration parameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.fresh(t, schemaOf(c.script))
			direct, proxy := s.outputs(t, "alice", c.env, psql, "-X", "-f", "testdata/clients/"+c.script+".sql")
			compareOutputs(t, connectionOf.ReplaceAllString(direct, "connection"), connectionOf.ReplaceAllString(proxy, "connection"))
			if !strings.Contains(direct, c.atLeast) {
				t.Errorf("Postgres does not say %q:\n%s", c.atLeast, direct)
			}
		})
	}
}

// connectionOf is what psql says of where it could not connect: the ports differ.
var connectionOf = regexp.MustCompile(`connection to server at "[^"]*"(?: \([^)]*\))?, port \d+`)

// ofLibraries are settings that are there once something has loaded the library: upstream, connections are shared.
var ofLibraries = regexp.MustCompile(`(?m)^plpgsql\..*\n`)

// TestPsqlShowAll: all settings have the same values on both sides.
func TestPsqlShowAll(t *testing.T) {
	s := startStack(t)
	for _, before := range []string{"", "set timezone = 'Asia/Tokyo'; set search_path = pg_catalog; set work_mem = '7MB'; set application_name = 'all'; set my.own = 'x';"} {
		args := []string{"-XAt", "-F", "=", "-c", before + "show all"}
		direct, proxy := s.outputs(t, "alice", nil, program(t, "", "psql"), args...)
		compareOutputs(t, ofLibraries.ReplaceAllString(direct, ""), ofLibraries.ReplaceAllString(proxy, ""))
		if lines := strings.Count(direct, "\n"); lines < 300 {
			t.Errorf("SHOW ALL shows %d lines:\n%s", lines, direct)
		}
	}
}

// TestPsqlRefused holds the sentences that a person reads to what was reviewed.
func TestPsqlRefused(t *testing.T) {
	s := startStack(t)
	s.fresh(t, clientSchema)
	want, err := os.ReadFile("testdata/clients/psql_refused.expected")
	if err != nil {
		t.Fatal(err)
	}
	got := output(t, s.env(t, "alice"), program(t, "", "psql"), "-X", "-f", "testdata/clients/psql_refused.sql")
	compareOutputs(t, string(want), got)
}
