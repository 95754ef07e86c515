package jwks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestGenerationFollowsTheKeys(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, _ *prometheus.Registry) {
		at := func() uint64 { synctest.Wait(); return c.Generation() }
		first := at()
		pass(10 * time.Hour)
		if at() != first {
			t.Error("changed although the keys did not")
		}
		key, err := c.Key(context.Background(), "a")
		if err != nil || key.Generation() != first {
			t.Errorf("the key's generation is another: %v", err)
		}
		last := first
		for _, step := range []struct{ what, body string }{
			{"a key came", keys(published("a", 1), published("b", 2))},
			{"a modulus changed under its id", keys(published("a", 3), published("b", 2))},
			{"a key went", keys(published("b", 2))},
		} {
			o.set(func() { o.body = step.body })
			pass(time.Hour)
			if now := at(); now == last {
				t.Errorf("the same generation after %s", step.what)
			} else {
				last = now
			}
		}
		lacks(t, c, "a", ErrUnknownKey)
		has(t, c, "b")
	})
}

func TestStaleLimitIsFailClosed(t *testing.T) {
	bubbled(t, func(c *Config) { c.StaleLimit = 2 * time.Hour }, func(t *testing.T, c *Cache, o *origin, reg *prometheus.Registry) {
		synctest.Wait()
		generation, fetched := c.Generation(), float64(time.Now().Unix())
		gauges := func(keys, stale int) {
			t.Helper()
			want := fmt.Sprintf(`# HELP pgturnstile_jwks_keys Usable keys of the set that is served.
# TYPE pgturnstile_jwks_keys gauge
pgturnstile_jwks_keys{issuer="pool"} %d
# HELP pgturnstile_jwks_last_success_timestamp_seconds When the key set was last fetched well, 0 if never.
# TYPE pgturnstile_jwks_last_success_timestamp_seconds gauge
pgturnstile_jwks_last_success_timestamp_seconds{issuer="pool"} %g
# HELP pgturnstile_jwks_stale 1 if the served key set is older than its time to live.
# TYPE pgturnstile_jwks_stale gauge
pgturnstile_jwks_stale{issuer="pool"} %d
`, keys, fetched, stale)
			if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pgturnstile_jwks_keys", "pgturnstile_jwks_stale",
				"pgturnstile_jwks_last_success_timestamp_seconds"); err != nil {
				t.Error(err)
			}
		}
		gauges(1, 0)
		o.set(func() { o.status = 503 })
		pass(2*time.Hour - time.Second)
		has(t, c, "a")
		gauges(1, 1)
		if c.Generation() != generation {
			t.Error("the generation changed before the limit")
		}
		pass(time.Second)
		lacks(t, c, "a", ErrUnavailable)
		gauges(0, 1)
		if c.Generation() == generation {
			t.Error("the generation is the same after the limit")
		}
		o.set(func() { o.status = 0 })
		pass(time.Minute)
		has(t, c, "a")
	})
}

func TestClose(t *testing.T) {
	bubbled(t, nil, func(t *testing.T, c *Cache, o *origin, reg *prometheus.Registry) {
		has(t, c, "a")
		o.set(func() { o.delay = time.Hour })
		var waited atomic.Bool
		go func() {
			lacks(t, c, "b", ErrUnavailable)
			waited.Store(true)
		}()
		synctest.Wait()
		c.Close()
		synctest.Wait()
		if !waited.Load() {
			t.Error("a lookup waits for a fetch that was ended")
		}
		before := o.count()
		has(t, c, "a")
		lacks(t, c, "z", ErrClosed)
		pass(2 * time.Hour)
		has(t, c, "a")
		if o.count() != before {
			t.Error("fetched after Close")
		}
		if n, err := testutil.GatherAndCount(reg, "pgturnstile_jwks_keys"); err != nil || n != 0 {
			t.Errorf("%d gauges of a closed cache, %v", n, err)
		}
		c.Close() // twice is once
	})
}

func TestKeysFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keys(published("a", 1)))
	bubbled(t, func(c *Config) { c.URL, c.Transport, c.File = "", nil, path }, func(t *testing.T, c *Cache, _ *origin, _ *prometheus.Registry) {
		has(t, c, "a")
		write(keys(published("b", 2)))
		has(t, c, "b")
		lacks(t, c, "a", ErrUnknownKey)
		write("")
		pass(3 * time.Hour)
		has(t, c, "b")
		if s := c.Status(); s.Err == nil || !s.Stale {
			t.Errorf("%+v", s)
		}
	})
}

func TestFileThatIsNone(t *testing.T) {
	for name, path := range map[string]string{"a folder": t.TempDir(), "nothing": filepath.Join(t.TempDir(), "none")} {
		if _, err := fileSource(path).read(t.Context()); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
