package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/session"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// patience is how long a test waits for what must come: far longer than it takes on a loaded machine.
const patience = 20 * time.Second

// fakeVerifier lets every "token-<sub>" in. It is a Verifier where tokens are not the subject.
type fakeVerifier struct {
	// verify replaces it if set.
	verify func(ctx context.Context, token string) (*cognito.Claims, error)
}

func (v *fakeVerifier) Verify(ctx context.Context, token string) (*cognito.Claims, error) {
	if v.verify != nil {
		return v.verify(ctx, token)
	}
	sub, ok := strings.CutPrefix(token, "token-")
	if !ok {
		return nil, errors.New("not a token of this test")
	}
	return claimsOf(sub), nil
}

func claimsOf(sub string) *cognito.Claims {
	return &cognito.Claims{Subject: sub, Issuer: "https://issuer.test/pool", ClientID: "app", TokenUse: "access", KeyID: "key-1",
		ID: "jti-1", OriginID: "origin-1", ExpiresAt: time.Now().Add(time.Hour)}
}

// fakeFacts are Facts that are always there, unless probe or get say otherwise.
type fakeFacts struct {
	probe, get func(ctx context.Context, who catalog.Caller) (*catalog.Facts, error)

	mu     sync.Mutex
	probes int
}

func (f *fakeFacts) Probe(ctx context.Context, who catalog.Caller) (*catalog.Facts, error) {
	f.mu.Lock()
	f.probes++
	f.mu.Unlock()
	if f.probe != nil {
		return f.probe(ctx, who)
	}
	return &catalog.Facts{}, nil
}

func (f *fakeFacts) Get(ctx context.Context, who catalog.Caller) (*catalog.Facts, error) {
	if f.get != nil {
		return f.get(ctx, who)
	}
	return &catalog.Facts{}, nil
}

func (f *fakeFacts) probed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.probes
}

// fakeSession greets as a session does and then lives until Terminate, a closed connection, Drain or the server's end. A
// Query of "panic" panics; one of "busy" is answered only after Cancel, or when release is closed.
type fakeSession struct {
	session.Options
	canceled chan struct{} // one entry for each Cancel
	drained  chan struct{} // closed by Drain
	release  chan struct{}
	drain    sync.Once
}

func newFakeSession(o session.Options) *fakeSession {
	return &fakeSession{Options: o, canceled: make(chan struct{}, 16), drained: make(chan struct{}), release: make(chan struct{})}
}

// target is the name of its upstream.
func (s *fakeSession) target() namedUpstream {
	return s.Upstream.(watchedUpstream).Upstream.(namedUpstream)
}

func (s *fakeSession) Cancel() { s.canceled <- struct{}{} }
func (s *fakeSession) Drain()  { s.drain.Do(func() { close(s.drained) }) }

