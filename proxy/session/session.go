package session

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

// Identity is whom the session's statements run as.
type Identity struct {
	Token     upstream.Token
	Subject   string // the token's sub
	ExpiresAt time.Time
	// Recheck is asked before each cycle of statements whether the token is still accepted: nil, or the FATAL error that
	// ends the session. It is cheap unless keys or policy have changed.
	Recheck func(ctx context.Context) *pgerr.Error
}

// Options are what a session is made of. All but Alive are required.
type Options struct {
	Conn     *wire.Conn
	Upstream upstream.Upstream
	Identity Identity
	Settings *guc.Settings
	Facts    *catalog.Facts
	Route    Route
	Metrics  *Metrics

	ProcessID uint32 // of BackendKeyData, with SecretKey
	SecretKey []byte

	// Alive reports whether the client's socket is still open; it is asked once a second while a request runs long. nil:
	// not asked.
	Alive func() bool
}

// Route is what the session knows of where its statements run.
type Route struct {
	Name           string // the route's config name, a metric label
	Role           string // the role that statements run as
	Types          *catalog.Types
	Describer      *describe.Describer
	StatementLimit time.Duration // of one request; 0: none
	MaxRequest     int64         // bytes of statements and parameters kept for one request
}

// Session is one authenticated client. Run's goroutine owns every field but those of control, which Cancel and Drain
// share.
type Session struct {
	// Set by New and never changed.
	conn     *wire.Conn
	up       upstream.Upstream
	identity Identity
	facts    *catalog.Facts
	route    Route
	metrics  *Metrics
	options  Options

	settings guc.Settings
	reported map[string]string // ParameterStatus as last sent
	encoding string            // the client_encoding that the connection speaks
	keyed    guc.Settings      // the settings that keyText is the key of
	keyText  string

	prepared preparedStatements
	portals  map[string]*portal // of this cycle: no transaction outlives one
	cycle    cycle
	failed   bool // in a failed transaction block: 25P02 until ROLLBACK or COMMIT
	saved    bool // the failed block may hold savepoints
	skipping bool // after an error in the extended protocol, to Sync

	control control
}

// control is what other goroutines may touch.
type control struct {
	mu       sync.Mutex
	cancel   context.CancelCauseFunc // of the request in flight, nil when there is none
	draining atomic.Bool             // written under mu
}

// New makes a session of a client that has been sent AuthenticationOk.
func New(o Options) *Session {
	return &Session{
		conn:     o.Conn,
		up:       o.Upstream,
		identity: o.Identity,
		facts:    o.Facts,
		route:    o.Route,
		metrics:  o.Metrics,
		options:  o,
		settings: *o.Settings,
		reported: map[string]string{},
		portals:  map[string]*portal{},
	}
}

// Why a session's wait or request ended, as causes of its context.
var (
	errDraining     = pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command").Fatal()
	errTokenExpired = pgerr.New(pgerr.AdminShutdown, "terminating connection because the token has expired").
			WithHint("Get a new token and connect again.").Fatal()
	errCanceled     = pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	errTimeout      = pgerr.New(pgerr.QueryCanceled, "canceling statement due to statement timeout")
	errClientGone   = errors.New("the client has closed its connection")
	errClientWrites = errors.New("the client cannot be written to")
)

// Run greets the client (ParameterStatus, BackendKeyData, ReadyForQuery) and serves it to the end. It returns nil after
// Terminate, else why it ended; a FATAL error has then been sent. The connection is the caller's to close.
func (s *Session) Run(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return s.end(err)
	}
	s.greet()
	if err := s.conn.Flush(); err != nil {
		return err
	}
	for {
		msg, err := s.receive(ctx)
		if err == nil {
			if _, ok := msg.(*pgproto3.Terminate); ok {
				return nil
			}
			err = s.handle(ctx, msg)
		}
		if err != nil {
			return s.end(err)
		}
	}
}

// end tells the client of a FATAL error and passes on why the session ends.
func (s *Session) end(err error) error {
	if e, ok := errors.AsType[*pgerr.Error](err); ok && e.IsFatal() {
		s.conn.SendError(e)
		s.metrics.failed(e, sourceProxy)
		_ = s.conn.Flush() // the session ends with err either way
	}
	return err
}

// receive waits for the next message, or for the end of the token or of the server. An ERROR about the message itself is
// answered here as its place in the protocol asks.
func (s *Session) receive(ctx context.Context) (pgproto3.FrontendMessage, error) {
	for {
		if err := s.arm(ctx); err != nil {
			return nil, err
		}
		msg, err := s.conn.Receive()
		if err == nil {
			return msg, nil
		}
		if e, ok := errors.AsType[*pgerr.Error](err); ok && !e.IsFatal() {
			if err := s.refuseMessage(ctx, e); err != nil {
				return nil, err
			}
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if err := s.whyWoken(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, err
	}
}

// arm sets the read deadline to the token's end, unless the session has to end now.
func (s *Session) arm(ctx context.Context) error {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	if err := s.whyWoken(ctx); err != nil && !s.conn.Buffered() {
		return err
	}
	return s.conn.SetReadDeadline(s.identity.ExpiresAt)
}

// whyWoken says what ends an idle session, nil if nothing does.
func (s *Session) whyWoken(ctx context.Context) error {
	switch {
	case s.control.draining.Load():
		return errDraining
	case !time.Now().Before(s.identity.ExpiresAt):
		s.metrics.expired.WithLabelValues(stateIdle).Inc()
		return errTokenExpired
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

// Cancel drops the statement in flight, which is answered with 57014. Without one it does nothing. Any goroutine may call
// it.
func (s *Session) Cancel() {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	if s.control.cancel != nil {
		s.control.cancel(errCanceled)
	}
}

// Drain ends the session with FATAL 57P01: now if it is idle, else after its statement. Any goroutine may call it.
func (s *Session) Drain() {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.draining.Store(true)
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes an idle Receive; a closed connection ends by itself
}
