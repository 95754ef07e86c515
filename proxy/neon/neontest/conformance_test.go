package neontest_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// The conformance test replays a recording of Neon's own software (testdata/exchanges.jsonl), one request after the other,
// and compares status, headers and body, but for what the recording marks as volatile. What is known to differ stands in
// testdata/differences.json with its reason; an entry that does not differ any more fails the test.
//
// Environment: see doc.go. PGTURNSTILE_CONFORMANCE_EXCHANGES, _ENDPOINT_NORMAL, _ENDPOINT_SMALL, _ENDPOINT_DOWN,
// _ENDPOINT_NOCONFIG, _KEYS, _ADMIN_DSN.

const conformanceEnv = "PGTURNSTILE_CONFORMANCE_"

type conformance struct {
	exchanges []exchange
	keys      keyring
	endpoints map[string]string // by the exchange's server, "" is the normal one
	adminDSN  string
	admin     *pgconn.PgConn // for setups; nil without adminDSN
	own       bool           // the server is ours: differences.json holds
}

func newConformance(t *testing.T) conformance {
	c := conformance{endpoints: map[string]string{}}
	path := os.Getenv(conformanceEnv + "EXCHANGES")
	if path == "" {
		path = "testdata/exchanges.jsonl"
	}
	c.exchanges = readLines[exchange](t, path)
	if normal := os.Getenv(conformanceEnv + "ENDPOINT_NORMAL"); normal != "" {
		c.endpoints = map[string]string{"": normal}
		for _, name := range []string{"small", "down", "noconfig"} {
			c.endpoints[name] = os.Getenv(conformanceEnv + "ENDPOINT_" + strings.ToUpper(name))
		}
		c.adminDSN = os.Getenv(conformanceEnv + "ADMIN_DSN")
		var err error
		if c.keys, err = readKeys(os.Getenv(conformanceEnv + "KEYS")); err != nil {
			t.Fatal(err)
		}
		return c
	}
	own := ownConformance(t, "neondb")
	own.exchanges = c.exchanges
	return own
}

// ownConformance starts the four servers over a new database.
func ownConformance(t *testing.T, database string) conformance {
	t.Helper()
	c := conformance{endpoints: map[string]string{}, own: true, keys: testKeys(t)}
	if dir := os.Getenv(conformanceEnv + "KEYS"); dir != "" {
		var err error
		if c.keys, err = readKeys(dir); err != nil {
			t.Fatal(err)
		}
	}
	c.adminDSN = newDatabase(t, database)
	jwks := jwksServer(t, c.keys)
	good := providers(jwks.URL)
	start := func(o neontest.Options) string {
		o.DSN = c.adminDSN
		o.JWKSRetryPause = time.Millisecond
		return endpointOf(newServer(t, o))
	}
	c.endpoints[""] = start(neontest.Options{Providers: good})
	c.endpoints["small"] = start(neontest.Options{Providers: good, MaxRequest: 1000, MaxResponse: 1000})
	c.endpoints["down"] = start(neontest.Options{Providers: []neontest.Provider{{JWKSURL: jwks.URL + "/down", Roles: []string{"authenticated"}}}})
	c.endpoints["noconfig"] = start(neontest.Options{})
	return c
}

func TestConformance(t *testing.T) {
	newConformance(t).run(t)
}

