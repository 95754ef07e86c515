package proxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// pipeListener hands out the ends of net.Pipe, for tests in a synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// pipeWorld is a server on pipes, that lets tokens travel on them. With TLS it offers that too.
func pipeWorld(t testing.TB, withTLS bool, change func(*Options, *Listener)) *world {
	t.Helper()
	l := &Listener{Listener: newPipeListener(), Name: "test", Plaintext: PlaintextAlways}
	if withTLS {
		l.TLS, _ = newCertificates(t)
	}
	w := prepareWorld(t, l, change)
	w.start()
	return w
}

// pipe connects to a server of pipeWorld.
func (w *world) pipe() *client {
	w.t.Helper()
	ours, theirs := net.Pipe()
	w.listener.Listener.(*pipeListener).conns <- theirs
	w.t.Cleanup(func() { ours.Close() })
	ours.SetDeadline(time.Now().Add(time.Hour)) // of the bubble's clock
	return &client{t: w.t, Conn: ours}
}
