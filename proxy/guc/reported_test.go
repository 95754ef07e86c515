package guc

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// reports gives the names whose values differ from the last ones.
func reports(s *Settings, d Defaults, last map[string]string) []string {
	var names []string
	for name, v := range s.Reported(d) {
		if was, ok := last[name]; !ok || was != v {
			names = append(names, name)
		}
		last[name] = v
	}
	return names
}

func TestReportedNamesByVersion(t *testing.T) {
	settings := map[string][2]string{}
	for _, r := range reported {
		settings[r.key] = [2]string{r.name, "x"}
	}
	all := "application_name client_encoding DateStyle default_transaction_read_only IntervalStyle is_superuser " +
		"session_authorization standard_conforming_strings TimeZone"
	with := func(added ...string) string {
		names := append(strings.Fields(all), added...)
		slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
		return strings.Join(names, " ")
	}
	for version, want := range map[int]string{
		140000: all, 150018: all, 160001: with("scram_iterations"), 170000: with("scram_iterations"), 180000: with("scram_iterations", "search_path"),
	} {
		got := strings.Join(reports(new(Settings), fixed{settings, version}, map[string]string{}), " ")
		if got != want {
			t.Errorf("version %d reports %s, want %s", version, got, want)
		}
	}
}

// TestReportsComeInTheOrderOfPostgres compares the ParameterStatus messages behind queries of several statements.
func TestReportsComeInTheOrderOfPostgres(t *testing.T) {
	dsn := realPostgres(t).DSN("postgres", "postgres")
	up := connect(t, dsn)
	r := &route{t: t, conn: up, defaults: defaultsOf(t, up)}
	last := map[string]string{}
	reports(&r.session, r.defaults, last)
	hijacked, err := connect(t, dsn).Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer hijacked.Conn.Close()
	client := hijacked.Frontend
	for _, query := range []string{
		"SET datestyle = german; SET timezone = 'utc'; SET intervalstyle = iso_8601",
		"RESET datestyle; RESET ALL", // in which order a server's configuration names these two, is its own affair
		"SET timezone = 'utc'; SET datestyle = german; SET timezone = 'Europe/Berlin'",
		"SET application_name = 'x'; SET client_encoding = 'latin1'; SET standard_conforming_strings = off",
		"RESET timezone; RESET ALL",
		"SET SESSION AUTHORIZATION reader; SET datestyle = 'german'",
		"RESET SESSION AUTHORIZATION",
		"SET ROLE reader",
		"SET datestyle = 'iso, dmy'; SET SESSION AUTHORIZATION reader; SET application_name = 'x'",
		"DISCARD ALL",
		"SET search_path = app; SET default_transaction_read_only = on",
		"SET LOCAL datestyle = german; SET timezone = 'utc'",
	} {
		client.Send(&pgproto3.Query{String: query})
		if err := client.Flush(); err != nil {
			t.Fatal(err)
		}
		var want []string
		for done := false; !done; {
			msg, err := client.Receive()
			if err != nil {
				t.Fatal(err)
			}
			switch msg := msg.(type) {
			case *pgproto3.ParameterStatus:
				want = append(want, msg.Name)
			case *pgproto3.ErrorResponse:
				t.Fatalf("%s: %s", query, msg.Message)
			case *pgproto3.ReadyForQuery:
				done = true
			}
		}
		if query == "DISCARD ALL" {
			r.session.Discard(r.defaults).Done(&r.session)
		} else if _, err := r.run(strings.Split(query, "; "), false); err != nil {
			t.Fatal(err)
		}
		if got := reports(&r.session, r.defaults, last); !slices.Equal(got, want) {
			t.Errorf("%s reports %q, want %q", query, got, want)
		}
	}
}
