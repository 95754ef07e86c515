package proxy

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
)

const namespace = "pgturnstile"

// metrics are the collectors of this package. Every label value is one of a closed set or comes from the config.
type metrics struct {
	connections     *prometheus.CounterVec   // listener, tls
	open            *prometheus.GaugeVec     // listener, state
	probes          *prometheus.CounterVec   // listener
	rejected        *prometheus.CounterVec   // reason
	duration        *prometheus.HistogramVec // listener
	tlsFailures     *prometheus.CounterVec   // reason
	certExpiry      *prometheus.GaugeVec     // listener
	certReloads     *prometheus.CounterVec   // listener, result
	authAttempts    *prometheus.CounterVec   // method, result
	authFailures    *prometheus.CounterVec   // reason
	authDuration    *prometheus.HistogramVec // result
	tokenLifetime   prometheus.Histogram
	cancelRequests  *prometheus.CounterVec // result
	panics          prometheus.Counter
	acceptErrors    *prometheus.CounterVec // listener
	bytesReceived   prometheus.Counter
	bytesSent       prometheus.Counter
	connectionLimit prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		connections: counter("client_connections_total",
			"Client connections that sent a startup packet, by listener and TLS version (none, 1.2, 1.3).", "listener", "tls"),
		open: gauge("client_connections",
			"Open client connections by listener and state (startup, auth, idle, active, refused).", "listener", "state"),
		probes: counter("client_connection_probes_total",
			"Connections that ended before a startup packet or before a password, as health checks and password prompts do: no failures.", "listener"),
		rejected: counter("client_connections_rejected_total",
			"Connections that got no session, by reason. Refused tokens are in auth_failures_total, failed handshakes in tls_handshake_failures_total.", "reason"),
		duration: histogram("client_connection_duration_seconds",
			"How long a client connection was open.", []float64{0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400}, "listener"),
		tlsFailures: counter("tls_handshake_failures_total",
			"TLS handshakes with clients that failed.", "reason"),
		certExpiry: gauge("tls_certificate_expiry_timestamp_seconds",
			"When the listener's certificate ends, in Unix time.", "listener"),
		certReloads: counter("tls_certificate_reloads_total",
			"Changed TLS files that were loaded, or refused while the old ones stay in use.", "listener", "result"),
		authAttempts: counter("auth_attempts_total",
			"Logins by method and result: ok, failed (the client's fault), error (it could not be decided).", "method", "result"),
		authFailures: counter("auth_failures_total",
			"Logins that were not ok, by reason.", "reason"),
		authDuration: histogram("auth_duration_seconds",
			"Time to verify a token.", []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}, "result"),
		tokenLifetime: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "token_remaining_lifetime_seconds",
			Help: "How long a token was still valid at login.", Buckets: []float64{10, 60, 300, 600, 1800, 3600, 10800, 86400}}),
		cancelRequests: counter("cancel_requests_total",
			"CancelRequests by result: found, not_found (no such session or a wrong key), rate_limited.", "result"),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "panics_total",
			Help: "Client connections that were closed because of a panic."}),
		acceptErrors: counter("accept_errors_total",
			"Temporary errors of accept, such as no free file descriptor.", "listener"),
		bytesReceived: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "client_received_bytes_total",
			Help: "Bytes received from clients, as on the network, counted when a connection closes."}),
		bytesSent: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "client_sent_bytes_total",
			Help: "Bytes sent to clients, as on the network, counted when a connection closes."}),
		connectionLimit: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "client_connections_max",
			Help: "The limit on open client connections, 0 for none."}),
	}
	reg.MustRegister(m.connections, m.open, m.probes, m.rejected, m.duration, m.tlsFailures, m.certExpiry, m.certReloads,
		m.authAttempts, m.authFailures, m.authDuration, m.tokenLifetime, m.cancelRequests, m.panics, m.acceptErrors,
		m.bytesReceived, m.bytesSent, m.connectionLimit)
	// A rate needs a zero to start from.
	for _, r := range append(cognito.Reasons(), noPasswordMessage, undecided) {
		m.authFailures.WithLabelValues(string(r))
	}
	for _, r := range []authResult{authOK, authFailed, authError} {
		m.authAttempts.WithLabelValues("password", string(r))
	}
	for _, r := range countedReasons {
		m.rejected.WithLabelValues(r)
	}
	for _, r := range []cancelResult{cancelFound, cancelNotFound, cancelRateLimited} {
		m.cancelRequests.WithLabelValues(string(r))
	}
	return m
}

// authenticated counts one login.
func (m *metrics) authenticated(result authResult, reason cognito.Reason, took time.Duration) {
	m.authAttempts.WithLabelValues("password", string(result)).Inc()
	m.authDuration.WithLabelValues(string(result)).Observe(took.Seconds())
	if result != authOK {
		m.authFailures.WithLabelValues(string(reason)).Inc()
	}
}
