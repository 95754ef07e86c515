package describe

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// asking is an Asker that says of any statement that it returns the column x.
type asking struct {
	asked atomic.Int32
	wait  time.Duration
	fail  error
}

func (a *asking) Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	a.asked.Add(1)
	select {
	case <-time.After(a.wait):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if a.fail != nil {
		return a.fail
	}
	for i := range statements {
		if err := sink.Fields(i, []upstream.Field{{Name: "x", TypeOID: 23}}); err != nil {
			return err
		}
	}
	return nil
}

func newDescriber(o Options) *Describer { return New(nil, catalog.NewTypes(time.Hour, 100), o) }

func selecting(text string) Query {
	return Query{Text: text, Plan: plan.Plan{Verb: plan.VerbSelect, Returns: plan.ReturnsRows}, StandardConforming: true}
}

func describe(t *testing.T, d *Describer, ask catalog.Asker, q Query) *Description {
	t.Helper()
	answer, err := d.Describe(t.Context(), ask, q)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestKeptUntilItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask, d := &asking{}, newDescriber(Options{})
		first := describe(t, d, ask, selecting("SELECT 1"))
		time.Sleep(defaultTTL - 1)
		if describe(t, d, ask, selecting("SELECT 1")) != first || ask.asked.Load() != 1 {
			t.Error("it is not kept")
		}
		time.Sleep(time.Nanosecond)
		if describe(t, d, ask, selecting("SELECT 1")); ask.asked.Load() != 2 {
			t.Error("it is kept too long")
		}
	})
}

