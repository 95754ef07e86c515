package neontest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// When more than maxConns clients are connected, a new one makes Neon close another that is older than minConnAge: at
// once if it is idle, else when its request has been answered.
const (
	maxConns   = 100
	minConnAge = 10 * time.Second
)

// conns knows the connections of clients.
type conns struct {
	clock Clock
	max   int

	mu   sync.Mutex
	open map[net.Conn]*clientConn
}

// clientConn is one connection of a client; a request finds it in its context under connKey.
type clientConn struct {
	conn     net.Conn
	since    time.Time
	requests atomic.Int64
	ending   atomic.Bool // no further request is taken

	idle bool // guarded by conns.mu
}

type connKey struct{}

// enter is the server's ConnContext.
func (c *conns) enter(ctx context.Context, conn net.Conn) context.Context {
	cc := &clientConn{conn: conn, since: c.clock.Now()}
	c.mu.Lock()
	c.open[conn] = cc
	if len(c.open) > c.max {
		c.end(cc)
	}
	c.mu.Unlock()
	return context.WithValue(ctx, connKey{}, cc)
}

// end chooses a connection to close. The order of a map is as random as it need be.
func (c *conns) end(newest *clientConn) {
	for _, cc := range c.open {
		if cc == newest || cc.ending.Load() || c.clock.Now().Sub(cc.since) < minConnAge {
			continue
		}
		cc.ending.Store(true)
		if cc.idle {
			_ = cc.conn.Close()
		}
		return
	}
}

// state is the server's ConnState.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
		return
	}
	if cc := c.open[conn]; cc != nil {
		cc.idle = state == http.StateIdle
		if cc.idle && cc.ending.Load() {
			_ = conn.Close()
		}
	}
}

// begin is called when a request comes. It reports whether the connection had one before.
func (c *conns) begin(w http.ResponseWriter, r *http.Request) (reused bool) {
	cc, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok {
		return false
	}
	if cc.ending.Load() {
		w.Header().Set("Connection", "close")
	}
	return cc.requests.Add(1) > 1
}
