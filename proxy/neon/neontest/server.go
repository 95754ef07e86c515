package neontest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// DefaultLimit is Neon's own limit for a request and for an answer, in bytes.
const DefaultLimit = 10 << 20

// Options of a server.
type Options struct {
	// DSN connects a superuser to the Postgres behind. Roles connect to the same host and port without a password.
	DSN string
	// Dial connects to Postgres; nil is a plain connection.
	Dial pgconn.DialFunc
	// Addr is where to listen; "" is a free port on 127.0.0.1.
	Addr string
	// Providers are whose tokens are accepted. nil: none was ever configured; see SetProviders.
	Providers []Provider
	// JWKSClient fetches key sets; nil is a client of its own, which follows no redirects.
	JWKSClient *http.Client
	// JWKSRetryPause is the wait before a failed fetch of keys is repeated, doubled each time; 0 is one second.
	JWKSRetryPause time.Duration
	// MaxRequest and MaxResponse are limits in bytes; 0 is DefaultLimit.
	MaxRequest, MaxResponse int
	// MaxConns is the number of clients above which older connections are closed; 0 is Neon's 100.
	MaxConns int
	// KeepState leaves out the reset of connections to Postgres between requests, so that it shows what depends on it.
	KeepState bool
	// Clock is what tokens, keys and the age of connections are judged by; nil is the machine's.
	Clock Clock
}

// Server is Neon's HTTP endpoint over a Postgres. Its methods are safe for concurrent use.
type Server struct {
	// Immutable after New.
	options Options
	pool    *pool
	keys    *keyCache
	conns   *conns
	http    *http.Server
	url     string
	served  chan struct{} // closed when http has ended

	faults faultList

	mu       sync.Mutex
	requests int // that reached the endpoint
}

// New starts a server. Postgres is first needed when a request comes.
func New(o Options) (*Server, error) {
	admin, err := pgconn.ParseConfig(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("neontest: the superuser's connection: %w", err)
	}
	if o.Dial != nil {
		admin.DialFunc = o.Dial
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.MaxRequest == 0 {
		o.MaxRequest = DefaultLimit
	}
	if o.MaxResponse == 0 {
		o.MaxResponse = DefaultLimit
	}
	if o.MaxConns == 0 {
		o.MaxConns = maxConns
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.JWKSRetryPause == 0 {
		o.JWKSRetryPause = time.Second
	}
	if o.JWKSClient == nil {
		o.JWKSClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("neontest: %w", err)
	}
	s := &Server{options: o, pool: newPool(admin, o.KeepState), url: "http://" + ln.Addr().String() + "/sql", served: make(chan struct{})}
	s.keys = &keyCache{clock: o.Clock, client: o.JWKSClient, pause: o.JWKSRetryPause, configure: o.Providers != nil, providers: o.Providers, entries: map[cacheKey]*cacheEntry{}}
	s.conns = &conns{clock: o.Clock, max: o.MaxConns, open: map[net.Conn]*clientConn{}}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{Handler: s, Protocols: protocols, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 4 << 20, DisableGeneralOptionsHandler: true, ConnContext: s.conns.enter, ConnState: s.conns.state, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(ln) // ends with Close
	}()
	return s, nil
}

// URL is where statements are sent: http://127.0.0.1:port/sql.
func (s *Server) URL() string { return s.url }

// SetProviders replaces the providers. Keys that are cached stay so for as long as Neon keeps them.
func (s *Server) SetProviders(providers ...Provider) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.providers, s.keys.configure = providers, true
}

// Requests is the number of statements' requests that have come, faulty ones included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Close ends the server and its connections to Postgres, whatever they are doing.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.served
	s.pool.close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Reset closes the idle connections to Postgres, as a restart of the endpoint would. Keys are kept.
func (s *Server) Reset() {
	s.pool.mu.Lock()
	idle := s.pool.idle
	s.pool.idle, s.pool.count = map[poolKey][]*backend{}, 0
	s.pool.mu.Unlock()
	for _, list := range idle {
		for _, b := range list {
			s.pool.drop(b)
		}
	}
}