func TestEverythingInAQueryIsInTheKey(t *testing.T) {
	ask, d := &asking{}, newDescriber(Options{})
	base := selecting("SELECT 1")
	others := []func(q *Query){
		func(q *Query) {},
		func(q *Query) { q.Text += " " },
		func(q *Query) { q.Settings = "a" },
		func(q *Query) { q.StandardConforming = false },
		func(q *Query) { q.Prepare = true },
	}
	for i, change := range others {
		q := base
		change(&q)
		if describe(t, d, ask, q); int(ask.asked.Load()) != i+1 {
			t.Errorf("query %d found another's description", i)
		}
	}
	a, b := selecting("x"), selecting("x")
	a.Declared, b.Declared = []uint32{23, 0}, []uint32{0, 23}
	if keyOf(a) == keyOf(b) {
		t.Error("declared types are not in the key")
	}
	b = a
	if b.TypeList = "(int)"; keyOf(a) == keyOf(b) {
		t.Error("the type list is not in the key")
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	ask, d := &asking{fail: errors.New("down")}, newDescriber(Options{})
	if _, err := d.Describe(t.Context(), ask, selecting("SELECT 1")); !errors.Is(err, ask.fail) {
		t.Errorf("the error is %v", err)
	}
	ask.fail = nil
	describe(t, d, ask, selecting("SELECT 1"))
	if n := ask.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
	c := newCache(Options{}, newMetrics(nil, ""))
	refused := func() (*Description, error) {
		ask.asked.Add(1)
		return &Description{Err: pgerr.New(pgerr.InsufficientPrivilege, "no")}, nil
	}
	for range 2 {
		if d, err := c.get(t.Context(), key{text: "a"}, refused); err != nil || d.Err == nil {
			t.Error("the refusal is gone")
		}
	}
	if n := ask.asked.Load(); n != 4 {
		t.Errorf("asked %d times: what Describe refuses is kept", n)
	}
}

func TestOneAsksForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		ask, d := &asking{wait: time.Second}, New(reg, catalog.NewTypes(time.Hour, 1), Options{Route: "main"})
		New(reg, catalog.NewTypes(time.Hour, 1), Options{Route: "other"})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if d, err := d.Describe(t.Context(), ask, selecting("SELECT 1")); err != nil || len(d.Fields) != 1 {
					t.Error(d, err)
				}
			})
		}
		wg.Wait()
		describe(t, d, ask, selecting("SELECT 1"))
		if n := ask.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`
			# HELP pgturnstile_describe_cache_requests_total Descriptions of statements that were looked for in the cache, by what came of it.
			# TYPE pgturnstile_describe_cache_requests_total counter
			pgturnstile_describe_cache_requests_total{endpoint="main",outcome="hit"} 1
			pgturnstile_describe_cache_requests_total{endpoint="main",outcome="miss"} 1
			pgturnstile_describe_cache_requests_total{endpoint="main",outcome="shared"} 99
			pgturnstile_describe_cache_requests_total{endpoint="other",outcome="hit"} 0
			pgturnstile_describe_cache_requests_total{endpoint="other",outcome="miss"} 0
			pgturnstile_describe_cache_requests_total{endpoint="other",outcome="shared"} 0
			`), "pgturnstile_describe_cache_requests_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestTheOneWhoAsksGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask, d := &asking{wait: time.Second}, newDescriber(Options{})
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		first := make(chan error)
		go func() {
			_, err := d.Describe(ctx, ask, selecting("SELECT 1"))
			first <- err
		}()
		synctest.Wait()
		second := make(chan error)
		go func() {
			_, err := d.Describe(t.Context(), ask, selecting("SELECT 1"))
			second <- err
		}()
		waiting, stop := context.WithCancelCause(t.Context())
		third := make(chan error)
		go func() {
			_, err := d.Describe(waiting, ask, selecting("SELECT 1"))
			third <- err
		}()
		synctest.Wait()
		stop(gone)
		if err := <-third; !errors.Is(err, gone) {
			t.Errorf("who waits and goes away gets %v", err)
		}
		cancel(gone)
		if err := <-first; !errors.Is(err, gone) {
			t.Errorf("who asks and goes away gets %v", err)
		}
		if err := <-second; err != nil {
			t.Errorf("the other one gets %v", err)
		}
		if n := ask.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAnAnswerOfBeforeAFlushIsNotKept(t *testing.T) {
	for name, forget := range map[string]func(d *Describer){
		"Flush": func(d *Describer) { d.Flush() },
		"Evict": func(d *Describer) { d.Evict(selecting("SELECT 1")) },
	} {
		synctest.Test(t, func(t *testing.T) {
			ask, d := &asking{wait: time.Second}, newDescriber(Options{})
			done := make(chan error)
			go func() {
				_, err := d.Describe(t.Context(), ask, selecting("SELECT 1"))
				done <- err
			}()
			synctest.Wait()
			forget(d)
			describe(t, d, ask, selecting("SELECT 1")) // asks anew and does not wait for the first
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := ask.asked.Load(); n != 2 {
				t.Errorf("%s: asked %d times", name, n)
			}
			if describe(t, d, ask, selecting("SELECT 1")); ask.asked.Load() != 2 {
				t.Errorf("%s: the second answer is not kept", name)
			}
			forget(d)
			if describe(t, d, ask, selecting("SELECT 1")); ask.asked.Load() != 3 {
				t.Errorf("%s: what was kept stays", name)
			}
		})
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	const bound = 100 << 10
	ask, d := &asking{}, newDescriber(Options{Bytes: bound})
	text := func(i int) Query { return selecting("SELECT " + strings.Repeat("1", 1000) + strings.Repeat(" ", i)) }
	for i := range 200 {
		describe(t, d, ask, text(i))
		describe(t, d, ask, text(0)) // used again and again: it stays
	}
	if n := ask.asked.Load(); n != 200 {
		t.Errorf("asked %d times: the one used last was dropped", n)
	}
	c := d.cache
	sum := int64(0)
	for _, e := range c.entries {
		sum += e.Value.(*entry).bytes
	}
	if c.used != sum || c.used > bound || c.recent.Len() != len(c.entries) || len(c.entries) < 40 {
		t.Errorf("%d bytes, %d counted, %d entries, %d in the list", c.used, sum, len(c.entries), c.recent.Len())
	}
	describe(t, d, ask, selecting("SELECT "+strings.Repeat("1", bound)))
	if len(c.entries) < 40 || c.used > bound {
		t.Error("one that is too large has driven the others out")
	}
	d.Flush()
	if c.used != 0 || len(c.entries) != 0 || c.recent.Len() != 0 {
		t.Error("something is left after Flush")
	}
}
