package proxy

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

const (
	// A wrong cancel key costs its address one of cancelBurst tries, which come back one per cancelRefill. A right one
	// costs nothing: a pool may cancel as often as it likes.
	cancelBurst  = 20
	cancelRefill = time.Second
	// maxCancelBuckets bounds the addresses remembered for it.
	maxCancelBuckets = 4096

	// Postgres' lengths of a cancel key: 4 bytes to clients of protocol 3.0, 32 from 3.2 on.
	shortSecretKey = 4
	longSecretKey  = 32 // MAX_CANCEL_KEY_LENGTH, src/include/storage/procsignal.h
)

// cancelResult is the label of cancel_requests_total.
type cancelResult string

const (
	cancelFound       cancelResult = "found"
	cancelNotFound    cancelResult = "not_found"
	cancelRateLimited cancelResult = "rate_limited"
)

// cancelRegistry knows the running sessions by process id and secret key. It is safe for concurrent use, and the only
// thing that connections share with each other.
type cancelRegistry struct {
	mu       sync.Mutex
	sessions map[uint32]cancelEntry
	buckets  map[netip.Prefix]cancelBucket
	sweptAt  time.Time // when the full buckets were last looked for
}

type cancelEntry struct {
	secret []byte
	cancel func()
}

// cancelBucket holds the wrong keys that an address may still send.
type cancelBucket struct {
	left float64
	at   time.Time // when left was true
}

func newCancelRegistry() *cancelRegistry {
	return &cancelRegistry{
		sessions: make(map[uint32]cancelEntry),
		buckets:  make(map[netip.Prefix]cancelBucket),
	}
}

// register makes cancel reachable under a new random process id, which is positive as an int32, and a secret of that many
// bytes. remove ends it; cancel may still be running then.
func (r *cancelRegistry) register(keyLength int, cancel func()) (pid uint32, secret []byte, remove func()) {
	secret = make([]byte, keyLength)
	rand.Read(secret) // never fails, see its documentation
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var b [4]byte
		rand.Read(b[:])
		pid = binary.BigEndian.Uint32(b[:]) & 0x7fffffff
		if _, taken := r.sessions[pid]; pid != 0 && !taken {
			break
		}
	}
	r.sessions[pid] = cancelEntry{secret: secret, cancel: cancel}
	return pid, secret, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.sessions, pid)
	}
}

// request calls the cancel function of that session if the secret is right. from is who asks: invalid (a Unix socket)
// is not limited.
func (r *cancelRegistry) request(pid uint32, secret []byte, from netip.Addr, now time.Time) cancelResult {
	cancel, result := r.find(pid, secret, clientNet(from), now)
	if cancel != nil {
		cancel()
	}
	return result
}

func (r *cancelRegistry) find(pid uint32, secret []byte, from netip.Prefix, now time.Time) (func(), cancelResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	bucket, known := r.buckets[from]
	if known {
		bucket.left = min(cancelBurst, bucket.left+now.Sub(bucket.at).Seconds()/cancelRefill.Seconds())
	} else {
		bucket.left = cancelBurst
	}
	bucket.at = now
	if bucket.left < 1 {
		return nil, cancelRateLimited
	}
	e := r.sessions[pid] // of an unknown one the secret is empty, which equals no request's
	if subtle.ConstantTimeCompare(e.secret, secret) == 1 && e.cancel != nil {
		return e.cancel, cancelFound
	}
	if from.IsValid() {
		bucket.left--
		if !known {
			r.makeRoom(now)
		}
		r.buckets[from] = bucket
	}
	return nil, cancelNotFound
}

// makeRoom keeps the buckets bounded: the full ones say nothing, and if all are in use any one has to go.
func (r *cancelRegistry) makeRoom(now time.Time) {
	if len(r.buckets) < maxCancelBuckets {
		return
	}
	if now.Sub(r.sweptAt) >= cancelBurst*cancelRefill { // since then any bucket may have become full
		r.sweptAt = now
		r.sweep(now)
	}
	for from := range r.buckets {
		if len(r.buckets) < maxCancelBuckets {
			return
		}
		delete(r.buckets, from)
	}
}

// sweep forgets the buckets that are full again.
func (r *cancelRegistry) sweep(now time.Time) {
	for from, b := range r.buckets {
		if b.left+now.Sub(b.at).Seconds()/cancelRefill.Seconds() >= cancelBurst {
			delete(r.buckets, from)
		}
	}
}