// The environment turns the suite to another recording, endpoint, keys and database: here to servers of this package and
// a few of the exchanges.
func TestConformanceByEnvironment(t *testing.T) {
	if os.Getenv(conformanceEnv+"ENDPOINT_NORMAL") != "" || os.Getenv(conformanceEnv+"EXCHANGES") != "" {
		t.Skip("the environment is set from outside: TestConformance is what was asked for")
	}
	dir := t.TempDir()
	keys := testKeys(t)
	for name, key := range keys {
		block := &pem.Block{Type: "SECRET"}
		if secret, ok := key.([]byte); ok {
			block.Bytes = secret
		} else {
			var err error
			block.Type = "PRIVATE KEY"
			if block.Bytes, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name+".pem"), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(conformanceEnv+"KEYS", dir)
	c := ownConformance(t, "conformance_env")
	var some []byte
	for line := range bytes.SplitSeq(mustRead(t, "testdata/exchanges.jsonl"), []byte("\n")) {
		var e exchange
		if json.Unmarshal(line, &e) == nil && (e.Server != "" || e.Name == "jwt-valid-rs256" || e.Name == "identity-default-user-id" || e.Name == "jwt-wrong-signature" || e.Name == "jwt-hs256-oct") {
			line = bytes.ReplaceAll(line, []byte("aws.neon.tech/neondb"), []byte("aws.neon.tech/conformance_env"))
			some = append(append(some, line...), '\n')
		}
	}
	path := filepath.Join(dir, "exchanges.jsonl")
	if err := os.WriteFile(path, some, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(conformanceEnv+"EXCHANGES", path)
	t.Setenv(conformanceEnv+"ADMIN_DSN", c.adminDSN)
	for name, endpoint := range c.endpoints {
		if name == "" {
			name = "normal"
		}
		t.Setenv(conformanceEnv+"ENDPOINT_"+strings.ToUpper(name), endpoint)
	}
	by := newConformance(t)
	if by.own || by.endpoints[""] != c.endpoints[""] || len(by.exchanges) != 17 {
		t.Fatalf("the environment gives %d exchanges, %v", len(by.exchanges), by.endpoints)
	}
	by.run(t)
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c conformance) run(t *testing.T) {
	t.Helper()
	var listed differences
	if c.own {
		setting := func(name string) string { return admin(t, c.adminDSN, "SHOW "+name) }
		version, err := strconv.Atoi(setting("server_version_num"))
		if err != nil {
			t.Fatal(err)
		}
		listed = readDifferences(t, version, setting)
	}
	if c.adminDSN != "" {
		c.admin = connect(t, c.adminDSN)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	equal, byReason, skipped := 0, map[string]int{}, 0
	for _, e := range c.exchanges {
		endpoint := c.endpoints[e.Server]
		if endpoint == "" || e.Setup != "" && c.adminDSN == "" {
			t.Logf("%s: skipped, its endpoint or the admin DSN is not given", e.Name)
			skipped++
			continue
		}
		got, err := c.replay(t, client, endpoint, e)
		if err != nil {
			t.Errorf("%s (%s): %v", e.Name, e.Why, err)
			continue
		}
		verdict := listed.judge(e, got)
		if len(verdict.unlisted) > 0 {
			t.Errorf("%s (%s) differs at %q:\n got %d %v %s\nwant %d %v %s", e.Name, e.Why, verdict.unlisted, got.Status, got.Headers, clip(got.Body),
				e.Response.Status, e.Response.Headers, clip(e.Response.Body))
		}
		for _, at := range verdict.stale {
			t.Errorf("%s does not differ at %q any more: take it off the list (%s)", e.Name, at, verdict.reason)
		}
		if verdict.reason == "" && len(verdict.unlisted) == 0 {
			equal++
		} else {
			byReason[verdict.reason]++
		}
	}
	t.Logf("%d exchanges: %d equal, %d skipped", len(c.exchanges), equal, skipped)
	if os.Getenv(conformanceEnv+"EXCHANGES") == "" {
		listed.checkNeeded(t, c.exchanges, byReason)
	}
	for reason, n := range byReason {
		t.Logf("%d differ: %s", n, cmp.Or(reason, "not on the list"))
	}
}

func (c conformance) replay(t *testing.T, client *http.Client, endpoint string, e exchange) (response, error) {
	if e.Setup != "" {
		if err := c.admin.Exec(t.Context(), e.Setup).Close(); err != nil {
			return response{}, err
		}
	}
	if e.SettleMS > 0 {
		time.Sleep(time.Duration(e.SettleMS) * time.Millisecond) // the recording's own wait, between two of its requests
	}
	authorization, authorized, err := c.keys.mint(e.Token, time.Now())
	if err != nil {
		return response{}, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), e.timeout())
	defer cancel()
	return send(ctx, client, endpoint, e.Request, authorization, authorized)
}

func clip(s string) string {
	if len(s) > 1500 {
		return fmt.Sprintf("%s... (%d bytes)", s[:1500], len(s))
	}
	return s
}
