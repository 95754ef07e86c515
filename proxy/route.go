package proxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/guc"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/session"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// Facts are what a route's server says of itself, as *catalog.Cache keeps them. The error of both is a *pgerr.Error, or an
// *upstream.Error.
type Facts interface {
	// Get gives them from the cache, or else reads them with this caller's token.
	Get(ctx context.Context, who catalog.Caller) (*catalog.Facts, error)
	// Probe reads them with this caller's token, whatever the cache holds.
	Probe(ctx context.Context, who catalog.Caller) (*catalog.Facts, error)
}

// Route is where the sessions of one startup database run.
type Route struct {
	session.Route
	Database string // the startup database that picks it
	Upstream upstream.Upstream
	Facts    Facts
}

// routes is immutable but for the keys that each route has accepted.
type routes struct {
	byDatabase map[string]*route
	fallback   *route // nil: other databases are refused
}

type route struct {
	Route
	keys keyTrials
}

func newRoutes(list []Route, fallback string) *routes {
	r := &routes{byDatabase: make(map[string]*route, len(list))}
	for _, one := range list {
		if r.byDatabase[one.Database] != nil {
			panic("BUG: two routes for the database " + one.Database)
		}
		it := &route{Route: one}
		r.byDatabase[one.Database] = it
		if one.Name == fallback {
			r.fallback = it
		}
	}
	if fallback != "" && r.fallback == nil {
		panic("BUG: no route has the name " + fallback)
	}
	return r
}

// find returns the route of that database. It is asked only after the token was accepted: who has none learns no names.
func (r *routes) find(database string) (*route, *pgerr.Error) {
	if found := r.byDatabase[database]; found != nil {
		return found, nil
	}
	if r.fallback != nil {
		return r.fallback, nil
	}
	return nil, pgerr.New(pgerr.InvalidCatalogName, `database "%s" does not exist`, database)
}

// enter makes the session of an authenticated client: its route, its settings, the server's facts, its cancel key. As in
// Postgres an error here comes behind AuthenticationOk. ctx ends when the server drains.
func (c *conn) enter(ctx context.Context, claims *cognito.Claims, token upstream.Token) (Session, *ending) {
	s := c.server
	to, err := s.routes.find(c.startup.database)
	if err != nil {
		return nil, &ending{reason: reasonDatabase, tell: err}
	}
	c.fields = append(c.fields, zap.String("route", to.Name))
	settings, err := guc.Startup(c.startup.settings)
	if err != nil {
		return nil, &ending{reason: reasonSetting, tell: err}
	}
	facts, end := c.facts(ctx, to, claims, catalog.Caller{Token: token, Subject: claims.Subject})
	if end != nil {
		return nil, end
	}
	pid, secret, unregister := s.cancels.register(c.startup.secretKeyLength(), c.cancelSession)
	c.atEnd = append(c.atEnd, unregister)
	c.wire.SetWriteTimeout(s.opts.Timeouts.Write)
	it := s.opts.NewSession(session.Options{
		Conn:     c.wire,
		Upstream: c.watch(to.Upstream),
		Identity: session.Identity{
			Token:     token,
			Subject:   claims.Subject,
			ExpiresAt: claims.ExpiresAt,
			Recheck:   s.recheck(claims, token),
		},
		Settings:  settings,
		Facts:     facts,
		Route:     to.Route.Route,
		Metrics:   s.opts.SessionMetrics,
		ProcessID: pid,
		SecretKey: secret,
		Alive:     aliveFunc(c.raw),
	})
	if !c.adopt(it) {
		return nil, &ending{reason: reasonDraining, tell: shuttingDown()}
	}
	return it, nil
}

// watchedUpstream counts its connection as active while a request is in flight.
type watchedUpstream struct {
	upstream.Upstream
	idle, active prometheus.Gauge
}

func (c *conn) watch(up upstream.Upstream) watchedUpstream {
	open := c.server.metrics.open
	return watchedUpstream{up, open.WithLabelValues(c.listener.Name, string(stateIdle)), open.WithLabelValues(c.listener.Name, string(stateActive))}
}

func (u watchedUpstream) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	u.idle.Dec()
	u.active.Inc()
	defer func() {
		u.active.Dec()
		u.idle.Inc()
	}()
	return u.Upstream.Run(ctx, req, sink)
}

