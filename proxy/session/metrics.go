package session

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Metrics are the collectors of all sessions.
type Metrics struct {
	queries      *prometheus.CounterVec   // database, kind, result
	duration     *prometheus.HistogramVec // kind
	errors       *prometheus.CounterVec   // sqlstate_class, source
	rows         prometheus.Counter
	transactions *prometheus.CounterVec // result
	unsupported  *prometheus.CounterVec // feature
	expired      *prometheus.CounterVec // state
}

// kindBatch is the kind of a request of several statements in query_duration_seconds.
const kindBatch = "batch"

// NewMetrics registers the sessions' collectors.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pgturnstile", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		queries: counters("queries_total", "Statements sent to the upstream.", "database", "kind", "result"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "pgturnstile", Name: "query_duration_seconds",
			Help:    "Time from sending a request to the end of its results, by the kind of its statement; several are a batch.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 14),
		}, []string{"kind"}),
		errors: counters("query_errors_total", "Errors sent to clients after login, by SQLSTATE class and by who raised them.", "sqlstate_class", "source"),
		rows: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "pgturnstile", Name: "rows_sent_total",
			Help: "Rows sent to clients."}),
		transactions: counters("transactions_total", "Transactions by how they ended.", "result"),
		unsupported:  counters("unsupported_total", "Refusals of what is not supported, by feature.", "feature"),
		expired:      counters("sessions_expired_total", "Sessions ended because their token had expired, by what they were doing.", "state"),
	}
	for _, state := range []string{stateIdle, stateActive} { // a series that begins at 1 has no increase
		m.expired.WithLabelValues(state)
	}
	reg.MustRegister(m.queries, m.duration, m.errors, m.rows, m.transactions, m.unsupported, m.expired)
	return m
}

// What a session did when its token expired.
const (
	stateIdle   = "idle"
	stateActive = "active"
)

// Who raised an error.
const (
	sourceProxy    = "proxy"
	sourceUpstream = "upstream"
)

// sourceOf tells the server's own errors, which carry the file that raised them, from ours.
func sourceOf(e *pgerr.Error) string {
	if e.Routine != "" {
		return sourceUpstream
	}
	return sourceProxy
}

func (m *Metrics) failed(e *pgerr.Error, source string) {
	m.errors.WithLabelValues(e.Class(), source).Inc()
}

// observe counts a request and its statements.
func (m *Metrics) observe(g *group, database string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	kind := kindBatch
	for _, mem := range g.members {
		if mem.exec == nil {
			continue
		}
		verb := string(mem.exec.plan.Verb)
		m.queries.WithLabelValues(database, verb, result).Inc()
		if g.sent == 1 {
			kind = verb
		}
	}
	m.duration.WithLabelValues(kind).Observe(took.Seconds())
}

// ended counts a transaction.
func (m *Metrics) ended(g *group, result string) {
	if g.sent > 0 {
		m.transactions.WithLabelValues(result).Inc()
	}
}
