package neontest_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// entangled is a connection whose writes wait for somebody to read, as on a busy machine they may seem to.
type entangled struct {
	net.Conn
	once    sync.Once
	reading chan struct{} // closed when a read has begun
	writes  int
}

func (c *entangled) Read(p []byte) (int, error) {
	c.once.Do(func() { close(c.reading) })
	return c.Conn.Read(p)
}

func (c *entangled) Write(p []byte) (int, error) {
	if c.writes++; c.writes == 1 {
		<-c.reading
	}
	return c.Conn.Write(p)
}

// While pgconn connects it may start to read in the background; the bytes that this takes must not be lost to us.
func TestBytesReadWhileConnecting(t *testing.T) {
	s := newStack(t, neontest.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		return &entangled{Conn: conn, reading: make(chan struct{})}, err
	}})
	for range 3 {
		if got := s.ask(t, "alice", sql("select auth.user_id()")); got.cell(0, 0) != "alice" {
			t.Fatal(got)
		}
		s.server.Reset()
	}
}
