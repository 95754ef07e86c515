package admin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// start serves o on a loopback address until the test ends, and returns its URL.
func start(t *testing.T, o Options) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	o.Gatherer = registry
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(registry, zap.NewNop(), o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

type response struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, method, url string, change func(*http.Request)) response {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	reply, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{reply.StatusCode, reply.Header, string(body)}
}

func TestHealth(t *testing.T) {
	var started, ready atomic.Pointer[error]
	why := func(p *atomic.Pointer[error]) func() error {
		return func() error {
			if e := p.Load(); e != nil {
				return *e
			}
			return nil
		}
	}
	url := start(t, Options{Started: why(&started), Ready: why(&ready)})
	expect := func(path string, status int, body string) {
		t.Helper()
		got := do(t, http.MethodGet, url+path, nil)
		if got.status != status || got.body != body {
			t.Errorf("%s: %d %q, want %d %q", path, got.status, got.body, status, body)
		}
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/startupz"} {
		expect(path, 200, "ok\n")
	}
	starting, draining := errors.New("starting"), errors.New("draining\n\tsince  a while")
	started.Store(&starting)
	ready.Store(&draining)
	expect("/livez", 200, "ok\n") // depends on nothing
	expect("/readyz", 503, "draining since a while\n")
	expect("/startupz", 503, "starting\n")
	long := errors.New(strings.Repeat("é", maxReason))
	ready.Store(&long)
	expect("/readyz", 503, strings.Repeat("é", maxReason/2)+"...\n")

	for path, status := range map[string]int{"/": 404, "/livez/": 404, "/debug/pprof/": 404, "/quitquitquit": 404} {
		if got := do(t, http.MethodGet, url+path, nil); got.status != status {
			t.Errorf("%s: %d, want %d", path, got.status, status)
		}
	}
	if got := do(t, http.MethodPost, url+"/readyz", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.status)
	}
	if got := do(t, http.MethodHead, url+"/livez", nil); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
}

func TestProcessMetrics(t *testing.T) {
	url := start(t, Options{Ready: func() error { return errors.New("draining") }, Draining: func() bool { return true }})
	got := do(t, http.MethodGet, url+"/metrics", nil)
	b := ReadBuild()
	for _, line := range []string{
		`pgturnstile_build_info{goversion="` + b.GoVersion + `",revision="` + b.Revision + `",version="` + b.Version + `"} 1`,
		"pgturnstile_up 1", "pgturnstile_ready 0", "pgturnstile_draining 1",
	} {
		if !strings.Contains(got.body, line+"\n") {
			t.Errorf("no %s in\n%s", line, got.body)
		}
	}
	url = start(t, Options{})
	got = do(t, http.MethodGet, url+"/metrics", nil)
	for _, line := range []string{"pgturnstile_ready 1", "pgturnstile_draining 0"} {
		if !strings.Contains(got.body, line+"\n") {
			t.Errorf("no %s in\n%s", line, got.body)
		}
	}
}

func TestMetricsToken(t *testing.T) {
	url := start(t, Options{MetricsToken: "correct horse", PProf: true})
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		for authorization, want := range map[string]int{
			"": 401, "Bearer": 401, "Bearer ": 401, "Bearer wrong": 401, "Basic correct horse": 401, "correct horse": 401,
			"Bearer correct horse": 200, "bearer correct horse": 200, "Bearer correct horse ": 200, // HTTP trims the value
		} {
			got := do(t, http.MethodGet, url+path, func(r *http.Request) {
				if authorization != "" {
					r.Header.Set("Authorization", authorization)
				}
			})
			if got.status != want || want == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: %d, want %d", path, authorization, got.status, want)
			}
			if strings.Contains(got.body, "correct horse") {
				t.Errorf("%s with %q shows the token", path, authorization)
			}
		}
	}
	if got := do(t, http.MethodGet, url+"/readyz", nil); got.status != 200 {
		t.Errorf("a probe needs the token: %d", got.status)
	}
}

