package jwks

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Config says where a key set comes from and how long it serves. Zero durations mean the defaults.
type Config struct {
	Issuer string // the issuer's config name, the label of metrics and logs
	URL    string // see CheckURL; "" if File is set
	File   string // a JWK set in a file, instead of URL; read again at each refresh

	TTL             time.Duration // age at which a set is stale; refreshed at 50 to 80 % of it; default 1 h
	StaleLimit      time.Duration // age up to which the last good set serves while fetches fail; default 24 h
	UnknownInterval time.Duration // at most one fetch for unknown key ids in this time; default 30 s
	ConnectTimeout  time.Duration // default 2 s
	FetchTimeout    time.Duration // of a fetch as a whole; default 5 s

	RootCAs   *x509.CertPool                        // nil: the system's
	Proxy     func(*http.Request) (*url.URL, error) // nil: none, not even the environment's
	Transport http.RoundTripper                     // nil: the cache's own; it must not follow redirects
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.TTL, time.Hour)
	set(&c.StaleLimit, 24*time.Hour)
	set(&c.UnknownInterval, 30*time.Second)
	set(&c.ConnectTimeout, 2*time.Second)
	set(&c.FetchTimeout, 5*time.Second)
	return c
}

// Why there is no key.
var (
	// ErrUnknownKey: the issuer does not publish a key of this id.
	ErrUnknownKey = errors.New("jwks: no key with this id")
	// ErrUnavailable: no usable set, or the id is not in it and the issuer cannot be asked now. Trying again later may help.
	ErrUnavailable = errors.New("jwks: the keys are unavailable")
	// ErrClosed is the cause of an ErrUnavailable after Close.
	ErrClosed = errors.New("jwks: closed")
)

// Cache is one issuer's key set. Its methods may be called from any goroutine.
type Cache struct {
	config  Config
	source  source
	metrics *Metrics
	log     *zap.Logger

	requests map[string]prometheus.Counter // by outcome; immutable

	set        atomic.Pointer[keySet] // the last good one; written under mu
	generation atomic.Uint64          // written under mu

	mu          sync.Mutex
	flight      *flight   // the fetch that is running, nil if none
	failures    int       // fetches that failed since the last good one
	lastFailure error     // the last of them
	next        time.Time // when the cache fetches by itself
	nextUnknown time.Time // before it no fetch for an unknown id
	negative    negative
	expired     bool // set is over StaleLimit and the generation says so
	closed      bool

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wake   chan struct{}  // capacity 1: next has changed
	done   sync.WaitGroup // the refresher and the flight
}

// New returns a cache that has begun its first fetch in the background. Errors are faults of the configuration; an issuer
// that does not answer is none. The owner calls Close.
func New(m *Metrics, log *zap.Logger, c Config) (*Cache, error) {
	c = c.withDefaults()
	if c.TTL < time.Second || c.StaleLimit < c.TTL || c.UnknownInterval < 0 || c.ConnectTimeout < 0 || c.FetchTimeout < 0 {
		return nil, errors.New("jwks: the time to live must be at least 1 s, the stale limit not below it, and no duration negative")
	}
	cache := &Cache{config: c, metrics: m, log: log.With(zap.String("issuer", c.Issuer)), wake: make(chan struct{}, 1)}
	switch {
	case (c.URL == "") == (c.File == ""):
		return nil, errors.New("jwks: either a URL or a file is needed")
	case c.File != "":
		cache.source = fileSource(c.File)
	default:
		if err := CheckURL(c.URL); err != nil {
			return nil, fmt.Errorf("jwks: the key set's URL %w", err)
		}
		transport := c.Transport
		if transport == nil {
			transport = newTransport(c)
		}
		cache.source = &httpSource{url: c.URL, transport: transport}
	}
	cache.ctx, cache.cancel = context.WithCancel(context.Background())
	cache.requests = m.add(cache)
	cache.done.Go(cache.refresher)
	return cache, nil
}

// Close ends the background refresh and a running fetch, and waits for both. The keys that are there keep serving up to their limit.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.done.Wait()
	c.metrics.remove(c)
}

// Generation changes whenever a verified token may have to be verified again: keys came or went, or the last good set grew older
// than StaleLimit. Compare it with the generation of the key that was used.
func (c *Cache) Generation() uint64 { return c.generation.Load() }

// Status is a cache's state at one moment.
type Status struct {
	Keys     int       // usable keys that are served
	Skipped  int       // keys of the last good answer that are not usable
	Fetched  time.Time // of the last good fetch; zero if there was none
	Stale    bool      // older than TTL, or there was none
	Usable   bool      // lookups are answered: for readiness
	Failures int       // fetches that failed since
	Err      error     // the last failure; nil if the last fetch was good. For logs and operators, not for clients
}

// Status returns the state now.
func (c *Cache) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Stale: true, Failures: c.failures, Err: c.lastFailure}
	if set := c.set.Load(); set != nil {
		age := age(set.fetched)
		s.Fetched, s.Skipped = set.fetched, len(set.skipped)
		s.Stale, s.Usable = age >= c.config.TTL, age < c.config.StaleLimit
		if s.Usable {
			s.Keys = len(set.keys)
		}
	}
	return s
}

// age of a set. The monotonic clock stands still while the host sleeps, the wall clock may be set back: the older answer counts.
func age(fetched time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(fetched), now.Round(0).Sub(fetched.Round(0)))
}
