package config

import (
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// minimalEnvironment is the smallest configuration that is complete.
func minimalEnvironment(more ...string) []string {
	return append([]string{
		"PGTURNSTILE_ISSUERS__0__USER_POOL_ID=us-east-1_a1B2c3D4e",
		"PGTURNSTILE_ISSUERS__0__CLIENT_IDS=1example23456789",
		"PGTURNSTILE_ROUTES__0__DATABASE=app",
		"PGTURNSTILE_ROUTES__0__NEON_HOST=ep-cool-darkness-123456.us-east-2.aws.neon.tech",
	}, more...)
}

func TestEnvironmentAlone(t *testing.T) {
	c := mustLoad(t, Source{Environ: minimalEnvironment(
		"PATH=/usr/bin",
		"pgturnstile_log__level=of another program",
		"PGTURNSTILE_ISSUERS__0__REQUIRED_SCOPES=db/read, db/write",
		"PGTURNSTILE_ISSUERS__0__ISSUER__1=https://two.example.com",
		"PGTURNSTILE_ISSUERS__0__ISSUER__0=https://one.example.com",
		"PGTURNSTILE_USER_POLICY__CLAIM=username",
		"PGTURNSTILE_LIMITS__MAX_CONNECTIONS=10",
		"PGTURNSTILE_ADMIN__PPROF=true",
		"PGTURNSTILE_FACTS_TTL=90s",
		"PGTURNSTILE_LISTENERS__0__TLS__MIN_VERSION=1.3",
	)})
	if got, want := c.Issuers[0].RequiredScopes, []string{"db/read", "db/write"}; !reflect.DeepEqual(got, want) {
		t.Errorf("required_scopes %q", got)
	}
	if got, want := c.Issuers[0].Issuer, []string{"https://one.example.com", "https://two.example.com"}; !reflect.DeepEqual(got, want) {
		t.Errorf("issuer %q", got)
	}
	if c.UserPolicy.Claim != "username" || c.Limits.MaxConnections != 10 || !c.Admin.PProf || c.FactsTTL != 90*time.Second {
		t.Errorf("got %+v", c)
	}
	want := DefaultListener()
	want.Name, want.TLS.MinVersion = want.Address, TLS13
	if len(c.Listeners) != 1 || !reflect.DeepEqual(c.Listeners[0], want) {
		t.Errorf("listeners %+v", c.Listeners)
	}
}

// Flags go before the environment, the environment before the file, the file before the defaults.
func TestPrecedence(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	src := Flags(fs, []string{
		EnvFile + "=" + goodPath,
		"PGTURNSTILE_LOG__LEVEL=error",
		"PGTURNSTILE_ROUTES__1__REQUESTS_IN_FLIGHT=7",
		"PGTURNSTILE_ROUTES__2__DATABASE=third",
		"PGTURNSTILE_ROUTES__2__NEON_HOST=ep-third.eu-central-1.aws.neon.tech",
		"PGTURNSTILE_ISSUERS__0__CLIENT_IDS__1=2example23456789",
		"PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS__1=admins",
		"PGTURNSTILE_USER_POLICY=any",
		"PGTURNSTILE_ADMIN__ADDRESS=127.0.0.1:9191",
	})
	if err := fs.Parse([]string{"--log-level=debug", "--log-level", "warn", "--listen", "127.0.0.1:7777", "--admin-address=127.0.0.1:9292"}); err != nil {
		t.Fatal(err)
	}
	// The file has one text where the environment means a list: the environment replaces it, from its first entry on.
	if _, err := Load(*src); err == nil || !strings.Contains(err.Error(), "issuers[0].required_groups[1]: leaves a gap") {
		t.Errorf("got %v", err)
	}
	src.Environ[6] = "PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS__0=admins"
	c := mustLoad(t, *src)
	if c.Log.Level != LevelWarn {
		t.Errorf("log.level %s: the last flag counts", c.Log.Level)
	}
	if c.Log.Format != FormatText {
		t.Errorf("log.format %s: the file goes before the default", c.Log.Format)
	}
	if c.Listeners[0].Address != "127.0.0.1:7777" || c.Listeners[0].Name != "public" || c.Admin.Address != "127.0.0.1:9292" {
		t.Errorf("listener %+v, admin %s", c.Listeners[0], c.Admin.Address)
	}
	if len(c.Routes) != 3 || c.Routes[1].RequestsInFlight != 7 || c.Routes[1].Role != "anonymous" || c.Routes[2].Name != "third" || c.Routes[2].RequestsInFlight != 80 {
		t.Errorf("routes %+v", c.Routes)
	}
	if got, want := c.Issuers[0].ClientIDs, []string{"1example23456789", "2example23456789"}; !reflect.DeepEqual(got, want) {
		t.Errorf("client_ids %q", got)
	}
	if got, want := c.Issuers[0].RequiredGroups, []string{"admins"}; !reflect.DeepEqual(got, want) {
		t.Errorf("required_groups %q", got)
	}
	if !c.UserPolicy.Any() {
		t.Errorf("user_policy %+v", c.UserPolicy)
	}
	if err := fs.Parse([]string{"--config", "testdata/good/none.yaml"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(*src); err == nil || !strings.Contains(err.Error(), "testdata/good/none.yaml: no such file or directory") {
		t.Errorf("--config does not go before %s: %v", EnvFile, err)
	}
}

func TestEnvironmentFaults(t *testing.T) {
	_, err := Load(Source{Environ: minimalEnvironment(
		"PGTURNSTILE_LOG__LEVEL=loud",
		"PGTURNSTILE_LOG__FORMAT=",
		"PGTURNSTILE_LOGLEVEL=info",
		"PGTURNSTILE_Log__Colour=true",
		"PGTURNSTILE_0=x",
		"PGTURNSTILE_=x",
		"PGTURNSTILE_ISSUERS__0__CLOCK_SKEW=5",
		"PGTURNSTILE_ISSUERS__0__REGION=eu-west-1",
		"PGTURNSTILE_ISSUERS__10__REGION=eu-west-1",
		"PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS=staff",
		"PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS__0=staff",
		"PGTURNSTILE_LIMITS=many",
		"PGTURNSTILE_ADMIN__METRICS_TOKEN__0=hunter2",
		"PGTURNSTILE_ADMIN__PPROF=yes",
		"PGTURNSTILE_LISTENERS__00__NAME=x",
	)})
	want := `the configuration has 14 faults:
  PGTURNSTILE_: unknown key
  PGTURNSTILE_0: 0: unknown key
  PGTURNSTILE_ADMIN__METRICS_TOKEN__0: admin.metrics_token: expected a text, found a list
  PGTURNSTILE_ADMIN__PPROF: admin.pprof: expected true or false, found "yes"
  PGTURNSTILE_ISSUERS__0__CLOCK_SKEW: issuers[0].clock_skew: expected a duration with its unit, like "15s" (ms, s, m, h), found "5"
  PGTURNSTILE_ISSUERS__0__REGION: issuers[0].region: eu-west-1 is not the region in user_pool_id "us-east-1_a1B2c3D4e": if it is meant, set issuer
  PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS__0: issuers[0].required_groups[0]: contradicts PGTURNSTILE_ISSUERS__0__REQUIRED_GROUPS
  PGTURNSTILE_ISSUERS__10__REGION: issuers[10].region: leaves a gap: the list has 1 entries before it, so the next index is 1
  PGTURNSTILE_LIMITS: limits: expected a mapping of keys to values, found a value
  PGTURNSTILE_LISTENERS__00__NAME: listeners: expected a list, found a mapping
  PGTURNSTILE_LOGLEVEL: loglevel: unknown key
  PGTURNSTILE_LOG__FORMAT: log.format: set, but empty: unset it for the file's value or the default
  PGTURNSTILE_LOG__LEVEL: log.level: "loud" is not one of debug, info, warn, error
  PGTURNSTILE_Log__Colour: not the name of a setting: the names are in upper case`
	if err == nil {
		t.Fatal("accepted")
	}
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A container gets variables with our prefix from the orchestrator when a service is called pgturnstile.
func TestServiceVariablesAreNoSettings(t *testing.T) {
	mustLoad(t, Source{Environ: minimalEnvironment(
		"PGTURNSTILE_SERVICE_HOST=10.0.0.7",
		"PGTURNSTILE_SERVICE_PORT=6432",
		"PGTURNSTILE_SERVICE_PORT_POSTGRES=6432",
		"PGTURNSTILE_PORT=tcp://10.0.0.7:6432",
		"PGTURNSTILE_PORT_6432_TCP=tcp://10.0.0.7:6432",
		"PGTURNSTILE_PORT_6432_TCP_PROTO=tcp",
		"PGTURNSTILE_PORT_6432_TCP_PORT=6432",
		"PGTURNSTILE_PORT_6432_TCP_ADDR=10.0.0.7",
	)})
	fields := fieldsOf(reflect.TypeFor[Config]())
	for name := range fields {
		if orchestrator.MatchString(envPrefix + strings.ToUpper(name)) {
			t.Errorf("the setting %s cannot be set by the environment", name)
		}
	}
}

func TestListenFlagOnDefaults(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	src := Flags(fs, minimalEnvironment())
	if err := fs.Parse([]string{"--listen", "unix:/run/pg.sock", "--default-route", "app"}); err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, *src)
	if len(c.Listeners) != 1 || c.Listeners[0].Address != "unix:/run/pg.sock" || c.Listeners[0].Plaintext != PlaintextLoopback || c.DefaultRoute != "app" {
		t.Errorf("got %+v, default route %q", c.Listeners, c.DefaultRoute)
	}
}
