package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
)

// origin is an issuer without a socket.
type origin struct {
	mu      sync.Mutex
	body    string
	status  int
	delay   time.Duration
	fetches int
	times   []time.Time
}

func (o *origin) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.fetches++
	o.times = append(o.times, time.Now())
	body, status, delay := o.body, o.status, o.delay
	o.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
}

// set changes what the origin answers.
func (o *origin) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

func (o *origin) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fetches
}

// modulus of 2048 bits, odd; n tells moduli apart. Nobody has its factors: nothing is signed here.
func modulus(n byte) string {
	return base64url(append(append([]byte{0x80, n}, bytes.Repeat([]byte{0x55}, 253)...), 1))
}

func published(id string, n byte) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"use":"sig","alg":"RS256","e":"AQAB","n":%q}`, id, modulus(n))
}

func keys(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }

// bubbled runs a test in fake time on a cache of the origin, which publishes the key a.
func bubbled(t *testing.T, change func(*Config), test func(t *testing.T, c *Cache, o *origin, reg *prometheus.Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &origin{body: keys(published("a", 1))}
		config := Config{Issuer: "pool", URL: "https://keys.test/jwks.json", Transport: o}
		if change != nil {
			change(&config)
		}
		reg := prometheus.NewRegistry()
		c, err := New(NewMetrics(reg), zap.NewNop(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		test(t, c, o, reg)
	})
}

// begin changes the origin before the first fetch.
func begin(change func(o *origin)) func(*Config) {
	return func(c *Config) { change(c.Transport.(*origin)) }
}

func has(t *testing.T, c *Cache, id string) {
	t.Helper()
	key, err := c.Key(context.Background(), id)
	if err != nil {
		t.Errorf("key %s: %v", id, err)
	} else if key.ID() != id {
		t.Errorf("key %s for %s", key.ID(), id)
	}
}

func lacks(t *testing.T, c *Cache, id string, want error) {
	t.Helper()
	if _, err := c.Key(context.Background(), id); !errors.Is(err, want) {
		t.Errorf("key %q: %v, want %v", id, err, want)
	}
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRefreshIsJitteredBetweenHalfAndFourFifths(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		pass(100 * time.Hour)
		least, most := time.Hour, time.Duration(0)
		for i := 1; i < len(o.times); i++ {
			pause := o.times[i].Sub(o.times[i-1])
			least, most = min(least, pause), max(most, pause)
		}
		if least < 30*time.Minute || most > 48*time.Minute || most-least < 5*time.Minute {
			t.Errorf("pauses from %s to %s in %d fetches", least, most, o.fetches)
		}
	})
}

func TestFailuresBackOff(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, reg *prometheus.Registry) {
		synctest.Wait()
		o.set(func() { o.status = 503; o.fetches, o.times = 0, nil })
		pass(58 * time.Minute) // the first of them after 30 to 48
		has(t, c, "a")
		if len(o.times) < 10 {
			t.Fatalf("%d fetches", len(o.times))
		}
		for i := 1; i < len(o.times); i++ {
			want := min(time.Second<<min(i-1, 10), 30*time.Second)
			if pause := o.times[i].Sub(o.times[i-1]); pause < want || pause > want*6/5+time.Millisecond {
				t.Errorf("pause %d is %s, want about %s", i, pause, want)
			}
		}
		if n := testutil.ToFloat64(c.metrics.fetches.WithLabelValues("pool", "http_error")); int(n) != o.count() {
			t.Errorf("metric %v, %d failures", n, o.count())
		}
		o.set(func() { o.status = 0 })
		pass(time.Minute)
		if s := c.Status(); s.Failures != 0 || s.Err != nil || s.Stale {
			t.Errorf("after the outage: %+v", s)
		}
	})
}

// With no set at all, logins during the pause are answered at once and cause no fetch.
func TestNoKeysYet(t *testing.T) {
	bubbled(t, begin(func(o *origin) { o.status = 500 }), func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		lacks(t, c, "a", ErrUnavailable)
		before := o.count()
		start := time.Now()
		for range 100 {
			lacks(t, c, "a", ErrUnavailable)
		}
		if o.count() != before || time.Since(start) != 0 {
			t.Errorf("%d fetches, %s", o.count()-before, time.Since(start))
		}
		o.set(func() { o.status = 0 })
		pass(40 * time.Second)
		has(t, c, "a")
	})
}

// A slow issuer holds nobody longer than the limit of a fetch.
func TestFetchEndsAtItsLimit(t *testing.T) {
	bubbled(t, begin(func(o *origin) { o.delay = time.Hour }), func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		start := time.Now()
		lacks(t, c, "a", ErrUnavailable)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %s, want 5s", took)
		}
		if n := testutil.ToFloat64(c.metrics.fetches.WithLabelValues("pool", "timeout")); n != 1 {
			t.Errorf("%v timeouts counted", n)
		}
	})
}

func TestLookupEndsWithItsContext(t *testing.T) {
	bubbled(t, begin(func(o *origin) { o.delay = 3 * time.Second }), func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.Key(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		has(t, c, "a") // the fetch went on for the others
		if o.count() != 1 {
			t.Errorf("%d fetches", o.count())
		}
	})
}

func TestUnknownKeyIDs(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, reg *prometheus.Registry) {
		has(t, c, "a")
		if o.count() != 1 {
			t.Fatalf("%d fetches at the start", o.count())
		}
		for _, odd := range []string{"", strings.Repeat("k", 257), "a\nb", "a\x00", "\x7f"} {
			lacks(t, c, odd, ErrUnknownKey)
		}
		if o.count() != 1 {
			t.Error("an impossible key id caused a fetch")
		}
		lacks(t, c, "b", ErrUnknownKey)
		lacks(t, c, "c", ErrUnknownKey)
		if o.count() != 2 {
			t.Errorf("%d fetches, want one more for b and none for c", o.count())
		}
		pass(30 * time.Second)
		lacks(t, c, "b", ErrUnknownKey) // remembered for a minute
		if o.count() != 2 {
			t.Error("the same unknown id caused a second fetch")
		}
		o.set(func() { o.body = keys(published("a", 1), published("c", 2)) })
		has(t, c, "c")
		pass(31 * time.Second)
		lacks(t, c, "b", ErrUnknownKey)
		if o.count() != 4 {
			t.Errorf("%d fetches, want 4", o.count())
		}
		want := `# HELP pgturnstile_jwks_cache_requests_total Lookups of a key id.
