package neontest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// stack is one server over a database of its own, and a client.
type stack struct {
	keys   keyring
	dsn    string
	server *neontest.Server
	client *http.Client
	now    func() time.Time // what tokens are minted by
}

func newStack(t *testing.T, o neontest.Options) *stack {
	t.Helper()
	s := &stack{keys: testKeys(t), now: time.Now}
	if o.DSN == "" {
		o.DSN = newDatabase(t, fmt.Sprintf("stack%d", nextDatabase()))
	}
	s.dsn = o.DSN
	if o.Providers == nil {
		o.Providers = providers(jwksServer(t, s.keys).URL)
	}
	o.JWKSRetryPause = time.Millisecond
	s.server = newServer(t, o)
	s.client = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

func nextDatabase() int {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.dbs++
	return shared.dbs
}

// database is the name in the DSN.
func (s *stack) database() string {
	path := s.dsn[strings.LastIndexByte(s.dsn, '/')+1:]
	name, _, _ := strings.Cut(path, "?")
	return name
}

func (s *stack) headers() map[string]string {
	return map[string]string{"Neon-Connection-String": "postgresql://authenticated@ep-test-1.example.com/" + s.database(),
		"Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}
}

// query is one statement with text parameters.
type query struct {
	SQL    string   `json:"query"`
	Params []string `json:"params"`
}

func sql(text string, params ...string) query { return query{text, params} }

// reply is an answer, read.
type reply struct {
	response
	Message, Code string
	Rows          [][]*string // of a single statement
	Results       []struct{ Rows [][]*string }
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.Status, r.Body) }

// cell is a value of a single statement's result as text.
func (r reply) cell(row, column int) string { return cellOf(r.Rows, row, column) }

// of is a value of the n-th statement of a batch.
func (r reply) of(n, row, column int) string {
	if n >= len(r.Results) {
		return "no result: " + r.String()
	}
	return cellOf(r.Results[n].Rows, row, column)
}

func cellOf(rows [][]*string, row, column int) string {
	if row >= len(rows) || column >= len(rows[row]) {
		return "no such cell"
	}
	if v := rows[row][column]; v != nil {
		return *v
	}
	return "NULL"
}

// ask sends statements as a user: one alone is a single statement, several are a batch.
func (s *stack) ask(t *testing.T, sub string, queries ...query) reply {
	t.Helper()
	r, err := s.try(t.Context(), s.headers(), tokenSpec{Claims: json.RawMessage(fmt.Sprintf(`{"sub":%q}`, sub))}, queries...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *stack) try(ctx context.Context, headers map[string]string, token tokenSpec, queries ...query) (reply, error) {
	for i := range queries {
		if queries[i].Params == nil {
			queries[i].Params = []string{}
		}
	}
	var payload any = map[string]any{"queries": queries}
	if len(queries) == 1 {
		payload = queries[0]
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return reply{}, err
	}
	body := string(text)
	authorization, authorized, err := s.keys.mint(token, s.now())
	if err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	got, err := send(ctx, s.client, endpointOf(s.server), request{Method: "POST", Path: "/sql", Headers: headers, Body: &body}, authorization, authorized)
	if err != nil {
		return reply{}, err
	}
	r := reply{response: got}
	if err := json.Unmarshal([]byte(got.Body), &r); err != nil && !got.ConnectionClosed {
		return r, fmt.Errorf("%s: %w", got.Body, err)
	}
	return r, nil
}

// await asks until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
