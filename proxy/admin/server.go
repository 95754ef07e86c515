package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// ErrServerClosed is what [Server.Serve] returns after [Server.Shutdown] or [Server.Close].
var ErrServerClosed = http.ErrServerClosed

// What one client of the listener may take. It is for probes and scrapers, which ask little.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	scrapeTimeout  = 10 * time.Second
	maxHeaderBytes = 8 << 10
	maxConnections = 64
	maxScrapes     = 4 // at the same time
)

// Options is what a [Server] shows. The functions are called from any goroutine, by every probe and every scrape: they
// answer at once and ask nobody.
type Options struct {
	Gatherer prometheus.Gatherer // what /metrics shows; required

	Started  func() error // nil error: configuration read, listeners bound, keys loaded once. A nil function is that always
	Ready    func() error // nil error: clients may be sent here. The error is the reason in one line. A nil function is that always
	Draining func() bool  // a nil function is never

	PProf        bool   // serve /debug/pprof/ to loopback addresses
	MetricsToken string // bearer token that /metrics and profiles ask for; "" for none
}

// Server serves the operators' listener. Its methods may be called from any goroutine.
type Server struct {
	http *http.Server // set by New, never changed
}

// New makes a server and registers the collectors of the process with reg. log gets what net/http has to say, at debug:
// a port scan is no event.
func New(reg prometheus.Registerer, log *zap.Logger, o Options) *Server {
	if o.Started == nil {
		o.Started = func() error { return nil }
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Draining == nil {
		o.Draining = func() bool { return false }
	}
	register(reg, o)
	silent, err := zap.NewStdLogAt(log.Named("admin"), zap.DebugLevel)
	if err != nil {
		panic("BUG: debug is a level: " + err.Error())
	}
	metrics := promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{
		ErrorLog:            silent,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", withToken(o.MetricsToken, metrics))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, o.Ready()) })
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, _ *http.Request) { answer(w, o.Started()) })
	if o.PProf {
		mux.Handle("GET /debug/pprof/", withToken(o.MetricsToken, loopbackOnly(profiles())))
	}
	return &Server{http: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          silent,
	}}
}

// Serve accepts on l until the server is closed. It closes l and always returns an error: [ErrServerClosed] after
// [Server.Shutdown] or [Server.Close], even when they came first.
func (s *Server) Serve(l net.Listener) error {
	return s.http.Serve(limit(l, maxConnections))
}

// Shutdown ends Serve, and waits for requests that are being answered until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// Close ends Serve and every connection at once.
func (s *Server) Close() error { return s.http.Close() }
