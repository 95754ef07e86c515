package cognito

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// tokenKey stands for a token, which is not kept.
type tokenKey = [sha256.Size]byte

// tokenCache remembers verified tokens until they expire; the one not used for longest makes room. Only valid tokens get in, so
// nobody without them can push others out.
type tokenCache struct {
	limit int // entries

	mu      sync.Mutex                 // guards all below
	entries map[tokenKey]*list.Element //
	order   list.List                  // of *entry, the latest used first
	bytes   int                        // of all payloads
}

// maxRemembered bounds the payloads that are kept, in bytes: ten thousand tokens of the usual size, fewer of users with hundreds of
// groups.
const maxRemembered = 16 << 20

type entry struct {
	key    tokenKey
	claims *Claims
}

func newTokenCache(limit int) *tokenCache {
	return &tokenCache{limit: limit, entries: make(map[tokenKey]*list.Element)}
}

// get returns the claims, which may be stale, or nil.
func (t *tokenCache) get(key tokenKey, now time.Time) *Claims {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.entries[key]
	if element == nil {
		return nil
	}
	e := element.Value.(*entry)
	if !now.Before(e.claims.ExpiresAt) {
		t.remove(element)
		return nil
	}
	t.order.MoveToFront(element)
	return e.claims
}

// put notes that the token was verified at these generations and returns the claims to use: if the token is known already, the ones
// that its sessions hold, which are fresh again.
func (t *tokenCache) put(key tokenKey, c *Claims, keyGeneration, policyGeneration uint64, now time.Time) *Claims {
	t.mu.Lock()
	defer t.mu.Unlock()
	element := t.entries[key]
	if element != nil {
		c = element.Value.(*entry).claims
		t.order.MoveToFront(element)
	}
	c.keyGeneration.Store(keyGeneration)
	c.policyGeneration.Store(policyGeneration)
	if element != nil || !now.Before(c.ExpiresAt) { // within the clock skew after exp: let in, not remembered
		return c
	}
	t.entries[key] = t.order.PushFront(&entry{key: key, claims: c})
	t.bytes += len(c.payload)
	for len(t.entries) > t.limit || t.bytes > maxRemembered {
		t.remove(t.order.Back())
	}
	return c
}

func (t *tokenCache) remove(element *list.Element) {
	e := element.Value.(*entry)
	delete(t.entries, e.key)
	t.bytes -= len(e.claims.payload)
	t.order.Remove(element)
}
