package neontest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Provider says whose tokens are good for which roles.
type Provider struct {
	JWKSURL  string
	Audience string // "" is any
	Roles    []string
}

// Ages of a fetched key set. Nothing is fetched anew before autoRenew: an unknown key id between minRenew and autoRenew
// gets no answer until then.
const (
	minRenew  = 30 * time.Second
	autoRenew = 300 * time.Second
	maxRenew  = time.Hour

	maxEntries   = 10_000
	fetchTimeout = 5 * time.Second
	fetchTries   = 4
	maxJWKS      = 64 << 10
)

// keyCache holds the keys of all providers, fetched apart for every endpoint and role.
type keyCache struct {
	clock  Clock
	client *http.Client
	pause  time.Duration // before the first repeated fetch; then doubled

	mu        sync.Mutex
	configure bool // providers were set: none at all is an error of its own
	providers []Provider
	entries   map[cacheKey]*cacheEntry
}

type cacheKey struct{ endpoint, role string }

// cacheEntry is one fetched copy of the keys. renew is held while it is fetched.
type cacheEntry struct {
	renew chan struct{} // one token: whoever has it fetches

	mu   sync.Mutex
	sets *keySets // nil until first fetched
}

type keySets struct {
	fetched time.Time
	list    []keySet
}

type keySet struct {
	keys     []jwk
	audience string
	roles    []string
}

func (s *keySets) find(kid, role string) (*jwk, string, bool) {
	for i := range s.list {
		set := &s.list[i]
		for _, r := range set.roles {
			if r != role {
				continue
			}
			for j := range set.keys {
				if set.keys[j].hasKid && set.keys[j].kid == kid {
					return &set.keys[j], set.audience, true
				}
			}
		}
	}
	return nil, "", false
}

// check verifies a token for a role and returns it.
func (c *keyCache) check(ctx context.Context, text string, to target) (*token, error) {
	t, f := parseToken(text)
	if f != nil {
		return nil, f
	}
	entry := c.entry(cacheKey{to.endpoint, to.role})
	sets, err := c.current(ctx, entry)
	if err != nil {
		return nil, err
	}
	for {
		key, audience, ok := sets.find(t.kid, to.role)
		if ok {
			return t, t.verify(key, audience, c.clock.Now())
		}
		if c.clock.Now().Sub(sets.fetched) <= minRenew {
			return nil, refusal("jwk not found")
		}
		// Neon's program spins here, asking for a renewal that is refused until the set is old enough.
		if err := c.clock.Wait(ctx, sets.fetched.Add(autoRenew)); err != nil {
			return nil, err
		}
		if sets, err = c.renewed(ctx, entry); err != nil {
			return nil, err
		}
	}
}

func (c *keyCache) entry(key cacheKey) *cacheEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.entries[key]
	if entry == nil {
		if len(c.entries) >= maxEntries { // anybody may name another endpoint: begin anew
			clear(c.entries)
		}
		entry = &cacheEntry{renew: make(chan struct{}, 1)}
		c.entries[key] = entry
	}
	return entry
}

func (e *cacheEntry) load() *keySets {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sets
}

// current returns the keys to look into first.
func (c *keyCache) current(ctx context.Context, e *cacheEntry) (*keySets, error) {
	sets := e.load()
	if sets == nil {
		return c.renewed(ctx, e)
	}
	age := c.clock.Now().Sub(sets.fetched)
	if age > maxRenew {
		return c.renewed(ctx, e)
	}
	if age > autoRenew {
		select {
		case e.renew <- struct{}{}:
			go func() {
				defer func() { <-e.renew }()
				_, _ = c.fetch(context.WithoutCancel(ctx), e) // a failure keeps the old keys
			}()
		default: // somebody does it
		}
	}
	return sets, nil
}

func (c *keyCache) renewed(ctx context.Context, e *cacheEntry) (*keySets, error) {
	select {
	case e.renew <- struct{}{}:
		defer func() { <-e.renew }()
		return c.fetch(ctx, e)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fetch gets all key sets anew unless that was just done. A set that cannot be had is left out.
func (c *keyCache) fetch(ctx context.Context, e *cacheEntry) (*keySets, error) {
	now := c.clock.Now()
	if sets := e.load(); sets != nil && now.Sub(sets.fetched) < autoRenew {
		return sets, nil
	}
	c.mu.Lock()
	providers, configured := c.providers, c.configure
	c.mu.Unlock()
	if !configured {
		return nil, refusal("failed to fetch auth rules: JWKs settings for this role were not configured")
	}
	sets := &keySets{fetched: now}
	for _, p := range providers {
		if keys := c.get(ctx, p.JWKSURL); keys != nil {
			sets.list = append(sets.list, keySet{keys, p.Audience, p.Roles})
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.sets = sets
	e.mu.Unlock()
	return sets, nil
}

func (c *keyCache) get(ctx context.Context, url string) []jwk {
	pause := c.pause
	for try := 1; ; try++ {
		body, status, err := c.getOnce(ctx, url)
		if err == nil && status == http.StatusOK {
			return parseJWKS(body)
		}
		transient := err != nil || status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
		if !transient || try == fetchTries || ctx.Err() != nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		pause *= 2
	}
}

func (c *keyCache) getOnce(ctx context.Context, url string) (body []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxJWKS+1))
	if err == nil && len(body) > maxJWKS {
		return nil, 0, errors.New("neontest: the key set is larger than 64 KiB")
	}
	return body, resp.StatusCode, err
}
