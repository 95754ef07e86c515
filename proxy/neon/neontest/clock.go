package neontest

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time to the checks of tokens and to the cache of keys.
type Clock interface {
	Now() time.Time
	// Wait returns when the time has come, or ctx's error.
	Wait(ctx context.Context, until time.Time) error
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ManualClock is a [Clock] that stands still until it is moved. Safe for concurrent use.
type ManualClock struct {
	mu      sync.Mutex
	now     time.Time
	moved   chan struct{} // closed at the next Advance
	waiting int
}

// NewManualClock returns a clock that shows now.
func NewManualClock(now time.Time) *ManualClock {
	return &ManualClock{now: now, moved: make(chan struct{})}
}

// Now returns the time that the clock shows.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward and wakes who waited for that.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

// Waiting is the number of callers in Wait.
func (c *ManualClock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting
}

// Wait implements [Clock].
func (c *ManualClock) Wait(ctx context.Context, until time.Time) error {
	c.mu.Lock()
	c.waiting++
	defer func() { c.waiting--; c.mu.Unlock() }()
	for c.now.Before(until) {
		moved := c.moved
		c.mu.Unlock()
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = ctx.Err()
		}
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}
