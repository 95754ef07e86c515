package proxy

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var anyIP = netip.MustParseAddr("192.0.2.1")

func TestCancelRequestReachesItsSession(t *testing.T) {
	for _, version := range []uint32{0x00030000, 0x00030002} {
		for _, overTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("%#x,tls=%v", version, overTLS), func(t *testing.T) {
				w := newWorld(t, nil)
				c := w.dial()
				c.startTLS(nil)
				c.send(startupPacket(version, "user", "x", "database", "neondb"))
				o := c.drive("token-alice")
				s := w.session()
				c.send(query("busy"))

				k := w.dial()
				if overTLS {
					k.startTLS(nil)
				}
				k.send(cancelPacket(o.key.ProcessID, o.key.SecretKey))
				k.closed()
				if o := c.drive(""); !o.served {
					t.Errorf("the busy session did not end its statement: %+v", o)
				}
				if n := w.counter("cancel_requests_total", "result", "found"); n != 1 {
					t.Errorf("%v were counted as found", n)
				}
				if n := len(s.canceled); n != 0 {
					t.Errorf("canceled %d times more", n)
				}
				if n := w.counter("client_connections_rejected_total"); n != 0 {
					t.Errorf("a cancel request was counted as refused")
				}
			})
		}
	}
}

// What is not the key is answered like the key: by nothing.
func TestCancelWithAWrongKeyIsSilent(t *testing.T) {
	w := newWorld(t, nil)
	_, key := w.login("alice")
	s := w.session()
	right := key.SecretKey
	flipped := append([]byte(nil), right...)
	flipped[3] ^= 1
	for name, b := range map[string][]byte{
		"one bit":     cancelPacket(key.ProcessID, flipped),
		"longer":      cancelPacket(key.ProcessID, append(append([]byte(nil), right...), 0)),
		"another pid": cancelPacket(key.ProcessID^1, right),
		"pid 0":       cancelPacket(0, make([]byte, 4)),
		"no secret":   cancelPacket(key.ProcessID, nil),
		"too long":    cancelPacket(key.ProcessID, make([]byte, 257)),
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial()
			c.send(b)
			c.closed()
		})
	}
	if len(s.canceled) != 0 {
		t.Error("the session was canceled")
	}
	if n := w.counter("cancel_requests_total", "result", "not_found"); n != 4 {
		t.Errorf("%v of the four well-formed ones were counted", n)
	}
}

func TestCancelBeforeAndAfterTheSession(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial()
	c.startTLS(nil)
	c.send(good)
	c.askedForPassword()
	w.server.cancels.mu.Lock()
	known := len(w.server.cancels.sessions)
	w.server.cancels.mu.Unlock()
	if known != 0 {
		t.Error("a client that is not logged in can be canceled")
	}
	c.send(password("token-alice"))
	key := c.ready()
	c.send(typed('X', nil))
	c.closed()
	w.eventually("the session is forgotten", func() bool {
		return w.server.cancels.request(key.ProcessID, key.SecretKey, netip.Addr{}, time.Now()) == cancelNotFound
	})
}

// A server that is full must still be able to stop what fills it.
func TestCancelOverTheLimits(t *testing.T) {
	w := newWorld(t, func(o *Options, _ *Listener) { o.Limits.Connections = 1 })
	_, key := w.login("alice")
	s := w.session()
	k := w.dial()
	k.send(cancelPacket(key.ProcessID, key.SecretKey))
	k.closed()
	select {
	case <-s.canceled:
	case <-time.After(patience):
		t.Error("not canceled")
	}
}

func TestWrongCancelKeysAreLimitedByAddress(t *testing.T) {
	r := newCancelRegistry()
	hits := 0
	pid, secret, remove := r.register(shortSecretKey, func() { hits++ })
	defer remove()
	now := time.Now()
	wrong := []byte{1, 2, 3, 4, 5}
	for i := range cancelBurst {
		if got := r.request(pid, wrong, anyIP, now); got != cancelNotFound {
			t.Fatalf("try %d: %s", i, got)
		}
	}
	if got := r.request(pid, secret, anyIP, now); got != cancelRateLimited || hits != 0 {
		t.Errorf("the right key after too many wrong ones: %s", got)
	}
	if got := r.request(pid, secret, netip.MustParseAddr("192.0.2.2"), now); got != cancelFound || hits != 1 {
		t.Errorf("another address: %s", got)
	}
	if got := r.request(pid, secret, netip.Addr{}, now); got != cancelFound {
		t.Errorf("a Unix socket: %s", got)
	}
	now = now.Add(cancelRefill)
	for range 100 {
		if got := r.request(pid, secret, anyIP, now); got != cancelFound {
			t.Fatalf("right keys cost nothing, but: %s", got)
		}
	}
}

func TestRandomCancelKeysHitNothing(t *testing.T) {
	r := newCancelRegistry()
	hits := 0
	for range 100 {
		_, _, remove := r.register(shortSecretKey, func() { hits++ })
		defer remove()
	}
	now := time.Now()
	var b [8]byte
	for i := range 20000 {
		rand.Read(b[:])
		// From as many networks as an attacker may have.
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if got := r.request(binary.BigEndian.Uint32(b[:]), b[4:], from, now); got != cancelNotFound {
			t.Fatalf("key %d: %s", i, got)
		}
	}
	if hits != 0 {
		t.Errorf("%d hits", hits)
	}
	if n := len(r.buckets); n > maxCancelBuckets {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestProcessIDsAreUniqueAndPositive(t *testing.T) {
	r := newCancelRegistry()
	seen := map[uint32]bool{}
	secrets := map[string]bool{}
	for range 1000 {
		pid, secret, _ := r.register(longSecretKey, func() {})
		if pid == 0 || pid > 1<<31-1 || seen[pid] || secrets[string(secret)] || len(secret) != longSecretKey {
			t.Fatalf("process id %d, secret of %d bytes", pid, len(secret))
		}
		seen[pid], secrets[string(secret)] = true, true
	}
}

// A bucket that is full again is forgotten before one that still counts.
func TestFullBucketsAreForgottenFirst(t *testing.T) {
	r := newCancelRegistry()
	now := time.Now()
	ip := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	for i := range maxCancelBuckets {
		r.request(1, []byte{1, 2, 3, 4}, ip(i), now)
	}
	now = now.Add(cancelBurst * cancelRefill)
	for range cancelBurst {
		r.request(1, []byte{1, 2, 3, 4}, ip(0), now)
	}
	r.request(1, []byte{1, 2, 3, 4}, anyIP, now) // needs room
	if n := len(r.buckets); n != 2 {
		t.Errorf("%d buckets are left", n)
	}
	if got := r.request(1, []byte{1, 2, 3, 4}, ip(0), now); got != cancelRateLimited {
		t.Errorf("the one that counts was forgotten: %s", got)
	}
}