func TestProfilesOnLoopbackOnly(t *testing.T) {
	url := start(t, Options{PProf: true})
	if got := do(t, http.MethodGet, url+"/debug/pprof/goroutine?debug=1", nil); got.status != 200 || !strings.Contains(got.body, "goroutine profile") {
		t.Errorf("%d %s", got.status, got.body)
	}
	for host, want := range map[string]int{"localhost": 200, "localhost:9090": 200, "127.0.0.1": 200, "[::1]:9090": 200,
		"rebound.example.com": 404, "rebound.example.com:9090": 404, "10.0.0.1:9090": 404} {
		if got := do(t, http.MethodGet, url+"/debug/pprof/", func(r *http.Request) { r.Host = host }); got.status != want {
			t.Errorf("Host %s: %d, want %d", host, got.status, want)
		}
	}
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "10.0.0.1:1": false, "[fe80::1]:1": false} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := loopbackAddr(a); got != want {
			t.Errorf("loopbackAddr(%s) is %v", address, got)
		}
	}
}

func TestServeAfterClose(t *testing.T) {
	for name, end := range map[string]func(*Server) error{
		"Close":    (*Server).Close,
		"Shutdown": func(s *Server) error { return s.Shutdown(context.Background()) },
	} {
		registry := prometheus.NewRegistry()
		s := New(registry, zap.NewNop(), Options{Gatherer: registry})
		if err := end(s); err != nil {
			t.Error(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(l); !errors.Is(err, ErrServerClosed) {
			t.Errorf("%s, then Serve: %v", name, err)
		}
		if c, err := l.Accept(); err == nil {
			c.Close()
			t.Errorf("%s, then Serve: the listener is open", name)
		}
	}
}

// pipeListener hands out one end of pipes.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9090} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// A client that never ends its request, or asks nothing more, is closed.
func TestSlowClients(t *testing.T) {
	for name, c := range map[string]struct {
		send string
		want time.Duration
	}{
		"nothing":         {"", headerTimeout},
		"half a header":   {"GET /livez HTTP/1.1\r\nHost: ", headerTimeout},
		"a body to come":  {"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", readTimeout},
		"a whole request": {"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := prometheus.NewRegistry()
				core, logs := observer.New(zap.InfoLevel)
				s := New(registry, zap.New(core), Options{Gatherer: registry})
				l := newPipeListener()
				served := make(chan error, 1)
				go func() { served <- s.Serve(l) }()
				conn, begin := l.dial(), time.Now()
				go func() { _, _ = io.WriteString(conn, c.send) }() // the server may close before it took all
				if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > c.want {
					t.Errorf("closed after %v, want at most %v", took, c.want)
				}
				conn.Close()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if err := <-served; !errors.Is(err, ErrServerClosed) {
					t.Errorf("Serve returned %v", err)
				}
				if n := logs.Len(); n > 0 {
					t.Errorf("%d records above debug: %v", n, logs.All())
				}
			})
		})
	}
}

// Shutdown waits for an answer that is under way, as long as its context lasts.
func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		release := make(chan struct{})
		s := New(registry, zap.NewNop(), Options{Gatherer: registry, Ready: func() error { <-release; return nil }})
		l := newPipeListener()
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		conn := l.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
		close(release)
		<-served
	})
}

// No more connections are accepted than there are slots, and a closed one gives its slot back once.
func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newPipeListener()
		l := limit(inner, 2)
		accepted := make(chan net.Conn)
		go func() {
			defer close(accepted)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- c
			}
		}()
		for range 3 {
			go func() { inner.dial() }()
		}
		first, second := <-accepted, <-accepted
		synctest.Wait()
		select {
		case <-accepted:
			t.Fatal("a third connection was accepted")
		default:
		}
		first.Close()
		first.Close()
		third := <-accepted
		go func() { inner.dial() }()
		synctest.Wait()
		select {
		case <-accepted:
			t.Fatal("closing twice gave two slots")
		default:
		}
		second.Close()
		fourth := <-accepted
		l.Close()
		if _, open := <-accepted; open {
			t.Error("accepted after Close")
		}
		third.Close()
		fourth.Close()
	})
}
