package catalog

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// refreshLimit bounds a refresh that no login waits for.
const refreshLimit = 30 * time.Second

// Cache keeps the facts of one route. Safe for concurrent use.
type Cache struct {
	up  upstream.Upstream
	ttl time.Duration
	log *zap.Logger

	mu      sync.Mutex
	facts   *Facts        // the newest ever read, nil before the first
	readAt  time.Time     // when
	reading chan struct{} // closed when the read in flight ends; nil when none is
}

// NewCache makes an empty cache; ttl is how long facts are given out before they are read again in the background.
func NewCache(up upstream.Upstream, ttl time.Duration, log *zap.Logger) *Cache {
	return &Cache{up: up, ttl: ttl, log: log}
}

// Get gives the route's facts. The first caller reads them with its own token while the others wait; once there, older
// facts than the TTL are given out too, while one caller's token refreshes them in the background: a server that is
// down must not end logins. The error is FATAL 57P03, or what the upstream said of this caller's token.
func (c *Cache) Get(ctx context.Context, who Caller) (*Facts, error) {
	for {
		c.mu.Lock()
		facts, reading := c.facts, c.reading
		if facts != nil {
			if reading == nil && time.Since(c.readAt) >= c.ttl {
				c.reading = make(chan struct{})
				go c.refresh(context.WithoutCancel(ctx), who)
			}
			c.mu.Unlock()
			return facts, nil
		}
		if reading == nil {
			c.reading = make(chan struct{})
			c.mu.Unlock()
			return c.readNow(ctx, who)
		}
		c.mu.Unlock()
		// Another caller reads. Whether it succeeds may hang on its token alone, so a failure is not shared: look again.
		select {
		case <-reading:
		case <-ctx.Done():
			return nil, unavailable(context.Cause(ctx))
		}
	}
}

// Probe asks the server with this caller's token whatever the cache holds, for a key id that the route has not accepted
// yet. A success refreshes the cache.
func (c *Cache) Probe(ctx context.Context, who Caller) (*Facts, error) {
	facts, err := read(ctx, c.up, who)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.facts, c.readAt = facts, time.Now()
	c.mu.Unlock()
	return facts, nil
}

// readNow reads for a login that waits; this goroutine owns c.reading.
func (c *Cache) readNow(ctx context.Context, who Caller) (facts *Facts, err error) {
	defer func() { c.settle(facts) }()
	if facts, err = read(ctx, c.up, who); err != nil {
		return nil, unavailable(err)
	}
	return facts, nil
}

// refresh reads for nobody in particular, in a goroutine of its own that owns c.reading.
func (c *Cache) refresh(ctx context.Context, who Caller) {
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic", zap.String("event", "panic"), zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	if _, err := c.readNow(ctx, who); err != nil {
		c.log.Warn("server parameters could not be refreshed, the old ones stay in use", zap.String("event", "facts_not_refreshed"), zap.Error(err))
	}
}

// settle ends the read in flight. Without new facts the old ones count as read a little later, so that not every login asks
// again.
func (c *Cache) settle(facts *Facts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.reading)
	c.reading = nil
	if facts != nil {
		c.facts, c.readAt = facts, time.Now()
	} else {
		c.readAt = time.Now().Add(-c.ttl + min(c.ttl, refreshLimit))
	}
}

// unavailable keeps what the server says of the token itself (class 28) and its own 57P03, and makes the rest one sentence.
func unavailable(err error) error {
	if e := pgerr.From(err); e.Class() == "28" || e.Code == pgerr.CannotConnectNow {
		return e.Fatal()
	}
	e := pgerr.New(pgerr.CannotConnectNow, "the database cannot be reached at the moment").
		WithHint("Try again in a few seconds.").Fatal().Because(err)
	if cause := pgerr.From(err); cause.Code != pgerr.InternalError {
		e = e.WithDetail("%s", cause.Message)
	}
	return e
}
