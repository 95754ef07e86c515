package neontest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// unknown-kid-after-30s, at the speed of a clock that is moved by hand.
func TestScenarioUnknownKid(t *testing.T) {
	clock := neontest.NewManualClock(time.Now())
	s := newStack(t, neontest.Options{Clock: clock})
	s.now = clock.Now
	jwks := jwksServer(t, s.keys)
	var fetches atomic.Int64
	counted := newCounter(t, jwks.URL+"/main", &fetches)
	s.server.SetProviders(neontest.Provider{JWKSURL: counted, Roles: []string{"authenticated"}})
	valid := tokenSpec{Claims: json.RawMessage(`{"sub":"alice","exp":9999999999}`)}
	unknown := valid
	unknown.Kid = json.RawMessage(`"nope"`)
	ask := func(ctx context.Context, token tokenSpec) reply {
		got, err := s.try(ctx, s.headers(), token, sql("select 1"))
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		return got
	}
	if got := ask(t.Context(), valid); got.Status != 200 {
		t.Fatal(got)
	}
	for _, age := range []time.Duration{0, 30 * time.Second} { // up to 30 s after the fetch it is said at once
		clock.Advance(age)
		wantError(t, "an unknown kid at the age of "+age.String(), ask(t.Context(), unknown), 400, "", "jwk not found")
	}
	clock.Advance(time.Second)
	answer := make(chan reply, 1)
	go func() { answer <- ask(t.Context(), unknown) }()
	await(t, "the unknown kid waits", func() bool { return clock.Waiting() == 1 })
	if got := ask(t.Context(), valid); got.Status != 200 { // meanwhile
		t.Errorf("a valid token while an unknown kid waits: %s", got)
	}
	// A client that leaves ends its wait.
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() { defer close(gone); ask(ctx, unknown) }()
	await(t, "two wait", func() bool { return clock.Waiting() == 2 })
	cancel()
	<-gone
	await(t, "one waits", func() bool { return clock.Waiting() == 1 })
	if n := fetches.Load(); n != 1 {
		t.Errorf("%d fetches before 300 s", n)
	}
	clock.Advance(268 * time.Second)
	select {
	case got := <-answer:
		t.Errorf("an answer after 299 s: %s", got)
	default:
	}
	clock.Advance(time.Second)
	wantError(t, "after 300 s", <-answer, 400, "", "jwk not found")
	if n := fetches.Load(); n != 2 {
		t.Errorf("%d fetches after 300 s, want 2", n)
	}
	// The same token is good once its key is there.
	clock.Advance(31 * time.Second)
	go func() { answer <- ask(t.Context(), tokenSpec{Claims: valid.Claims, Key: "aud-1"}) }()
	await(t, "the new key's token waits", func() bool { return clock.Waiting() == 1 })
	s.server.SetProviders(neontest.Provider{JWKSURL: jwks.URL + "/aud", Roles: []string{"authenticated"}})
	clock.Advance(269 * time.Second)
	if got := <-answer; got.Status != 200 {
		t.Errorf("after the key has come: %s", got)
	}
	// A key that was taken away stays good for an hour if nothing asks for a renewal, which is due after five minutes.
	wantError(t, "the removed key", ask(t.Context(), valid), 400, "", "jwk not found")
}

// A known key is served from an old set; the set is renewed in the background after 300 s and waited for after an hour.
func TestKeysAreRenewed(t *testing.T) {
	clock := neontest.NewManualClock(time.Now())
	s := newStack(t, neontest.Options{Clock: clock})
	var fetches atomic.Int64
	counted := newCounter(t, jwksServer(t, s.keys).URL+"/main", &fetches)
	s.server.SetProviders(neontest.Provider{JWKSURL: counted, Roles: []string{"authenticated"}})
	token := tokenSpec{Claims: json.RawMessage(`{"sub":"alice","exp":9999999999}`)}
	for i, step := range []struct {
		age  time.Duration
		want int64
	}{{0, 1}, {300 * time.Second, 1}, {time.Second, 2}, {time.Hour, 3}, {time.Hour + time.Second, 4}} {
		clock.Advance(step.age)
		got, err := s.try(t.Context(), s.headers(), token, sql("select 1"))
		if err != nil || got.Status != 200 {
			t.Fatalf("step %d: %s %v", i, got, err)
		}
		await(t, "the fetch", func() bool { return fetches.Load() >= step.want })
		if n := fetches.Load(); n != step.want {
			t.Errorf("step %d: %d fetches, want %d", i, n, step.want)
		}
	}
}

// newCounter passes requests on to url and counts them.
func newCounter(t *testing.T, url string, n *atomic.Int64) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(url)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		n.Add(1)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// over-100-connections, with a lower number and a clock moved by hand.
func TestScenarioManyConnections(t *testing.T) {
	clock := neontest.NewManualClock(time.Now())
	s := newStack(t, neontest.Options{Clock: clock, MaxConns: 5})
	s.now = clock.Now
	var conns []*bufio.Reader
	var raw []net.Conn
	dial := func() {
		conn := s.rawRequest(t, `{"query":"select 1"}`)
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		conns, raw = append(conns, r), append(raw, conn)
	}
	for range 5 {
		dial()
	}
	dial() // one too many, but none is old enough
	alive := func() (n int) {
		for i := range conns {
			if err := raw[i].SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := conns[i].Peek(1); err != io.EOF {
				n++
			}
		}
		return n
	}
	if n := alive(); n != 6 {
		t.Errorf("%d of 6 young connections are open", n)
	}
	clock.Advance(11 * time.Second)
	dial()
	await(t, "an old connection is closed", func() bool { return alive() == 6 })
	if err := raw[6].SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[6].Peek(1); err == io.EOF {
		t.Error("the new connection was closed")
	}
}

// A server must be usable over HTTP/2 without TLS as well.
func TestScenarioHTTP2(t *testing.T) {
	s := newStack(t, neontest.Options{})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	var version string
	s.client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := transport.RoundTrip(r)
		if err == nil {
			version = resp.Proto
		}
		return resp, err
	})}
	if got := s.ask(t, "alice", sql("select auth.user_id()")); got.cell(0, 0) != "alice" || !strings.HasPrefix(version, "HTTP/2") {
		t.Errorf("over %s: %s", version, got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