// facts gets what the session reports, and with it the proof that the route's server accepts the token's key: a key that
// it does not know yet can leave a request without any answer for minutes, so it is tried here, with a limit.
func (c *conn) facts(ctx context.Context, to *route, claims *cognito.Claims, who catalog.Caller) (*catalog.Facts, *ending) {
	ctx, stop := c.whileAlive(ctx)
	defer stop()
	key := keyName{issuer: claims.Issuer, id: claims.KeyID}
	err := to.keys.try(ctx, key, func() (err error) {
		defer func() { // it runs in a goroutine of its own
			if p := recover(); p != nil {
				c.server.panicked(p)
				err = pgerr.New(pgerr.InternalError, "internal error")
			}
		}()
		trial, cancel := context.WithTimeoutCause(c.server.base, c.server.opts.Timeouts.KeyTrial, errKeyTrial)
		defer cancel()
		_, err = to.Facts.Probe(trial, who)
		if err != nil && context.Cause(trial) == errKeyTrial {
			return errKeyTrial
		}
		return err
	})
	var facts *catalog.Facts
	if err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.server.opts.Timeouts.Facts)
		defer cancel()
		facts, err = to.Facts.Get(ctx, who)
	}
	if err == nil {
		return facts, nil
	}
	if cause := context.Cause(ctx); cause == errDraining || cause == errClientGone || errors.Is(cause, ErrServerClosed) {
		return nil, c.interrupted(ctx, err)
	}
	if u, ok := errors.AsType[*upstream.Error](err); ok && u.RequestID != "" {
		c.fields = append(c.fields, foreign("neon_request_id", u.RequestID))
	}
	what := pgerr.From(err).Error() // the client is told less
	if errors.Is(err, errKeyTrial) {
		what = err.Error()
	}
	c.fields = append(c.fields, foreign("upstream_error", what))
	e, reason := noFacts(err)
	return nil, &ending{reason: reason, tell: e}
}

// aliveInterval is how often a client that waits is looked for, as a session does.
const aliveInterval = time.Second

// whileAlive returns a context that ends with errClientGone when the client closes its end: clients that give up and come
// again while the server is down must not pile up here.
func (c *conn) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	alive := aliveFunc(c.raw)
	go func() {
		tick := time.NewTicker(aliveInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if !alive() {
					cancel(errClientGone)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// errKeyTrial is a key trial that got no answer in time.
var errKeyTrial = errors.New("no answer to the first request with this key")

// noFacts is what a client is told when the route's server cannot be asked: 57P03, or what it said of the token itself.
func noFacts(err error) (*pgerr.Error, reason) {
	if errors.Is(err, errKeyTrial) {
		return pgerr.New(pgerr.CannotConnectNow, "the database does not accept this token's signing key yet").
			WithHint("Try again: a new key can take up to 5 minutes to arrive there, and a database that slept may need a moment. " +
				"If it never works, the key set's URL is not registered with the Neon project.").
			Because(err), reasonSigningKey
	}
	e := pgerr.From(err)
	if u, ok := errors.AsType[*upstream.Error](err); ok && u.KeyUnknown {
		return e, reasonSigningKey // the upstream has its own sentence for that
	}
	if e.Class() == "28" || e.Code == pgerr.CannotConnectNow {
		return e, reasonUpstream
	}
	told := pgerr.New(pgerr.CannotConnectNow, "the database cannot be reached at the moment").WithHint("Try again in a few seconds.").Because(err)
	if e.Code != pgerr.InternalError && e.Code != pgerr.QueryCanceled {
		told = told.WithDetail("%s", e.Message)
	}
	return told, reasonUpstream
}

// maxKeys bounds the keys that a route remembers. An issuer has two at a time; past the bound all are tried once more.
const maxKeys = 256

// keyName is a verification key: ids are unique within one issuer only.
type keyName struct{ issuer, id string }

// keyTrials knows which keys a route's server has accepted. At most one trial of a key runs at a time: a key without an
// answer must not fill the requests in flight. Safe for concurrent use; the zero value has accepted none.
type keyTrials struct {
	mu       sync.Mutex
	accepted map[keyName]struct{}
	running  map[keyName]*keyTrial
}

type keyTrial struct {
	done chan struct{} // closed at the end
	err  error         // valid then
}

// try returns nil if key has been accepted; else it runs trial, or waits for the one that runs and shares its failure, unless
// that is about the other's token alone. trial goes on when ctx ends: others may be waiting for it.
func (k *keyTrials) try(ctx context.Context, key keyName, trial func() error) error {
	for {
		t, own := k.join(key, trial)
		if t == nil {
			return nil
		}
		select {
		case <-t.done:
			if own || !aboutToken(t.err) {
				return t.err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// aboutToken reports whether a trial failed by its token, not by the key.
func aboutToken(err error) bool { return err != nil && pgerr.From(err).Class() == "28" }

// join returns the trial of key that runs, or starts its own; nil if there is no need for one.
func (k *keyTrials) join(key keyName, trial func() error) (t *keyTrial, own bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.accepted[key]; ok {
		return nil, false
	}
	if t := k.running[key]; t != nil {
		return t, false
	}
	t = &keyTrial{done: make(chan struct{})}
	if k.running == nil {
		k.running = make(map[keyName]*keyTrial)
	}
	k.running[key] = t
	go k.run(key, t, trial)
	return t, true
}

func (k *keyTrials) run(key keyName, t *keyTrial, trial func() error) {
	err := trial()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.running, key)
	if err == nil {
		if k.accepted == nil || len(k.accepted) >= maxKeys {
			k.accepted = make(map[keyName]struct{})
		}
		k.accepted[key] = struct{}{}
	}
	t.err = err
	close(t.done)
}
