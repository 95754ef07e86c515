package proxy

import (
	"net"
	"runtime"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// BenchmarkIdleConnection reports what one idle session over plaintext holds, in heap and stacks, the client's bare socket
// included.
func BenchmarkIdleConnection(b *testing.B) {
	r := newRealWorld(b, nil)
	token := r.mint(jwkstest.MintOptions{})
	login := func() net.Conn {
		nc, err := net.Dial("tcp", r.address)
		if err != nil {
			b.Fatal(err)
		}
		c := &client{t: b, Conn: nc}
		c.send(good)
		c.askedForPassword()
		c.send(password(token))
		if o := c.drive(""); !o.served {
			b.Fatalf("told %+v", o.err)
		}
		return nc
	}
	login().Close() // what is made once
	held := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	const n = 1000
	for b.Loop() {
		before := held()
		conns := make([]net.Conn, 0, n)
		for range n {
			conns = append(conns, login())
		}
		r.logs.TakeAll()
		b.ReportMetric(float64(held()-before)/n, "B/conn")
		for _, nc := range conns {
			nc.Close()
		}
		r.eventually("all are gone", func() bool { return r.server.Connections() == 0 })
	}
}

// BenchmarkLogin is a whole login and goodbye with a token that the verifier remembers, both ends in one process.
func BenchmarkLogin(b *testing.B) {
	for name, encrypted := range map[string]bool{"plaintext": false, "tls": true} {
		b.Run(name, func(b *testing.B) {
			r := newRealWorld(b, nil)
			token := r.mint(jwkstest.MintOptions{})
			b.ReportAllocs()
			for b.Loop() {
				nc, err := net.Dial("tcp", r.address)
				if err != nil {
					b.Fatal(err)
				}
				c := &client{t: b, Conn: nc}
				if encrypted {
					c.startTLS(nil)
				}
				c.send(good)
				c.askedForPassword()
				c.send(password(token))
				if o := c.drive(""); !o.served {
					b.Fatalf("told %+v", o.err)
				}
				c.send(typed('X', nil))
				c.closed()
				nc.Close()
				r.logs.TakeAll()
			}
		})
	}
}
