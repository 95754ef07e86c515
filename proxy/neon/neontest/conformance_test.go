package neontest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// The conformance test replays a recording of Neon's own software (testdata/exchanges.jsonl), one request after the other,
// and compares status, headers and body, but for what the recording marks as volatile. What is known to differ stands in
// testdata/differences.json with its reason; an entry that does not differ any more fails the test.
//
// Environment: see doc.go. PGTURNSTILE_CONFORMANCE_EXCHANGES, _ENDPOINT_NORMAL, _ENDPOINT_SMALL, _ENDPOINT_DOWN,
// _ENDPOINT_NOCONFIG, _KEYS, _ADMIN_DSN.

const conformanceEnv = "PGTURNSTILE_CONFORMANCE_"

// differenceClass is a reason and the exchanges that it holds for: by name, with the places that differ.
type differenceClass struct {
	Reason    string              `json:"reason"`
	Exchanges map[string][]string `json:"exchanges"`
}

type conformance struct {
	exchanges []exchange
	keys      keyring
	endpoints map[string]string // by the exchange's server, "" is the normal one
	adminDSN  string
	own       bool // the server is ours: differences.json holds
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
	c.own = true
	c.keys = testKeys(t)
	if dir := os.Getenv(conformanceEnv + "KEYS"); dir != "" {
		var err error
		if c.keys, err = readKeys(dir); err != nil {
			t.Fatal(err)
		}
	}
	c.adminDSN = newDatabase(t, "neondb")
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
	c := newConformance(t)
	listed := readDifferences(t)
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
		if !c.own {
			known, reason = nil, ""
		}
		if unlisted := slices.DeleteFunc(slices.Clone(diff), func(at string) bool { return slices.Contains(known, at) }); len(unlisted) > 0 {
			t.Errorf("%s (%s) differs at %q:\n got %d %v %s\nwant %d %v %s", e.Name, e.Why, unlisted, got.Status, got.Headers, clip(got.Body),
				e.Response.Status, e.Response.Headers, clip(e.Response.Body))
		}
		for _, at := range known {
			if !slices.Contains(diff, at) {
				t.Errorf("%s does not differ at %q any more: take it off the list (%s)", e.Name, at, reason)
			}
		}
		if len(diff) == 0 {
			equal++
		} else {
			byReason[reason]++
		}
	}
	t.Logf("%d exchanges: %d equal, %d skipped", len(c.exchanges), equal, skipped)
	for reason, n := range byReason {
		t.Logf("%d differ: %s", n, reason)
	}
}

func (c conformance) replay(t *testing.T, client *http.Client, endpoint string, e exchange) (response, error) {
	if e.Setup != "" {
		admin(t, c.adminDSN, e.Setup)
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

func readDifferences(t *testing.T) differences {
	t.Helper()
	text, err := os.ReadFile("testdata/differences.json")
	if err != nil {
		t.Fatal(err)
	}
	var list differences
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, class := range list {
		if class.Reason == "" {
			t.Error("differences.json: an entry without a reason")
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
