package cognito

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func numbered(i int) tokenKey { return sha256.Sum256([]byte(fmt.Sprint(i))) }

// What is remembered is bounded in bytes too, and the account of them is right.
func TestRememberedBytesAreBounded(t *testing.T) {
	cache := newTokenCache(1 << 20)
	now := time.Unix(1795539123, 0)
	put := func(i, size int) {
		cache.put(numbered(i), &Claims{ExpiresAt: now.Add(time.Minute), payload: make([]byte, size)}, 0, 0, now)
	}
	const size = 12 << 10
	for i := range 3000 {
		put(i, size)
	}
	if n := len(cache.entries); n != maxRemembered/size || cache.bytes != n*size || cache.order.Len() != n {
		t.Errorf("%d entries, %d bytes", n, cache.bytes)
	}
	if cache.get(numbered(0), now) != nil || cache.get(numbered(2999), now) == nil {
		t.Error("the newest was forgotten, or the oldest was not")
	}
	for i := range 3000 {
		if cache.get(numbered(i), now.Add(time.Hour)) != nil {
			t.Fatal("remembered after exp")
		}
	}
	if len(cache.entries) != 0 || cache.bytes != 0 {
		t.Errorf("%d entries, %d bytes are left", len(cache.entries), cache.bytes)
	}
}
