package jwks

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the collectors of all caches of a process; each has its issuer's config name as label.
type Metrics struct {
	fetches  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	requests *prometheus.CounterVec

	lastSuccess, keys, stale *prometheus.Desc

	mu     sync.Mutex
	caches map[string]*Cache // by issuer; guarded by mu
}

// Outcomes of a lookup, labels of jwks_cache_requests_total.
const (
	outcomeHit         = "hit"          // the key is in the set
	outcomeMiss        = "miss"         // a fetch was made or awaited
	outcomeNegativeHit = "negative_hit" // the issuer was asked for this id lately and does not know it
	outcomeSuppressed  = "suppressed"   // unknown, and no fetch was due
)

// NewMetrics registers the collectors. It panics if they are registered already, as prometheus.MustRegister.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	issuer := []string{"issuer"}
	m := &Metrics{
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pgturnstile_jwks_fetch_total",
			Help: "Fetches of an issuer's key set.",
		}, []string{"issuer", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "pgturnstile_jwks_fetch_duration_seconds",
			Help:    "Duration of fetches of an issuer's key set.",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5},
		}, issuer),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pgturnstile_jwks_cache_requests_total",
			Help: "Lookups of a key id.",
		}, []string{"issuer", "outcome"}),
		lastSuccess: prometheus.NewDesc("pgturnstile_jwks_last_success_timestamp_seconds",
			"When the key set was last fetched well, 0 if never.", issuer, nil),
		keys:   prometheus.NewDesc("pgturnstile_jwks_keys", "Usable keys of the set that is served.", issuer, nil),
		stale:  prometheus.NewDesc("pgturnstile_jwks_stale", "1 if the served key set is older than its time to live.", issuer, nil),
		caches: make(map[string]*Cache),
	}
	reg.MustRegister(m.fetches, m.duration, m.requests, m)
	return m
}

// Describe is of prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.lastSuccess
	ch <- m.keys
	ch <- m.stale
}

// Collect is of prometheus.Collector: the gauges follow from the caches' state at the time of the scrape.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for issuer, cache := range m.caches {
		s := cache.Status()
		success, stale := 0.0, 0.0
		if !s.Fetched.IsZero() {
			success = float64(s.Fetched.UnixNano()) / float64(time.Second)
		}
		if s.Stale {
			stale = 1
		}
		ch <- prometheus.MustNewConstMetric(m.lastSuccess, prometheus.GaugeValue, success, issuer)
		ch <- prometheus.MustNewConstMetric(m.keys, prometheus.GaugeValue, float64(s.Keys), issuer)
		ch <- prometheus.MustNewConstMetric(m.stale, prometheus.GaugeValue, stale, issuer)
	}
}

// add makes a cache's label values exist from the start, so that a rate over them begins at 0, and returns its counters of lookups
// by outcome.
func (m *Metrics) add(c *Cache) map[string]prometheus.Counter {
	m.mu.Lock()
	m.caches[c.config.Issuer] = c
	m.mu.Unlock()
	for _, result := range []string{resultOK, resultHTTPError, resultTimeout, resultParse, resultEmpty, resultTooLarge} {
		m.fetches.WithLabelValues(c.config.Issuer, result)
	}
	requests := make(map[string]prometheus.Counter)
	for _, outcome := range []string{outcomeHit, outcomeMiss, outcomeNegativeHit, outcomeSuppressed} {
		requests[outcome] = m.requests.WithLabelValues(c.config.Issuer, outcome)
	}
	return requests
}

func (m *Metrics) remove(c *Cache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.caches[c.config.Issuer] == c {
		delete(m.caches, c.config.Issuer)
	}
}