func (s *fakeSession) Run(ctx context.Context) error {
	s.Conn.Send(&pgproto3.BackendKeyData{ProcessID: s.ProcessID, SecretKey: s.SecretKey})
	s.ready()
	if err := s.Conn.Flush(); err != nil {
		return err
	}
	messages := make(chan string)
	failed := make(chan error, 1)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			m, err := s.Conn.Receive()
			if err != nil {
				failed <- err
				return
			}
			q, ok := m.(*pgproto3.Query)
			if !ok {
				failed <- nil
				return
			}
			select {
			case messages <- q.String:
			case <-ended:
				return
			}
		}
	}()
	for {
		select {
		case q := <-messages:
			if q == "panic" {
				panic("a session's secret: " + s.Identity.Token.Reveal())
			}
			if q == "busy" {
				select {
				case <-s.release:
				case <-s.canceled:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			s.Conn.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")})
			s.ready()
			if err := s.Conn.Flush(); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-s.drained:
			e := pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command").Fatal()
			s.Conn.SendError(e)
			s.Conn.Flush()
			return e
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *fakeSession) ready() { s.Conn.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'}) }

// world is a server under test.
type world struct {
	t        testing.TB
	server   *Server
	listener *Listener
	address  string
	registry *prometheus.Registry
	logs     *observer.ObservedLogs
	verifier *fakeVerifier
	facts    *fakeFacts
	sessions chan *fakeSession // those that were started
	served   chan error        // what Serve returned
}

// newWorld starts a server with TLS on a loopback port, with the routes "neondb" and "other". change may alter what it is made of.
func newWorld(t testing.TB, change func(*Options, *Listener)) *world {
	t.Helper()
	w := prepareWorld(t, nil, change)
	w.start()
	return w
}

// prepareWorld makes the server but does not start it; l is its listener, nil for one on a loopback port.
func prepareWorld(t testing.TB, l *Listener, change func(*Options, *Listener)) *world {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	w := &world{t: t, registry: prometheus.NewRegistry(), logs: logs, verifier: &fakeVerifier{}, facts: &fakeFacts{},
		sessions: make(chan *fakeSession, 1000), served: make(chan error, 1)}
	o := Options{
		Routes: []Route{
			{Route: session.Route{Name: "main", Role: "authenticated", MaxRequest: 1 << 20}, Database: "neondb", Facts: w.facts, Upstream: namedUpstream("main")},
			{Route: session.Route{Name: "second", Role: "authenticated", MaxRequest: 1 << 20}, Database: "other", Facts: w.facts, Upstream: namedUpstream("second")},
		},
		Verifier: w.verifier,
		NewSession: func(o session.Options) Session {
			s := newFakeSession(o)
			w.sessions <- s
			return s
		},
	}
	if l == nil {
		certs, _ := newCertificates(t)
		var err error
		l, err = Listen(t.Context(), ListenOptions{Name: "test", Network: "tcp", Address: "127.0.0.1:0", TLS: certs})
		if err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&o, l)
	}
	w.listener = l
	w.address = l.Addr().String()
	w.server = New(w.registry, zap.New(core), o)
	return w
}

func (w *world) start() {
	go func() { w.served <- w.server.Serve(w.listener) }()
	w.t.Cleanup(func() {
		w.server.Close()
		<-w.served
		w.server.serving.Wait()
		w.invariants()
	})
}

// invariants asserts that a server without connections holds nothing for any.
func (w *world) invariants() {
	w.t.Helper()
	s := w.server
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	s.cancels.mu.Lock()
	defer s.cancels.mu.Unlock()
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	for what, n := range map[string]int{
		"connections":          s.Connections(),
		"connection slots":     s.limiter.total,
		"login slots":          s.limiter.pending,
		"refusals":             s.limiter.refusing,
		"counted addresses":    len(s.limiter.byIP),
		"cancel keys":          len(s.cancels.sessions),
		"tokens":               len(s.tokens.held),
		"connections in gauge": int(w.counter("client_connections")),
	} {
		if n != 0 {
			w.t.Errorf("%d %s are left", n, what)
		}
	}
}

// namedUpstream is an upstream that tests tell by its name; nothing runs on it.
type namedUpstream string

func (namedUpstream) Run(context.Context, *upstream.Request, upstream.RowSink) error {
	return errors.New("this upstream runs nothing")
}

// files of a certificate for localhost.
type certificateFiles struct {
	TLSFiles
	pool *x509.CertPool // that trusts it
}

func newCertificates(t testing.TB) (*Certificates, certificateFiles) {
	t.Helper()
	f := writeCertificate(t, t.TempDir(), time.Now().Add(24*time.Hour))
	c, err := LoadCertificates(f.TLSFiles)
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

// writeCertificate writes server.crt and server.key into dir: a fresh self-signed certificate.
func writeCertificate(t testing.TB, dir string, expires time.Time) certificateFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: expires,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f := certificateFiles{TLSFiles: TLSFiles{Cert: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key")}, pool: x509.NewCertPool()}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	f.pool.AppendCertsFromPEM(certPEM)
	writeFile(t, f.Cert, certPEM)
	writeFile(t, f.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return f
}

func writeFile(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// counter returns the sum of a metric over the label pairs name, value, ...
func (w *world) counter(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		if f.GetName() != "pgturnstile_"+name {
			continue
		}
	metric:
		for _, m := range f.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue metric
				}
			}
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return total
}

// eventually polls until ok, or fails with what.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("never happened: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// session returns the next session that was started.
func (w *world) session() *fakeSession {
	w.t.Helper()
	select {
	case s := <-w.sessions:
		return s
	case <-time.After(patience):
		w.t.Fatal("no session was started")
		return nil
	}
}
