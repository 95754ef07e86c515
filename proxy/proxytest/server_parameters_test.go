package proxytest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// reportedBy15 is what a server of version 15 reports at login (GUC_REPORT in guc.c).
var reportedBy15 = []string{"application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby",
	"integer_datetimes", "IntervalStyle", "is_superuser", "server_encoding", "server_version", "session_authorization",
	"standard_conforming_strings", "TimeZone"}

// TestParametersAreTheServersOwn: what a login reports is what the server behind says at that time, nothing made up.
func TestParametersAreTheServersOwn(t *testing.T) {
	s := newOwnStack(t, devstack.Options{Config: func(c *config.Config, _ *devstack.Stack) { c.FactsTTL = time.Second }})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	direct, err := pgconn.Connect(ctx, s.DSN(devstack.Database, devstack.Role)+"&application_name=direct")
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(ctx)
	through := s.session(t, "alice")
	for _, name := range reportedBy15 {
		if name == "application_name" {
			continue // the client's own
		}
		if got, want := through.ParameterStatus(name), direct.ParameterStatus(name); got != want || want == "" {
			t.Errorf("%s is %q, the server says %q", name, got, want)
		}
	}
	if got := through.ParameterStatus("scram_iterations"); got != "" {
		t.Errorf("a server of version 15 does not report scram_iterations: %q", got)
	}

	admin, err := pgconn.Connect(ctx, s.AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	token, err := s.Mint(devstack.TokenRequest{User: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	// Backends that the stand-in has pooled keep the settings they were started with.
	for _, sql := range []string{
		"alter database " + devstack.Database + " set timezone = 'Asia/Tokyo'",
		"alter database " + devstack.Database + " set intervalstyle = 'iso_8601'",
		"select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '" + devstack.Role + "' and application_name <> 'direct'",
	} {
		if _, err := admin.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	seen := ""
	for ctx.Err() == nil { // facts are refreshed behind a login, with the token that came
		c, err := s.login(ctx, token)
		if err != nil {
			seen = err.Error() // a backend that has been terminated
			continue
		}
		seen = c.ParameterStatus("TimeZone") + ", " + c.ParameterStatus("IntervalStyle")
		if err := c.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if seen == "Asia/Tokyo, iso_8601" {
			return
		}
	}
	t.Errorf("after the change a login reports %s", seen)
}
