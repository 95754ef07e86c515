package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const goodPath = "testdata/good/every_kind.yaml"

func mustLoad(t *testing.T, src Source) *Config {
	t.Helper()
	c, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	got := mustLoad(t, Source{File: goodPath})
	want := Default()
	public, socket := DefaultListener(), DefaultListener()
	public.Name, public.Address, public.Plaintext, public.BehindLoadBalancer = "public", "[::]:5432", PlaintextAlways, true
	socket.Address = "unix:/run/pgturnstile/.s.PGSQL.5432"
	socket.Name = socket.Address
	want.Listeners = []Listener{public, socket}

	pool, local := DefaultIssuer(), DefaultIssuer()
	pool.Name, pool.UserPoolID, pool.Region = "eu-central-1_a1B2c3D4e", "eu-central-1_a1B2c3D4e", "eu-central-1"
	pool.ClientIDs = []string{"1example23456789", "12345678901234567890123456"}
	pool.TokenUse, pool.RequiredGroups, pool.ClockSkew = TokenUseAny, []string{"staff"}, time.Millisecond
	pool.Issuer = []string{
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2c3D4e",
		"https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2c3D4e",
	}
	pool.JWKSURL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2c3D4e/.well-known/jwks.json"
	local.Name, local.Issuer, local.ClientIDs, local.AllowM2M = "local", []string{"http://127.0.0.1:5000/us-east-1_local"}, []string{"local"}, true
	local.JWKSURL = "http://localhost:5000/us-east-1_local/.well-known/jwks.json"
	want.Issuers = []Issuer{pool, local}

	want.UserPolicy = UserPolicy{Claim: "sub"}
	app, test := DefaultRoute(), DefaultRoute()
	app.Name, app.Database, app.NeonHost, app.NeonDatabase = "app", "app", "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech", "neondb"
	app.StatementTimeout, app.MaxReplyBytes = 90*time.Minute, 10*Megabyte
	test.Name, test.Database, test.NeonDatabase, test.NeonHost = "test", "it's a test", "it's a test", "ep-test.example.com"
	test.Role, test.Endpoint, test.RequestsInFlight = "anonymous", "http://[::1]:4444/sql", 5
	want.Routes, want.DefaultRoute = []Route{app, test}, "test"

	want.Limits.MaxConnections, want.Limits.MaxConnectionsPerIP, want.Limits.MaxTokenBytes = 50, 50, 1500
	want.Shutdown.MinDrain = 5 * time.Second
	want.JWKS.StaleLimit = 90 * time.Minute
	want.Log = Log{LevelDebug, FormatText}
	want.Admin.Address, want.Admin.MetricsToken = "0.0.0.0:9090", NewSecret("correct horse")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// What check prints is a configuration that means the same, but for the secrets.
func TestPrintedConfigurationLoadsAgain(t *testing.T) {
	first := mustLoad(t, Source{File: goodPath})
	printed, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(printed), "correct horse") || !strings.Contains(string(printed), "metrics_token: '[redacted]'") {
		t.Errorf("the secret is not masked:\n%s", printed)
	}
	path := filepath.Join(t.TempDir(), "printed.yaml")
	if err := os.WriteFile(path, printed, 0o600); err != nil {
		t.Fatal(err)
	}
	second := mustLoad(t, Source{File: path, Environ: []string{"PGTURNSTILE_ADMIN__METRICS_TOKEN=correct horse"}})
	// In the file an empty list stands where there was none.
	for _, c := range []*Config{first, second} {
		for i := range c.Issuers {
			issuer := &c.Issuers[i]
			for _, list := range []*[]string{&issuer.RequiredGroups, &issuer.RequiredScopes} {
				if len(*list) == 0 {
					*list = nil
				}
			}
		}
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("printed and read again\n%+v\nwas\n%+v", second, first)
	}
}

func TestValidateChangesNothing(t *testing.T) {
	c := mustLoad(t, Source{File: goodPath})
	before := mustLoad(t, Source{File: goodPath})
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Warnings()
	if !reflect.DeepEqual(c, before) {
		t.Errorf("now\n%+v\nwas\n%+v", c, before)
	}
}

