package proxy

import (
	"crypto/tls"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// Clients leave at every point of their way, by every door, while the server drains in the end: nothing is left of them
// (see world.invariants).
func TestClientsThatLeaveAnywhere(t *testing.T) {
	r := newRealWorld(t, func(o *Options, _ *Listener) {
		o.Limits = Limits{Connections: 40, Unauthenticated: 25, PerIP: 35, UnauthenticatedPerIP: 20}
	})
	w, token := r.world, r.mint(jwkstest.MintOptions{})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 60 {
				leaveAnywhere(w, random, token)
			}
		})
	}
	clients.Wait()
	if err := w.server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := w.counter("panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
}

// leaveAnywhere goes a random part of the way, in clear or not, and leaves.
func leaveAnywhere(w *world, random *rand.Rand, token string) {
	nc, err := net.Dial("tcp", w.address)
	if err != nil {
		w.t.Error(err)
		return
	}
	nc.SetDeadline(time.Now().Add(patience))
	defer func() {
		if random.IntN(2) == 0 {
			nc.(*net.TCPConn).SetLinger(0) // a reset
		}
		nc.Close()
	}()
	way := [][]byte{good, password([]string{token, "no token"}[random.IntN(2)]), query("select 1"), query("begin; select 2; commit"), typed('X', nil)}
	c := net.Conn(nc)
	if random.IntN(3) == 0 {
		nc.Write(sslRequest)
		var b [1]byte
		if _, err := nc.Read(b[:]); err != nil || random.IntN(4) == 0 {
			return
		}
		encrypted := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
		if encrypted.Handshake() != nil {
			return
		}
		c = encrypted
	}
	for _, b := range way[:random.IntN(len(way)+1)] {
		if random.IntN(6) == 0 {
			b = b[:random.IntN(len(b))]
		}
		if _, err := c.Write(b); err != nil {
			return
		}
		if random.IntN(2) == 0 {
			c.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(3)) * time.Millisecond))
			c.Read(make([]byte, 512))
		}
	}
}