# TYPE pgturnstile_jwks_cache_requests_total counter
pgturnstile_jwks_cache_requests_total{issuer="pool",outcome="hit"} 0
pgturnstile_jwks_cache_requests_total{issuer="pool",outcome="miss"} 4
pgturnstile_jwks_cache_requests_total{issuer="pool",outcome="negative_hit"} 1
pgturnstile_jwks_cache_requests_total{issuer="pool",outcome="suppressed"} 6
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pgturnstile_jwks_cache_requests_total"); err != nil {
			t.Error(err)
		}
	})
}

// An unknown id while the issuer is down is no unknown key: nobody knows.
func TestUnknownKeyDuringAnOutage(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		has(t, c, "a")
		o.set(func() { o.status = 503 })
		lacks(t, c, "b", ErrUnavailable)
		lacks(t, c, "c", ErrUnavailable)
		has(t, c, "a")
		o.set(func() { o.status = 0; o.body = keys(published("a", 1), published("b", 2)) })
		pass(2 * time.Second) // the refresher tries again
		has(t, c, "b")
	})
}

// The whole storm: 10,000 random ids a second for a minute.
func TestRandomKeyIDStorm(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		has(t, c, "a")
		ctx := context.Background()
		before := o.count()
		for second := range 60 {
			for i := range 10_000 {
				if _, err := c.Key(ctx, fmt.Sprintf("r%d-%d", second, i)); err == nil {
					t.Fatal("a random id has a key")
				}
			}
			has(t, c, "a")
			pass(time.Second)
		}
		if n := o.count() - before; n > 2 {
			t.Errorf("%d fetches in a minute, want at most 2", n)
		}
		if n := len(c.negative.until); n > maxNegative {
			t.Errorf("%d ids are remembered", n)
		}
	})
}

// The storm while the issuer is down: its fetches are the back-off's alone.
func TestRandomKeyIDStormDuringAnOutage(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		has(t, c, "a")
		o.set(func() { o.status = 503; o.fetches = 0 })
		for second := range 120 {
			for i := range 100 {
				lacks(t, c, fmt.Sprintf("r%d-%d", second, i), ErrUnavailable)
			}
			has(t, c, "a")
			pass(time.Second)
		}
		if n := o.count(); n > 10 { // 1, 2, 4, 8, 16, 30, 30, 30 s
			t.Errorf("%d fetches in two minutes", n)
		}
	})
}

func TestNegativeIsBounded(t *testing.T) {
	var n negative
	now := time.Now()
	for i := range 5 * maxNegative {
		n.add(fmt.Sprint(i), now)
	}
	if len(n.until) != maxNegative || n.has("0", now) || !n.has(fmt.Sprint(5*maxNegative-1), now) {
		t.Errorf("%d ids", len(n.until))
	}
	if n.has(fmt.Sprint(5*maxNegative-1), now.Add(negativeTTL)) {
		t.Error("remembered for too long")
	}
}
