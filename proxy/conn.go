package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// connState is the label of client_connections.
type connState string

const (
	stateStartup connState = "startup" // TLS and startup packet
	stateAuth    connState = "auth"    // password, route, server facts
	stateIdle    connState = "idle"    // a session without a request in flight
	stateActive  connState = "active"  // one with
	stateRefused connState = "refused" // over a limit: it is only told so
)

// Causes of a login's end.
var (
	errLoginTimeout = errors.New("login deadline")
	errDraining     = errors.New("the server is draining")
	errClientGone   = errors.New("the client has closed its connection")
)

// conn is one client connection. Its goroutine, which runs serve, owns everything that is not guarded by mu.
type conn struct {
	// Immutable.
	server   *Server
	listener *Listener
	raw      net.Conn     // as accepted: for its descriptor and to close it from anywhere
	counted  *countedConn // raw, with its bytes counted
	id       string
	opened   time.Time
	lease    *lease
	over     refusal // the limit that it is over, or admitted

	// The goroutine's own.
	nc       net.Conn   // counted, or TLS over it
	wire     *wire.Conn // nil until the StartupMessage has been read
	startup  *startup   // the same
	state    connState
	fields   []zap.Field // of every record about this connection
	tlsLabel string      // "none", "1.2", "1.3"
	atEnd    []func()    // called once, at the end

	mu       sync.Mutex
	session  Session                 // nil until login is over
	stop     context.CancelCauseFunc // ends the login; nil before and after
	draining bool
}

func newConn(s *Server, l *Listener, raw net.Conn, lease *lease, over refusal) *conn {
	counted := &countedConn{Conn: raw, metrics: s.metrics}
	c := &conn{
		server:   s,
		listener: l,
		raw:      raw,
		counted:  counted,
		id:       newConnID(),
		opened:   time.Now(),
		lease:    lease,
		over:     over,
		nc:       counted,
		tlsLabel: "none",
	}
	c.fields = []zap.Field{zap.String("conn_id", c.id), zap.String("remote_addr", raw.RemoteAddr().String()), zap.String("listener", l.Name)}
	return c
}

// serve runs the connection to its end.
func (c *conn) serve(ctx context.Context) {
	if c.over == admitted {
		c.setState(stateStartup)
	} else {
		c.setState(stateRefused)
	}
	c.record(zap.DebugLevel, "connection_opened", "connection opened")
	var why closeReason
	defer func() {
		if p := recover(); p != nil {
			why = closedByPanic
			c.server.panicked(p, c.fields...)
		}
		c.end(why)
	}()
	why = c.run(ctx)
}

func (c *conn) run(ctx context.Context) closeReason {
	session, end := c.login(ctx)
	if end != nil {
		return c.refuse(end)
	}
	c.setState(stateIdle)
	c.settle()
	return c.ended(session.Run(ctx))
}

// ended takes in why the session ended. It is apart from run, whose frame lies on the stack of every idle connection.
func (c *conn) ended(err error) closeReason {
	if e, ok := errors.AsType[*pgerr.Error](err); ok {
		c.fields = append(c.fields, zap.String("sqlstate", e.Code))
		if e.IsFatal() {
			c.linger()
		}
	}
	return closeReasonOf(err)
}

// login takes the connection from its first byte to a session, within the login deadline up to AuthenticationOk.
func (c *conn) login(ctx context.Context) (Session, *ending) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if !c.interruptible(stop) {
		return nil, &ending{reason: reasonDraining}
	}
	defer c.interruptible(nil)

	limit := c.server.opts.Timeouts.Login
	if c.over != admitted {
		limit = min(limit, refusingTimeout)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, limit, errLoginTimeout)
	defer cancel()
	disarm := interruptIO(bounded, c.nc)
	defer disarm()
	end := c.open(bounded)
	if end != nil {
		disarm()
		return nil, end
	}
	claims, token, end := c.authenticate(bounded)
	if disarm() && end == nil { // the deadline passed as the token was found good, and the client was not told so
		end = c.interrupted(bounded, context.Cause(bounded))
	}
	if end != nil {
		return nil, end
	}
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return nil, &ending{reason: reasonGone}
	}
	c.lease.authenticated()
	return c.enter(ctx, claims, token)
}