// A program that builds a Config gets the rules without sources.
func TestValidateWithoutFile(t *testing.T) {
	c := Default()
	c.Log.Level = "loud"
	want := `the configuration has 3 faults:
  issuers: at least one issuer is required: the user pool whose tokens are accepted
  routes: at least one route is required: which database stands where on Neon
  log.level: "loud" is not one of debug, info, warn, error`
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	c := mustLoad(t, Source{File: goodPath})
	c.Routes[0].Role = "app_user"
	c.Routes[0].NeonDatabase = "it's a test"
	c.Routes[1].Database = "App"
	c.Routes = append(c.Routes, c.Routes[0])
	c.Routes[2].Database, c.Routes[2].NeonDatabase, c.Routes[2].NeonHost = "third", "app", "cool-darkness.us-east-2.aws.neon.tech"
	c.UserPolicy.Claim = "username"
	c.Issuers[0].TokenUse = TokenUseID
	c.Admin.MetricsToken = Secret{}
	want := []string{
		`listeners[0].plaintext: is always: whoever can read the network reads the tokens of clients that use no TLS`,
		`listeners[0].behind_load_balancer: the limits per IP do not count here: every client has the load balancer's address`,
		`user_policy.claim: id tokens of eu-central-1_a1B2c3D4e have no claim username; theirs is cognito:username`,
		`issuers[0].token_use: id tokens are made for the app that asked for them, and live in browsers: access tokens are the ones to send to a server`,
		`issuers[1].allow_m2m: a program's token has no claim username: user_policy will refuse it`,
		`routes[0].role: Neon accepts tokens for the roles authenticated and anonymous unless the project says otherwise; see that Row-Level Security holds for "app_user"`,
		`routes[1].database: differs from routes[0].database only in upper and lower case`,
		`routes[2].role: Neon accepts tokens for the roles authenticated and anonymous unless the project says otherwise; see that Row-Level Security holds for "app_user"`,
		`routes[2].neon_host: hosts of Neon computes begin with ep-`,
		`routes[2].neon_database: clients that ask for "third" get "app", which is also the name of a database with another route`,
		`default_route: every database that has no route, also one that was misspelt, lands in "test"`,
		`admin.address: is not a loopback address and metrics_token is empty: whoever reaches it reads the metrics`,
	}
	var got []string
	for _, w := range c.Warnings() {
		got = append(got, w.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	c.UserPolicy.Claim, c.Issuers[0].TokenUse = "cognito:username", TokenUseAccess
	claim := `user_policy.claim: access tokens of eu-central-1_a1B2c3D4e have no claim cognito:username; theirs is username`
	if !slices.ContainsFunc(c.Warnings(), func(f Fault) bool { return f.String() == claim }) {
		t.Errorf("no warning about the claim in %v", c.Warnings())
	}
	minimal := mustLoad(t, Source{Environ: minimalEnvironment()})
	if w := minimal.Warnings(); len(w) > 0 {
		t.Errorf("the smallest configuration gives warnings: %v", w)
	}
}

func TestListenerReach(t *testing.T) {
	for _, c := range []struct {
		address            string
		network, path      string
		loopback, perIP    bool
		plaintextByDefault bool
	}{
		{"127.0.0.1:6432", "tcp", "127.0.0.1:6432", true, true, true},
		{"127.9.9.9:6432", "tcp", "127.9.9.9:6432", true, true, true},
		{"[::1]:6432", "tcp", "[::1]:6432", true, true, true},
		{"[::ffff:127.0.0.1]:6432", "tcp", "[::ffff:127.0.0.1]:6432", true, true, true},
		{"localhost:6432", "tcp", "localhost:6432", true, true, true},
		{"unix:/run/s", "unix", "/run/s", true, false, true},
		{":6432", "tcp", ":6432", false, true, false},
		{"0.0.0.0:6432", "tcp", "0.0.0.0:6432", false, true, false},
		{"[::]:6432", "tcp", "[::]:6432", false, true, false},
		{"localhost.example.com:6432", "tcp", "localhost.example.com:6432", false, true, false},
		{"127.0.0.1.example.com:6432", "tcp", "127.0.0.1.example.com:6432", false, true, false},
	} {
		l := DefaultListener()
		l.Address = c.address
		if network, path := l.Network(); network != c.network || path != c.path {
			t.Errorf("%s: network %s, address %s", c.address, network, path)
		}
		if l.Loopback() != c.loopback || l.LimitsPerIP() != c.perIP || l.AcceptsPlaintext() != c.plaintextByDefault {
			t.Errorf("%s: loopback %v, limits per IP %v, plaintext %v", c.address, l.Loopback(), l.LimitsPerIP(), l.AcceptsPlaintext())
		}
		l.Plaintext = PlaintextNever
		if l.AcceptsPlaintext() {
			t.Errorf("%s: plaintext is never, and accepted", c.address)
		}
		l.Plaintext, l.BehindLoadBalancer = PlaintextAlways, true
		if !l.AcceptsPlaintext() || l.LimitsPerIP() {
			t.Errorf("%s behind a load balancer: plaintext %v, limits per IP %v", c.address, l.AcceptsPlaintext(), l.LimitsPerIP())
		}
	}
}

// What the issuer's two addresses are made of.
func TestDerivedIssuer(t *testing.T) {
	for _, c := range []struct {
		issuer Issuer
		iss    []string
		keys   string
	}{
		{
			Issuer{UserPoolID: "us-gov-west-1_Abc123"},
			[]string{"https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Abc123", "https://issuer-cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Abc123"},
			"https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Abc123/.well-known/jwks.json",
		},
		{
			Issuer{UserPoolID: "us-east-1_0123456789abcdef0123456789abcdef", Issuer: []string{"https://example.com"}, JWKSURL: "https://example.com/keys"},
			[]string{"https://example.com"}, "https://example.com/keys",
		},
		{
			Issuer{UserPoolID: "us-east-1_a", Issuer: []string{"https://example.com"}},
			[]string{"https://example.com"}, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a/.well-known/jwks.json",
		},
		{
			Issuer{UserPoolID: "us-east-1_a", Region: "eu-west-1", JWKSFile: "keys.json"},
			[]string{"https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_a", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/us-east-1_a"}, "",
		},
		{Issuer{UserPoolID: "cn-north-1_a"}, nil, ""},
		{Issuer{UserPoolID: "example.com/x_a"}, nil, ""},
		{Issuer{UserPoolID: "us-east-1"}, nil, ""},
		{Issuer{Region: "us-east-1"}, nil, ""},
		{Issuer{}, nil, ""},
	} {
		config := Config{Issuers: []Issuer{c.issuer}}
		config.Derive()
		if got := config.Issuers[0]; !slices.Equal(got.Issuer, c.iss) || got.JWKSURL != c.keys || got.Name != c.issuer.UserPoolID {
			t.Errorf("%+v\ngives %+v", c.issuer, got)
		}
		config.Derive()
		if got := config.Issuers[0]; !slices.Equal(got.Issuer, c.iss) || got.JWKSURL != c.keys {
			t.Errorf("derived twice, %+v\ngives %+v", c.issuer, got)
		}
	}
}

// A second route to the same data, for another role, is the way to let visitors in.
func TestARouteForVisitorsIsNoMistake(t *testing.T) {
	c := mustLoad(t, Source{File: goodPath})
	users := c.Routes[0]
	visitors := users
	users.Database, users.NeonDatabase, users.Role = "app", "app", "authenticated"
	visitors.Database, visitors.NeonDatabase, visitors.Role = "visitors", "app", "anonymous"
	c.Routes = []Route{users, visitors}
	for _, w := range c.Warnings() {
		if strings.Contains(w.String(), "neon_database") {
			t.Error(w)
		}
	}
}
