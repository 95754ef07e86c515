package neon

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	maxRetries = 3
	// firstPause before the first repetition, tripled before each further one; each is drawn from half of it to all of it.
	firstPause = 100 * time.Millisecond
	// lastRetry is how long after its start a request may still be sent again.
	lastRetry = 10 * time.Second
)

// Client is one route's upstream. It is safe for concurrent use.
type Client struct {
	// Immutable after New.
	cfg       Config
	url       *url.URL
	log       *zap.Logger
	metrics   *routeMetrics
	transport http.RoundTripper
	foreign   bool // transport came from the caller
	connStr   []string

	gate *gate
}

var _ upstream.Upstream = (*Client)(nil)

// New returns the client of one route. reg may be shared with other routes' clients; nil registers nothing. The error is
// a fault in cfg or a name clash in reg.
func New(reg prometheus.Registerer, log *zap.Logger, cfg Config) (*Client, error) {
	cfg.setDefaults()
	u, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	c := &Client{cfg: cfg, url: u, log: log, metrics: m.route(cfg.Name), connStr: []string{cfg.connectionString()},
		transport: cfg.RoundTripper, foreign: cfg.RoundTripper != nil, gate: newGate(cfg.InFlight)}
	if !c.foreign {
		c.transport = newTransport(&c.cfg)
	}
	return c, nil
}

// Close closes idle connections. Requests under way go on.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Run implements [upstream.Upstream]. It waits for one of the route's places in flight; requests of which nothing ran are
// sent again a few times. A request that does not go through in time is NotRun with 53300.
func (c *Client) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	if err := c.precheck(req); err != nil {
		return err
	}
	if !c.gate.enter(ctx, req.Subject, c.cfg.QueueWait) {
		if ctx.Err() != nil {
			return dropped(ctx, upstream.NotRun, "")
		}
		return notRun(pgerr.New(pgerr.TooManyConnections, "too many statements are running on this route").
			WithHint("Try again later, or raise the route's number of requests in flight."))
	}
	defer c.gate.leave(req.Subject)
	c.metrics.inFlight.Inc()
	defer c.metrics.inFlight.Dec()

	body := getBody()
	free := true
	defer func() {
		if free {
			putBody(body)
		}
	}()
	var err error
	if *body, err = c.encode((*body)[:0], req); err != nil {
		return err
	}
	header, start := c.header(req), time.Now()
	for try := 0; ; try++ {
		again, unread, err := c.attempt(ctx, req, header, *body, sink)
		free = free && unread
		if err == nil || again == retryNever || try == maxRetries || time.Since(start) > lastRetry {
			return err
		}
		if !pause(ctx, try) {
			return dropped(ctx, upstream.NotRun, "")
		}
		c.metrics.retries.WithLabelValues(string(again)).Inc()
	}
}

// pause waits before repetition try+1; false means that ctx has ended.
func pause(ctx context.Context, try int) bool {
	d := firstPause
	for range try {
		d *= 3
	}
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Values that every request shares; transports do not change a request's header.
var (
	valueTrue     = []string{"true"}
	valueJSON     = []string{"application/json"}
	valueIdentity = []string{"identity"}
	valueAgent    = []string{"pgturnstile"}
)

var isolationHeader = map[upstream.IsolationLevel][]string{
	upstream.ReadUncommitted: {"ReadUncommitted"},
	upstream.ReadCommitted:   {"ReadCommitted"},
	upstream.RepeatableRead:  {"RepeatableRead"},
	upstream.Serializable:    {"Serializable"},
}

func (c *Client) header(req *upstream.Request) http.Header {
	h := http.Header{
		"Authorization":          {"Bearer " + req.Token.Reveal()},
		"Neon-Connection-String": c.connStr,
		"Neon-Raw-Text-Output":   valueTrue,
		"Neon-Array-Mode":        valueTrue,
		"Content-Type":           valueJSON,
		"Accept-Encoding":        valueIdentity,
		"User-Agent":             valueAgent,
	}
	if !req.Transaction {
		return h
	}
	if req.Isolation != "" {
		level, ok := isolationHeader[req.Isolation]
		if !ok {
			panic("BUG: unknown isolation level")
		}
		h["Neon-Batch-Isolation-Level"] = level
	}
	if req.ReadOnly {
		h["Neon-Batch-Read-Only"] = valueTrue
	}
	if req.Deferrable {
		h["Neon-Batch-Deferrable"] = valueTrue
	}
	return h
}
