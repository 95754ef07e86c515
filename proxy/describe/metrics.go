package describe

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// How a look-up in the cache ended: the values of the label outcome.
const (
	outcomeHit    = "hit"
	outcomeMiss   = "miss"
	outcomeShared = "shared" // it waited for the same question of another session
)

// metrics are one route's.
type metrics struct {
	hit, miss, shared prometheus.Counter
	bytes             prometheus.Gauge
}

// newMetrics registers the collectors, or takes those that another route has registered.
func newMetrics(reg prometheus.Registerer, route string) metrics {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgturnstile_describe_cache_requests_total",
		Help: "Descriptions of statements that were looked for in the cache, by what came of it."}, []string{"endpoint", "outcome"})
	bytes := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "pgturnstile_describe_cache_bytes",
		Help: "Memory that the descriptions in the cache take."}, []string{"endpoint"})
	register(reg, &requests)
	register(reg, &bytes)
	return metrics{
		hit:    requests.WithLabelValues(route, outcomeHit),
		miss:   requests.WithLabelValues(route, outcomeMiss),
		shared: requests.WithLabelValues(route, outcomeShared),
		bytes:  bytes.WithLabelValues(route),
	}
}

func register[C prometheus.Collector](reg prometheus.Registerer, c *C) {
	if reg == nil {
		return
	}
	err := reg.Register(*c)
	if have, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if old, ok := have.ExistingCollector.(C); ok {
			*c = old
			return
		}
	}
	if err != nil {
		panic("BUG: describe: " + err.Error())
	}
}
