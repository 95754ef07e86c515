package assembly

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy"
	"github.com/pgturnstile/pgturnstile/proxy/admin"
	"github.com/pgturnstile/pgturnstile/proxy/session"
)

// Running is a configuration that has been started. Its methods may be called from any goroutine.
type Running struct {
	// Set by Start and never changed.
	verifier  *cognito.Verifier
	server    *proxy.Server
	listeners []*proxy.Listener
	admin     *admin.Server
	adminNet  net.Listener // nil without an admin listener
	log       *zap.Logger
	limit     int // of connections

	started atomic.Bool
	closing sync.Once
	served  sync.WaitGroup
	failure chan error // the first listener's that ended by itself
}

// Start starts c, which is valid, and returns when every listener is bound and served. What goes wrong is told without
// secrets. The caller ends it with [Running.Shutdown].
func Start(ctx context.Context, c *config.Config, log *zap.Logger) (_ *Running, err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r := &Running{log: log, limit: c.Limits.MaxConnections, failure: make(chan error, len(c.Listeners)+1)}
	defer func() {
		if err != nil {
			r.abort()
		}
	}()
	if r.verifier, err = newVerifier(registry, log, c); err != nil {
		return nil, err
	}
	routes, err := newRoutes(registry, log, c)
	if err != nil {
		return nil, err
	}
	r.server = proxy.New(registry, log, proxy.Options{
		Routes:       routes,
		DefaultRoute: c.DefaultRoute,
		Verifier:     r.verifier,
		UserPolicy:   proxy.UserPolicy{Claim: c.UserPolicy.Claim},
		Limits: proxy.Limits{
			Connections:          c.Limits.MaxConnections,
			PerIP:                c.Limits.MaxConnectionsPerIP,
			Unauthenticated:      c.Limits.MaxUnauthenticated,
			UnauthenticatedPerIP: c.Limits.MaxUnauthenticatedPerIP,
			Message:              int(c.Limits.MaxMessageBytes),
		},
		Timeouts: proxy.Timeouts{
			Login:    c.Timeouts.Login,
			Write:    c.Timeouts.ClientWrite,
			MinDrain: c.Shutdown.MinDrain,
			MaxDrain: c.Shutdown.MaxDrain,
		},
		SessionMetrics: session.NewMetrics(registry),
	})
	if err := r.listen(ctx, c); err != nil {
		return nil, err
	}
	if err := r.listenAdmin(ctx, c, registry); err != nil {
		return nil, err
	}
	r.serve()
	r.started.Store(true)
	return r, nil
}

func (r *Running) listen(ctx context.Context, c *config.Config) error {
	for _, lc := range c.Listeners {
		options := proxy.ListenOptions{Name: lc.Name, Network: "tcp", Address: lc.Address, Plaintext: plaintexts[lc.Plaintext],
			SharedAddresses: lc.BehindLoadBalancer}
		if path, ok := strings.CutPrefix(lc.Address, "unix:"); ok {
			options.Network, options.Address = "unix", path
		}
		if lc.TLS.Cert != "" {
			certificates, err := proxy.LoadCertificates(tlsFiles(lc.TLS))
			if err != nil {
				return fmt.Errorf("listener %s: %w", options.Name, err)
			}
			options.TLS = certificates
		}
		l, err := proxy.Listen(ctx, options)
		if err != nil {
			return err
		}
		r.listeners = append(r.listeners, l)
	}
	return nil
}

func (r *Running) listenAdmin(ctx context.Context, c *config.Config, registry *prometheus.Registry) (err error) {
	if c.Admin.Address == "" {
		return nil
	}
	if r.adminNet, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Admin.Address); err != nil {
		return fmt.Errorf("admin listener: %w", err)
	}
	r.admin = admin.New(registry, r.log, admin.Options{
		Gatherer:     registry,
		Started:      r.startedErr,
		Ready:        r.ready,
		Draining:     r.server.Draining,
		PProf:        c.Admin.PProf,
		MetricsToken: c.Admin.MetricsToken.Reveal(),
	})
	return nil
}

// serve runs the listeners, each in a goroutine that ends with it.
func (r *Running) serve() {
	for _, l := range r.listeners {
		r.log.Info("listening", zap.String("event", "listening"), zap.String("listener", l.Name), zap.String("address", l.Addr().String()), zap.Bool("tls", l.TLS != nil))
		r.served.Go(func() {
			if err := r.server.Serve(l); !errors.Is(err, proxy.ErrServerClosed) {
				r.failure <- fmt.Errorf("listener %s: %w", l.Name, err)
			}
		})
	}
	if r.admin != nil {
		r.log.Info("listening", zap.String("event", "listening"), zap.String("listener", "admin"), zap.String("address", r.adminNet.Addr().String()))
		r.served.Go(func() {
			if err := r.admin.Serve(r.adminNet); !errors.Is(err, admin.ErrServerClosed) {
				r.failure <- fmt.Errorf("admin listener: %w", err)
			}
		})
	}
}

// Failed gives the error of a listener that ended by itself. Nothing comes after Shutdown.
func (r *Running) Failed() <-chan error { return r.failure }

// Address is where the i-th listener of the configuration is bound.
func (r *Running) Address(i int) net.Addr { return r.listeners[i].Addr() }

// AdminAddress is where the operators' listener is bound, nil without one.
func (r *Running) AdminAddress() net.Addr {
	if r.adminNet == nil {
		return nil
	}
	return r.adminNet.Addr()
}

// Server is the proxy itself.
func (r *Running) Server() *proxy.Server { return r.server }

// Shutdown drains and ends everything (see proxy.Server.Shutdown); the operators' listener ends last, so that the drain
// can be watched. A second call ends all at once.
func (r *Running) Shutdown(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	r.closing.Do(r.end)
	r.served.Wait()
	return err
}

// end closes what stands around the server.
func (r *Running) end() {
	if r.admin != nil {
		_ = r.admin.Close() // of a listener that is going away
	}
	r.verifier.Close()
}

// abort closes what Start has opened before it failed.
func (r *Running) abort() {
	for _, l := range r.listeners {
		l.Close()
	}
	if r.adminNet != nil {
		r.adminNet.Close()
	}
	if r.server != nil {
		r.server.Close()
	}
	if r.verifier != nil {
		r.verifier.Close()
	}
}

// startedErr is nil once everything is bound and the keys were there once.
func (r *Running) startedErr() error {
	if !r.started.Load() {
		return errors.New("starting")
	}
	return r.verifier.Ready()
}

// ready says why no client should be sent here. It never asks the upstream: that would wake a database, and one that is
// down is no reason to take the proxy away.
func (r *Running) ready() error {
	if err := r.startedErr(); err != nil {
		return err
	}
	if r.server.Draining() {
		return errors.New("draining")
	}
	if r.limit > 0 && r.server.Connections() >= r.limit {
		return errors.New("all connections are in use")
	}
	return nil
}
