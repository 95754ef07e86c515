package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// alpn is the application protocol of Postgres over TLS: offered by libpq since version 17, required where the
// handshake comes without a request for it.
const alpn = "postgresql"

// reloadInterval is how often at most the files are looked at.
const reloadInterval = 2 * time.Second

// watchInterval is how often they are looked at without a handshake.
const watchInterval = time.Minute

// TLSFiles names the files of one listener's TLS.
type TLSFiles struct {
	Cert, Key  string
	ClientCA   string // "": no client certificate is asked for; else one of these authorities is required
	MinVersion uint16 // tls.VersionTLS12 or newer; 0 is TLS 1.2
}

// Certificates is one listener's TLS configuration. It follows its files: a change is noticed with a handshake, and
// files that do not fit together leave the old ones in use. Safe for concurrent use.
type Certificates struct {
	files   TLSFiles
	current atomic.Pointer[tls.Config]
	outer   *tls.Config // immutable: gives every handshake the current one, and keeps the session ticket keys

	mu       sync.Mutex
	seen     [3][]byte // the content that was judged last: Cert, Key, ClientCA
	lookedAt time.Time
	expires  time.Time // of the certificate in use
	metrics  *metrics  // nil until a server serves the listener; the same for the next two
	log      *zap.Logger
	listener string
}

// LoadCertificates reads the files.
func LoadCertificates(f TLSFiles) (*Certificates, error) {
	c := &Certificates{files: f}
	content, err := f.read()
	if err != nil {
		return nil, err
	}
	cfg, leaf, err := f.parse(content)
	if err != nil {
		return nil, err
	}
	c.seen, c.lookedAt, c.expires = content, time.Now(), leaf.NotAfter
	c.current.Store(cfg)
	c.outer = cfg.Clone()
	c.outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c.follow(time.Now())
		return c.current.Load(), nil
	}
	return c, nil
}

// Reload looks at the files now. The error says why the old ones stay in use.
func (c *Certificates) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look(time.Now())
}

// attach hands over what a server reports with.
func (c *Certificates) attach(m *metrics, log *zap.Logger, listener string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics, c.log, c.listener = m, log, listener
	m.certExpiry.WithLabelValues(listener).Set(float64(c.expires.Unix()))
}

// follow looks at the files if that is due. Whoever comes while another looks takes what there is.
func (c *Certificates) follow(now time.Time) {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	if now.Sub(c.lookedAt) >= reloadInterval {
		c.look(now) // the error was logged
	}
}

// watch looks at the files now and then until ctx ends, for a listener without clients: the expiry metric must be true.
func (c *Certificates) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			c.follow(now)
		case <-ctx.Done():
			return
		}
	}
}

// look reads the files and takes them if they changed. mu is held.
func (c *Certificates) look(now time.Time) error {
	c.lookedAt = now
	content, err := c.files.read()
	if err == nil && equal(content, c.seen) {
		return nil
	}
	var cfg *tls.Config
	var leaf *x509.Certificate
	if err == nil {
		c.seen = content // also if it is bad: that is said once
		cfg, leaf, err = c.files.parse(content)
	}
	result := "ok"
	if err != nil {
		result = "failed"
	} else {
		c.expires = leaf.NotAfter
		c.current.Store(cfg)
	}
	if c.metrics != nil {
		c.metrics.certReloads.WithLabelValues(c.listener, result).Inc()
		c.metrics.certExpiry.WithLabelValues(c.listener).Set(float64(c.expires.Unix()))
		if err != nil {
			c.log.Error("changed TLS files were refused, the old ones stay in use", zap.String("event", "tls_reload"),
				zap.String("listener", c.listener), zap.Error(err))
		} else {
			c.log.Info("TLS files reloaded", zap.String("event", "tls_reload"), zap.String("listener", c.listener), zap.Time("expires", c.expires))
		}
	}
	return err
}

