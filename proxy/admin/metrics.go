package admin

import "github.com/prometheus/client_golang/prometheus"

// register registers the collectors of the process itself. The gauges are read at each scrape.
func register(reg prometheus.Registerer, o Options) {
	b := ReadBuild()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "pgturnstile_build_info",
		Help:        "1, with what this binary was made from as labels.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.GoVersion},
	})
	build.Set(1)
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "pgturnstile_up", Help: "1 while the process runs."})
	up.Set(1)
	reg.MustRegister(build, up,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pgturnstile_ready", Help: "1 while /readyz says that clients may be sent here.",
		}, func() float64 { return indicator(o.Ready() == nil) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pgturnstile_draining", Help: "1 from the signal to end until the process ends.",
		}, func() float64 { return indicator(o.Draining()) }),
	)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
