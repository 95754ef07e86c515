package neon

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all clients of one registry; the label endpoint is the route's name.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	retries  *prometheus.CounterVec
	bytes    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgturnstile_upstream_requests_total",
			Help: "HTTP requests to Neon, repeated ones too, by status class; jwt_error: Neon refused a token that was accepted here."},
			[]string{"endpoint", "code", "jwt_error"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "pgturnstile_upstream_request_duration_seconds",
			Help:    "Time of an HTTP request to Neon to the reply's header (ttfb) and to its end (total).",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"endpoint", "phase"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "pgturnstile_upstream_in_flight",
			Help: "Requests to Neon under way."}, []string{"endpoint"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgturnstile_upstream_retries_total",
			Help: "Requests sent again because nothing of them had run."}, []string{"endpoint", "reason"}),
		bytes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "pgturnstile_upstream_response_bytes",
			Help: "Bytes of a reply's body that were read.", Buckets: prometheus.ExponentialBuckets(256, 8, 8)}, []string{"endpoint"}),
	}
	err := errors.Join(register(reg, &m.requests), register(reg, &m.duration), register(reg, &m.inFlight),
		register(reg, &m.retries), register(reg, &m.bytes))
	return m, err
}

// register registers *c, or takes the one that another route's client has registered.
func register[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	if reg == nil {
		return nil
	}
	err := reg.Register(*c)
	if have, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if old, ok := have.ExistingCollector.(C); ok {
			*c = old
			return nil
		}
	}
	return err
}

// routeMetrics are one route's.
type routeMetrics struct {
	requests    [6][2]prometheus.Counter // by status / 100 (0: no answer) and jwt_error
	ttfb, total prometheus.Observer
	inFlight    prometheus.Gauge
	retries     *prometheus.CounterVec
	bytes       prometheus.Observer
}

func (m *metrics) route(name string) *routeMetrics {
	r := &routeMetrics{
		ttfb:     m.duration.WithLabelValues(name, "ttfb"),
		total:    m.duration.WithLabelValues(name, "total"),
		inFlight: m.inFlight.WithLabelValues(name),
		retries:  m.retries.MustCurryWith(prometheus.Labels{"endpoint": name}),
		bytes:    m.bytes.WithLabelValues(name),
	}
	for class, code := range [...]string{"error", "error", "2xx", "error", "4xx", "5xx"} { // a redirect is nothing else
		r.requests[class][0] = m.requests.WithLabelValues(name, code, "false")
		if class >= 4 {
			r.requests[class][1] = m.requests.WithLabelValues(name, code, "true")
		} else {
			r.requests[class][1] = r.requests[class][0]
		}
	}
	for _, reason := range retryReasons {
		r.retries.WithLabelValues(string(reason))
	}
	return r
}

// answered counts one attempt; status is 0 when no answer came.
func (r *routeMetrics) answered(status int, jwtError bool, since time.Time) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	jwt := 0
	if jwtError {
		jwt = 1
	}
	r.requests[class][jwt].Inc()
	r.total.Observe(time.Since(since).Seconds())
}