func equal(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (f TLSFiles) read() (content [3][]byte, err error) {
	for i, name := range []string{f.Cert, f.Key, f.ClientCA} {
		if name == "" && i == 2 {
			continue
		}
		if content[i], err = readSmall(name); err != nil {
			return content, err
		}
	}
	return content, nil
}

// readSmall reads a file of at most 1 MiB: what a certificate file never is must not be read with every handshake.
func readSmall(name string) ([]byte, error) {
	const most = 1 << 20
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(b) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return b, nil
}

// parse makes a configuration of the files' content. Its errors name files, never what is in them.
func (f TLSFiles) parse(content [3][]byte) (*tls.Config, *x509.Certificate, error) {
	pair, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return nil, nil, fmt.Errorf("certificate %s and key %s: %w", f.Cert, f.Key, err)
	}
	cfg := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   max(f.MinVersion, tls.VersionTLS12),
		NextProtos:   []string{alpn}, // a client that names only others is refused in the handshake (ALPACA)
	}
	if f.ClientCA != "" {
		cfg.ClientCAs = x509.NewCertPool()
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		if !cfg.ClientCAs.AppendCertsFromPEM(content[2]) {
			return nil, nil, fmt.Errorf("%s holds no certificate", f.ClientCA)
		}
	}
	return cfg, pair.Leaf, nil
}

// handshake puts TLS over the connection. pending has been read already; it is nil unless the client began by itself.
func (c *conn) handshake(ctx context.Context, pending []byte) *ending {
	direct := pending != nil
	received := c.counted.in.Load()
	t := tls.Server(&prefixedConn{countedConn: c.counted, pending: pending}, c.listener.TLS.outer)
	err := t.HandshakeContext(ctx)
	if err != nil && !direct && c.counted.in.Load() == received && gone(err) {
		return &ending{reason: reasonProbe} // SSLRequest and close, as load balancers do
	}
	state := t.ConnectionState()
	if err == nil && direct && state.NegotiatedProtocol != alpn {
		err = errNoALPN
	}
	if err != nil {
		why := handshakeFailure(ctx, err)
		c.server.metrics.tlsFailures.WithLabelValues(why).Inc()
		c.fields = append(c.fields, zap.String("tls_failure", why))
		return &ending{reason: reasonTLS}
	}
	c.nc = t
	c.tlsLabel = strings.TrimPrefix(tls.VersionName(state.Version), "TLS ")
	c.fields = append(c.fields, zap.String("tls_version", c.tlsLabel), zap.String("cipher", tls.CipherSuiteName(state.CipherSuite)),
		foreign("sni", state.ServerName))
	return nil
}

var errNoALPN = errors.New("direct TLS without ALPN postgresql")

// handshakeFailure is the label of tls_handshake_failures_total. crypto/tls has no types for most of its errors.
func handshakeFailure(ctx context.Context, err error) string {
	if context.Cause(ctx) == errLoginTimeout {
		return "timeout"
	}
	if context.Cause(ctx) != nil {
		return "closed"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "no_tls"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "client_certificate"
	}
	text := err.Error()
	switch {
	case errors.Is(err, errNoALPN), strings.Contains(text, "application protocol"):
		return "alpn"
	case strings.Contains(text, "didn't provide a certificate"), strings.Contains(text, "client certificate"):
		return "client_certificate"
	case strings.Contains(text, "unsupported versions"), strings.Contains(text, "protocol version"):
		return "version"
	case strings.Contains(text, "no cipher suite"):
		return "cipher"
	case strings.Contains(text, "remote error"):
		return "alert" // most often the client does not trust the certificate
	case gone(err), errors.Is(err, io.ErrUnexpectedEOF):
		return "client_gone"
	}
	return "other"
}

// prefixedConn is a countedConn whose first bytes have been read already.
type prefixedConn struct {
	*countedConn
	pending []byte
}

func (c *prefixedConn) Read(b []byte) (int, error) {
	if len(c.pending) > 0 {
		n := copy(b, c.pending)
		c.pending = c.pending[n:]
		return n, nil
	}
	return c.countedConn.Read(b)
}

var _ net.Conn = (*prefixedConn)(nil)
