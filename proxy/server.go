package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy/session"
)

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("proxy: server closed")

// Verifier decides whether a token may come in. Its error is a *cognito.Error. It is safe for concurrent use.
type Verifier interface {
	Verify(ctx context.Context, token string) (*cognito.Claims, error)
}

// Session is an authenticated client being served, as a *session.Session is. Drain and Cancel may come from any
// goroutine, also before Run.
type Session interface {
	// Run serves the client to the end and returns why it ended: nil if the client said goodbye, a FATAL *pgerr.Error that
	// the client was told, or the connection's error. ctx ends when the server is closed.
	Run(ctx context.Context) error
	// Cancel stops the statement in flight, if there is one.
	Cancel()
	// Drain ends the session as soon as it is idle, with FATAL 57P01.
	Drain()
}

// Timeouts of a connection. Zero means the default.
type Timeouts struct {
	Login    time.Duration // from accept to AuthenticationOk: TLS, startup packet and password; 15 s
	Write    time.Duration // for each 64 KiB that a client has to take; 5 min
	KeyTrial time.Duration // the first request with a key id that the route has not accepted yet; 10 s
	Facts    time.Duration // reading the server's facts at login, a cold start of the database included; 60 s

	// MinDrain is how long Shutdown goes on accepting, so that a load balancer can take note; default none.
	MinDrain time.Duration
	// MaxDrain is how long Shutdown then waits for running statements; 25 s.
	MaxDrain time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	or := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	or(&t.Login, 15*time.Second)
	or(&t.Write, 5*time.Minute)
	or(&t.KeyTrial, 10*time.Second)
	or(&t.Facts, time.Minute)
	or(&t.MaxDrain, 25*time.Second)
	return t
}

// UserPolicy says which startup user a token allows.
type UserPolicy struct {
	Claim string // the startup user must equal this claim; "" is any user
}

// Options of a Server.
type Options struct {
	// Routes are picked by the startup database, which is unique among them.
	Routes []Route
	// DefaultRoute is the name of the route for any other database; "" refuses those.
	DefaultRoute string

	Verifier   Verifier
	UserPolicy UserPolicy
	Limits     Limits
	Timeouts   Timeouts

	// SessionMetrics goes to every session.
	SessionMetrics *session.Metrics
	// NewSession makes the session of an authenticated connection and does not write to it yet; nil is session.New.
	NewSession func(o session.Options) Session
}

// Server serves clients on any number of listeners. It is safe for concurrent use.
type Server struct {
	// Immutable.
	opts    Options
	log     *zap.Logger
	metrics *metrics
	routes  *routes
	limiter *limiter
	cancels *cancelRegistry
	tokens  sharedTokens

	// base ends when what has not ended is closed, with a cause that is or wraps ErrServerClosed: every connection lives under it.
	base context.Context
	stop context.CancelCauseFunc
	// serving counts the connections' goroutines.
	serving sync.WaitGroup

	mu        sync.Mutex
	phase     phase
	listeners map[*Listener]struct{}
	conns     map[*conn]struct{}
	cutting   bool // what has not ended by itself is being closed
	cut       int  // how many connections that were
}

// phase is how far a server's end has come. It only grows.
type phase int

const (
	running  phase = iota
	draining       // Shutdown was called: not ready, still accepting
	stopping       // no more connections, sessions end as they become idle
	closed         // everything was closed
)

// New returns a Server that is not serving yet. Options that contradict each other are a bug: the config is checked before.
func New(reg prometheus.Registerer, log *zap.Logger, o Options) *Server {
	if o.Verifier == nil {
		panic("BUG: a server without a verifier")
	}
	if o.NewSession == nil {
		o.NewSession = func(o session.Options) Session { return session.New(o) }
	}
	o.Timeouts = o.Timeouts.withDefaults()
	s := &Server{
		opts:      o,
		log:       log,
		metrics:   newMetrics(reg),
		routes:    newRoutes(o.Routes, o.DefaultRoute),
		limiter:   newLimiter(o.Limits),
		cancels:   newCancelRegistry(),
		listeners: make(map[*Listener]struct{}),
		conns:     make(map[*conn]struct{}),
	}
	s.base, s.stop = context.WithCancelCause(context.Background())
	s.metrics.connectionLimit.Set(float64(o.Limits.Connections))
	return s
}

const (
	firstBackOff = 5 * time.Millisecond
	maxBackOff   = time.Second
)

// Serve accepts clients on l until l fails or the server ends, and closes l. It always returns an error: ErrServerClosed
// if the server ended on purpose.
func (s *Server) Serve(l *Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	l.attach(s)
	if l.TLS != nil {
		ctx, cancel := context.WithCancel(s.base)
		defer cancel()
		go l.TLS.watch(ctx)
	}
	backOff := time.Duration(0)
	for {
		nc, err := l.Accept()
		if err == nil {
			backOff = 0
			s.accepted(l, nc)
			continue
		}
		if s.phaseNow() >= stopping {
			return ErrServerClosed
		}
		if !temporary(err) {
			return fmt.Errorf("accept on %s: %w", l.Name, err)
		}
		s.metrics.acceptErrors.WithLabelValues(l.Name).Inc()
		if backOff == 0 { // once for each spell of it
			s.log.Error("accept failed, trying again", zap.String("event", "accept_failed"), zap.String("listener", l.Name), zap.Error(err))
		}
		backOff = min(max(firstBackOff, 2*backOff), maxBackOff)
		select {
		case <-time.After(backOff):
		case <-s.base.Done():
			return ErrServerClosed
		}
	}
}

// temporary reports whether accept may succeed later: a client that was gone already, or a lack of descriptors or memory.
func temporary(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
		syscall.ECONNRESET, syscall.EINTR, syscall.EAGAIN, syscall.EPROTO, syscall.EPERM, syscall.ETIMEDOUT, syscall.ENETDOWN,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// accepted starts a connection's goroutine, or closes it if it cannot even be refused properly.
func (s *Server) accepted(l *Listener, nc net.Conn) {
	lease, why := s.limiter.admit(l.client(nc))
	if why != admitted {
		s.metrics.rejected.WithLabelValues(string(why)).Inc()
	}
	if lease == nil {
		nc.Close()
		return
	}
	c := newConn(s, l, nc, lease, why)
	if !s.add(c) {
		s.metrics.rejected.WithLabelValues(string(reasonDraining)).Inc()
		lease.release()
		nc.Close()
		return
	}
	go func() {
		defer s.serving.Done()
		defer s.remove(c)
		c.serve(s.base)
	}()
}

// add makes c known, unless no more connections are to be served.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase >= stopping {
		return false
	}
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) addListener(l *Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase >= stopping {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l *Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) phaseNow() phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase
}

// Connections is how many clients are connected, those that are still logging in included.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// addressOf returns the IP address of a TCP address, an invalid one of any other.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
