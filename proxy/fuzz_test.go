package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/session"
)

// FuzzStartup sends any bytes through the whole way up to a session: it never panics, it always ends, and nobody comes in
// without the token.
func FuzzStartup(f *testing.F) {
	for _, seed := range [][]byte{
		nil, sslRequest, gssencRequest, good, clientHello(), join(sslRequest, good), join(gssencRequest, sslRequest, clientHello()),
		join(good, password("token-alice")), join(good, password("x")), join(good, password("token-alice"), query("x"), typed('X', nil)),
		cancelPacket(1, []byte{1, 2, 3, 4}), declared(0), declared(0xffffffff), sized(10000),
		startupPacket(0x0003270f, "user", "x", "_pq_.a", "b"), startupPacket(0x00020000), packet(80877105),
		startupPacket(0x00030000, "user", "x\xff", "replication", "true", "options", "-c a=b"),
		join(good, declaredPassword(1<<30)), []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(3))
	}
	certs, _ := newCertificates(f)
	facts := &fakeFacts{}
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		registry := prometheus.NewRegistry()
		var sessions []*fakeSession
		var mu sync.Mutex
		s := New(registry, zap.NewNop(), Options{
			Routes:   []Route{{Route: session.Route{Name: "main"}, Database: "neondb", Facts: facts}},
			Verifier: &fakeVerifier{},
			Timeouts: Timeouts{Login: 5 * time.Second},
			NewSession: func(o session.Options) Session {
				it := newFakeSession(o)
				mu.Lock()
				sessions = append(sessions, it)
				mu.Unlock()
				return it
			},
		})
		l := &Listener{Listener: newPipeListener(), Name: "test", TLS: certs, Plaintext: PlaintextAlways}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		ours, theirs := net.Pipe()
		l.Listener.(*pipeListener).conns <- theirs

		var reader sync.WaitGroup
		reader.Go(func() { io.Copy(io.Discard, ours) })
		for rest := b; len(rest) > 0; {
			n := len(rest)
			if cut > 0 {
				n = min(n, int(cut))
			}
			if _, err := ours.Write(rest[:n]); err != nil {
				break
			}
			rest = rest[n:]
		}
		ours.Close()
		reader.Wait()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Fatalf("Serve returned %v", err)
		}
		w := &world{t: t, registry: registry}
		if n := w.counter("panics_total"); n != 0 {
			t.Fatalf("%v panics", n)
		}
		if n := w.counter("client_connections"); n != 0 {
			t.Fatalf("%v connections are counted as open", n)
		}
		for _, it := range sessions {
			if !bytes.Contains(b, []byte("token-"+it.Identity.Subject)) {
				t.Fatalf("%q came in", it.Identity.Subject)
			}
		}
		if len(sessions) > 1 {
			t.Fatalf("%d sessions on one connection", len(sessions))
		}
	})
}

// FuzzPrintable: what is logged is short, one line, printable, and no token.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"", "x", "a\nb", "\xff\xfe", "eyJhbGciOiJSUzI1NiJ9.eyJ", "\x1b[31m", strings.Repeat("\u2028", 100), strings.Repeat("\x01", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if len(got) > 6*maxLogged+3 || strings.Contains(got, "eyJ") {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%q", got)
			}
		}
	})
}
