package jwks

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// flight is one running fetch. err is written before done is closed and read only after.
type flight struct {
	done chan struct{}
	err  error
}

// Pauses after failures: 1, 2, 4 ... 30 s, each up to a fifth longer, so that a fleet does not come back in step.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
)

// fly starts a fetch, or gives the one that is running. It is no child of the lookup that asks: others wait for it too. Called
// under mu, and not after Close.
func (c *Cache) fly() *flight {
	if c.flight != nil {
		return c.flight
	}
	f := &flight{done: make(chan struct{})}
	c.flight = f
	c.done.Go(func() { c.fetch(f) })
	return f
}

func (c *Cache) fetch(f *flight) {
	ctx, cancel := context.WithTimeout(c.ctx, c.config.FetchTimeout)
	defer cancel()
	start := time.Now()
	set, err := c.read(ctx)
	c.metrics.duration.WithLabelValues(c.config.Issuer).Observe(time.Since(start).Seconds())
	result := resultOK
	if err != nil {
		result = err.result
	}
	c.metrics.fetches.WithLabelValues(c.config.Issuer, result).Inc()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = nil
	if err != nil {
		f.err = err
		c.failed(err)
	} else {
		c.install(set)
	}
	close(f.done)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Cache) read(ctx context.Context) (*keySet, *fetchError) {
	body, err := c.source.read(ctx)
	if err != nil {
		if fault, ok := errors.AsType[*fetchError](err); ok {
			return nil, fault
		}
		return nil, failed(resultHTTPError, "%w", err)
	}
	set, fault := parseKeySet(body)
	if fault != nil {
		return nil, fault
	}
	set.fetched = time.Now()
	return set, nil
}

// failed notes a failed fetch. The set that serves stays. Called under mu.
func (c *Cache) failed(err error) {
	if c.closed {
		return
	}
	c.failures++
	c.lastFailure = err
	pause := min(firstPause<<min(c.failures-1, 10), maxPause)
	pause += rand.N(pause / 5)
	c.next = time.Now().Add(pause)
	c.log.Warn("key set not fetched", zap.Error(err), zap.Int("failures", c.failures), zap.Duration("next_in", pause))
}

// install makes a good set the one that serves. Called under mu.
func (c *Cache) install(set *keySet) {
	old := c.set.Load()
	generation := c.generation.Load()
	changed := old == nil || old.content != set.content
	if changed {
		generation++
	}
	for _, key := range set.keys { // after StaleLimit the generation has moved on already
		key.generation = generation
	}
	c.set.Store(set)
	if changed {
		c.generation.Store(generation)
		c.logChange(old, set)
	}
	c.expired = false
	c.failures, c.lastFailure = 0, nil
	c.next = set.fetched.Add(c.config.TTL/2 + rand.N(c.config.TTL*3/10))
}

func (c *Cache) logChange(old, set *keySet) {
	fields := []zap.Field{zap.Strings("kids", set.ids()), zap.Strings("skipped", set.skipped)}
	if old == nil {
		c.log.Info("key set loaded", fields...)
		return
	}
	kept := 0
	for id, key := range set.keys {
		if before := old.keys[id]; before != nil && before.public.Equal(key.public) {
			kept++
		}
	}
	fields = append(fields, zap.Strings("kids_before", old.ids()))
	if kept == 0 { // an emergency rotation, or somebody else's answer
		c.log.Error("every key of the issuer was replaced at once", fields...)
		return
	}
	c.log.Info("key set changed", fields...)
}

// refresher fetches whenever a fetch is due, and lets the generation say so when the last good set is too old to serve.
func (c *Cache) refresher() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
		timer.Reset(c.step(time.Now()))
	}
}

// step does what is due and returns how long nothing will be.
func (c *Cache) step(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return time.Hour // ctx ends at once
	}
	set := c.set.Load()
	if set != nil && !c.expired && age(set.fetched) >= c.config.StaleLimit {
		c.expired = true
		c.generation.Add(1)
		c.log.Error("the key set is too old to serve", zap.Time("fetched", set.fetched))
	}
	if c.flight != nil {
		return time.Hour // its end wakes the refresher
	}
	if !now.Before(c.next) {
		c.fly()
		return time.Hour
	}
	wait := c.next.Sub(now)
	if set != nil && !c.expired {
		wait = min(wait, max(c.config.StaleLimit-age(set.fetched), 0))
	}
	return wait
}
