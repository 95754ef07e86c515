package neontest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// differenceClass is a reason and the exchanges that it holds for.
type differenceClass struct {
	Reason string `json:"reason"`
	// ServerNot limits the class to servers of another server_version_num than this.
	ServerNot int `json:"server_not"`
	// ErrorPlaces may differ in every error that Postgres itself raised; at least one exchange of testdata must need that.
	ErrorPlaces []string `json:"error_places"`
	// Exchanges are names with the places at which each differs.
	Exchanges map[string][]string `json:"exchanges"`
}

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
		listed = readDifferences(t, c.serverVersion(t))
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
		diff := compare(e.Response, got, e.Volatile)
		known, reason := listed.of(e.Name)
		raised, raisedReason := listed.ofError(e.Response)
		if unlisted := slices.DeleteFunc(slices.Clone(diff), func(at string) bool { return slices.Contains(known, at) || slices.Contains(raised, at) }); len(unlisted) > 0 {
			t.Errorf("%s (%s) differs at %q:\n got %d %v %s\nwant %d %v %s", e.Name, e.Why, unlisted, got.Status, got.Headers, clip(got.Body),
				e.Response.Status, e.Response.Headers, clip(e.Response.Body))
		}
		for _, at := range known {
			if !slices.Contains(diff, at) {
				t.Errorf("%s does not differ at %q any more: take it off the list (%s)", e.Name, at, reason)
			}
		}
		switch {
		case len(diff) == 0:
			equal++
		case reason != "":
			byReason[reason]++
		default:
			byReason[raisedReason]++
		}
	}
	t.Logf("%d exchanges: %d equal, %d skipped", len(c.exchanges), equal, skipped)
	if os.Getenv(conformanceEnv+"EXCHANGES") == "" {
		listed.checkNeeded(t, c.exchanges, byReason)
	}
	for reason, n := range byReason {
		t.Logf("%d differ: %s", n, reason)
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

type differences []differenceClass

func (c conformance) serverVersion(t *testing.T) int {
	t.Helper()
	version, err := strconv.Atoi(admin(t, c.adminDSN, "SHOW server_version_num"))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// readDifferences reads the classes that hold for a server of this version.
func readDifferences(t *testing.T, version int) differences {
	t.Helper()
	text := mustRead(t, "testdata/differences.json")
	var all, list differences
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, class := range all {
		if class.Reason == "" {
			t.Error("differences.json: an entry without a reason")
		}
		if class.ServerNot == 0 || class.ServerNot != version {
			list = append(list, class)
		}
	}
	return list
}

func (d differences) of(name string) (places []string, reason string) {
	for _, class := range d {
		if p, ok := class.Exchanges[name]; ok {
			places, reason = append(places, p...), class.Reason
		}
	}
	return places, reason
}

// ofError returns where an answer may differ because it is an error that Postgres itself raised.
func (d differences) ofError(want response) (places []string, reason string) {
	var raised struct{ File, Code string }
	if want.Status < 400 || json.Unmarshal([]byte(want.Body), &raised) != nil || !sourceOfPostgres.MatchString(raised.File) {
		return nil, ""
	}
	for _, class := range d {
		if len(class.ErrorPlaces) > 0 {
			places, reason = append(places, class.ErrorPlaces...), class.Reason
		}
	}
	return places, reason
}

var sourceOfPostgres = regexp.MustCompile(`\.[cly]$`)

// checkNeeded fails for what is on the list and is of no use.
func (d differences) checkNeeded(t *testing.T, exchanges []exchange, used map[string]int) {
	t.Helper()
	names := map[string]bool{}
	for _, e := range exchanges {
		names[e.Name] = true
	}
	for _, class := range d {
		for name := range class.Exchanges {
			if !names[name] {
				t.Errorf("differences.json: there is no exchange %s", name)
			}
		}
		if len(class.ErrorPlaces) > 0 && used[class.Reason] == 0 {
			t.Errorf("differences.json: nothing differs any more because of: %s", class.Reason)
		}
	}
}
