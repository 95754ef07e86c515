package jwks

import (
	"context"
	"fmt"
	"time"
)

// Key returns the key of this id. It may wait for one fetch, at most FetchTimeout, and for no longer than ctx. The error wraps
// ErrUnknownKey, ErrUnavailable or ctx's error.
func (c *Cache) Key(ctx context.Context, id string) (*Key, error) {
	if set := c.set.Load(); set != nil && age(set.fetched) < c.config.TTL {
		if key := set.keys[id]; key != nil {
			c.count(outcomeHit)
			return key, nil
		}
	}
	if !plausible(id) {
		c.count(outcomeSuppressed)
		return nil, ErrUnknownKey
	}
	key, wait, outcome, err := c.look(id)
	c.count(outcome)
	if wait == nil {
		return key, err
	}
	select {
	case <-wait.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.lookAfter(wait, id)
}

func (c *Cache) count(outcome string) { c.requests[outcome].Inc() }

// look decides what a lookup that the fast path did not answer gets: a key, an error, or a flight to wait for.
func (c *Cache) look(id string) (*Key, *flight, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	set := c.usable()
	if set == nil {
		if c.flight == nil && (c.closed || c.failures > 0 && now.Before(c.next)) {
			return nil, nil, outcomeSuppressed, c.unavailable()
		}
		return nil, c.fly(), outcomeMiss, nil
	}
	if key := set.keys[id]; key != nil {
		// Past its time to live. While fetches fail, lookups do not wait for the next one, which the refresher makes.
		if age(set.fetched) < c.config.TTL || c.failures > 0 || c.closed {
			return key, nil, outcomeHit, nil
		}
		return nil, c.fly(), outcomeMiss, nil
	}
	switch {
	case c.negative.has(id, now):
		return nil, nil, outcomeNegativeHit, ErrUnknownKey
	case c.flight != nil:
		return nil, c.flight, outcomeMiss, nil
	case c.failures > 0 && now.Before(c.next), c.closed:
		return nil, nil, outcomeSuppressed, c.unavailable()
	case now.Before(c.nextUnknown):
		return nil, nil, outcomeSuppressed, ErrUnknownKey
	}
	c.nextUnknown = now.Add(c.config.UnknownInterval)
	return nil, c.fly(), outcomeMiss, nil
}

// lookAfter answers a lookup that waited for a flight; it starts no other.
func (c *Cache) lookAfter(f *flight, id string) (*Key, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.usable()
	if set == nil {
		return nil, c.unavailable()
	}
	if key := set.keys[id]; key != nil {
		return key, nil
	}
	if f.err != nil {
		return nil, c.unavailable()
	}
	c.negative.add(id, time.Now())
	return nil, ErrUnknownKey
}

// usable returns the set that may serve, nil if there is none. Called under mu.
func (c *Cache) usable() *keySet {
	if set := c.set.Load(); set != nil && age(set.fetched) < c.config.StaleLimit {
		return set
	}
	return nil
}

// unavailable wraps why there are no keys. Called under mu.
func (c *Cache) unavailable() error {
	switch {
	case c.closed:
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	case c.lastFailure != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, c.lastFailure)
	}
	return ErrUnavailable
}