// settle drops what only the login needed: most of a connection's life is spent idle.
func (c *conn) settle() {
	c.startup = nil
	kept := make([]zap.Field, 0, len(idleFields))
	for _, f := range c.fields {
		if idleFields[f.Key] {
			kept = append(kept, f)
		}
	}
	c.fields = kept
}

// idleFields are those that the record of the connection's end repeats; conn_id leads to the others.
var idleFields = map[string]bool{"conn_id": true, "remote_addr": true, "listener": true, "user": true, "database": true, "sub": true, "route": true}

// interruptible sets what ends the login when the server drains; nil when it is over. It reports false if it drains already.
func (c *conn) interruptible(stop context.CancelCauseFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
	return !c.draining
}

// drain ends a login now, a session when it is idle.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	if c.session != nil {
		c.session.Drain()
	} else if c.stop != nil {
		c.stop(errDraining)
	}
}

// adopt makes s the session, unless the server drains.
func (c *conn) adopt(s Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return false
	}
	c.session = s
	return true
}

// cancelSession is what a CancelRequest calls.
func (c *conn) cancelSession() {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s != nil {
		s.Cancel()
	}
}

// interruptIO makes reads and writes on nc fail once ctx ends. The function it returns takes that back, if it is not too
// late, and reports whether it was; it may be called more than once.
func interruptIO(ctx context.Context, nc net.Conn) (disarm func() (fired bool)) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		nc.SetDeadline(time.Unix(1, 0))
	})
	return sync.OnceValue(func() bool {
		if stop() {
			return false
		}
		<-done
		return true
	})
}

// setState moves the connection's gauge.
func (c *conn) setState(to connState) {
	open := c.server.metrics.open
	if c.state != "" {
		open.WithLabelValues(c.listener.Name, string(c.state)).Dec()
	}
	if c.state = to; to != "" {
		open.WithLabelValues(c.listener.Name, string(to)).Inc()
	}
}

// end closes the connection and gives back all that it holds.
func (c *conn) end(why closeReason) {
	for _, f := range c.atEnd {
		f()
	}
	c.nc.Close()
	c.lease.release()
	c.setState("")
	took := time.Since(c.opened)
	c.server.metrics.duration.WithLabelValues(c.listener.Name).Observe(took.Seconds())
	level := zap.InfoLevel
	if why == closedProbe {
		level = zap.DebugLevel
	}
	c.record(level, "connection_closed", "connection closed",
		zap.String("close_reason", string(why)),
		zap.Int64("duration_ms", took.Milliseconds()),
		zap.Int64("bytes_in", c.counted.in.Load()),
		zap.Int64("bytes_out", c.counted.out.Load()))
}

// panicked counts and logs a panic. Of the value only a runtime error's text is printed: any other may quote SQL or a token.
func (s *Server) panicked(p any, fields ...zap.Field) {
	s.metrics.panics.Inc()
	text := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		text = e.Error()
	}
	s.log.Error("panic in a client connection", append([]zap.Field{zap.String("event", "panic"), zap.String("panic", text),
		zap.ByteString("stack", debug.Stack())}, fields...)...)
}

const (
	tellTimeout   = 2 * time.Second // to get a refusal through to a client
	lingerTimeout = time.Second     // for the client to take it
	lingerBytes   = 256 << 10       // that it may still send meanwhile
)

// tell sends a refusal. Whether it arrives nobody knows: a failure is not an error.
func (c *conn) tell(e *pgerr.Error) {
	if c.wire == nil {
		c.say(pgerr.AppendErrorResponse(nil, e))
		return
	}
	c.nc.SetDeadline(time.Now().Add(tellTimeout))
	c.wire.SetWriteTimeout(tellTimeout)
	c.wire.SendError(e)
	if c.wire.Flush() == nil {
		c.linger()
	}
}

// say sends bytes before there is a wire.Conn.
func (c *conn) say(b []byte) {
	c.nc.SetDeadline(time.Now().Add(tellTimeout))
	if _, err := c.nc.Write(b); err == nil {
		c.linger()
	}
}

// linger says that nothing more comes, and reads for a moment what the client still sends: closing with bytes unread
// resets the connection, and the reset may overtake the last message.
func (c *conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	c.counted.SetDeadline(time.Now().Add(lingerTimeout))
	if half.CloseWrite() != nil {
		return
	}
	if c.nc != net.Conn(c.counted) && c.counted.CloseWrite() != nil {
		return
	}
	io.CopyN(io.Discard, c.counted, lingerBytes)
}
