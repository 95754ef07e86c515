package neontest_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// entangled is a connection whose first write returns late: when its answer has been read and another read has begun.
type entangled struct {
	net.Conn
	reads, writes atomic.Int64
	again         chan struct{} // closed when the second read begins
}

func (c *entangled) Read(p []byte) (int, error) {
	if c.reads.Add(1) == 2 {
		close(c.again)
	}
	return c.Conn.Read(p)
}

func (c *entangled) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.writes.Add(1) == 1 {
		<-c.again
	}
	return n, err
}

// While pgconn connects it may start to read in the background; the bytes that this takes must not be lost to us.
func TestBytesReadWhileConnecting(t *testing.T) {
	s := newStack(t, neontest.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		return &entangled{Conn: conn, again: make(chan struct{})}, err
	}})
	for range 3 {
		if got := s.ask(t, "alice", sql("select auth.user_id()")); got.cell(0, 0) != "alice" {
			t.Fatal(got)
		}
		s.server.Reset()
	}
}
