package neon

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// rawServer answers each request on a connection with what answer writes; it returns false to close the connection.
type rawServer struct {
	url      string
	accepted atomic.Int32
	requests atomic.Int32
}

func newRawServer(t *testing.T, answer func(nc net.Conn, n int32) bool) *rawServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{url: "http://" + ln.Addr().String()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			mu.Lock()
			open = append(open, nc)
			mu.Unlock()
			wg.Go(func() {
				defer nc.Close()
				br := bufio.NewReader(nc)
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return
					}
					if !answer(nc, s.requests.Add(1)) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, nc := range open {
			_ = nc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return s
}

func head(length int, extra string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n", length, extra)
}

func TestBrokenReplies(t *testing.T) {
	var leaked bytes.Buffer // net/http reports there what stands behind a reply
	log.SetOutput(&leaked)
	defer func() {
		log.SetOutput(os.Stderr)
		if leaked.Len() > 0 {
			t.Errorf("logged: %s", &leaked)
		}
	}()
	long := strings.Replace(oneRow, `["1"]`, `["1"]`+strings.Repeat(`,["2"]`, 20000), 1)
	long = strings.Replace(long, `"rowCount":1`, `"rowCount":20001`, 1)
	for name, c := range map[string]struct {
		reply string
		stay  bool // the connection stays open behind it
		text  string
		rows  bool // some were delivered before
	}{
		"closed without an answer":    {"", false, "before the answer came", false},
		"header cut":                  {"HTTP/1.1 200 OK\r\nContent-Le", false, "before the answer came", false},
		"not HTTP":                    {"SSH-2.0-x\r\n\r\n", false, "before the answer came", false},
		"header too large":            {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 100) + "\r\n", false, "before the answer came", false},
		"body cut":                    {head(len(long), "") + long[:len(long)/2], false, "ends early", true},
		"no byte of the body":         {head(len(oneRow), ""), false, "ends early", false},
		"length too small":            {head(len(long)-30, "") + long, true, "ends early", true},
		"length too small by one":     {head(len(long)-1, "") + long, true, "ends early", true},
		"length zero":                 {head(0, "") + oneRow, true, "ends early", false},
		"chunk cut":                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + oneRow[:16] + "\r\n40\r\nxx", false, "", false},
		"chunks end early":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + oneRow[:16] + "\r\n0\r\n\r\n", true, "ends early", false},
		"no length, cut":              {"HTTP/1.1 200 OK\r\n\r\n" + oneRow[:50], false, "ends early", false},
		"gzip":                        {head(len(gzipped(oneRow)), "Content-Encoding: gzip\r\n") + gzipped(oneRow), true, "compressed", false},
		"gzip that does not say so":   {head(len(gzipped(oneRow)), "") + gzipped(oneRow), true, "malformed", false},
		"HTML":                        {head(13, "") + "<html></html>", true, "malformed", false},
		"garbage behind":              {head(len(oneRow)+2, "") + oneRow + "{}", true, "malformed", true},
		"malformed in a row":          {head(len(oneRow), "") + strings.Replace(oneRow, `["1"]`, `["1",`, 1), true, "malformed", false},
		"204":                         {"HTTP/1.1 204 No Content\r\n\r\n", true, "HTTP status 204", false},
		"a switch of protocols":       {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false, "HTTP status 101", false},
		"only interim answers, close": {"HTTP/1.1 102 Processing\r\n\r\n", false, "before the answer came", false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newRawServer(t, func(nc net.Conn, n int32) bool {
				if n > 1 {
					_, _ = io.WriteString(nc, head(len(oneRow), "")+oneRow)
					return true
				}
				_, _ = io.WriteString(nc, c.reply)
				return c.stay
			})
			client := newClient(t, srv.url, nil)
			sink := &collector{t: t}
			err := client.Run(t.Context(), single("insert"), sink)
			check(t, err, "08006", upstream.Unknown)
			if e, ok := errors.AsType[*upstream.Error](err); ok && !strings.Contains(e.PG.Message, c.text) {
				t.Errorf("%q, want %q", e.PG.Message, c.text)
			}
			if rows := len(sink.results) > 0 && len(sink.results[0].rows) > 0; rows != c.rows {
				t.Errorf("rows delivered: %v", rows)
			}
			if len(sink.results) > 0 && sink.results[0].done.Command != "" {
				t.Error("the result was completed")
			}
			if n := srv.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
			// What stands behind the broken reply reaches nobody.
			sink = &collector{t: t}
			if err := client.Run(t.Context(), single("select 1"), sink); err != nil || len(sink.results[0].rows) != 1 {
				t.Errorf("the next request: %v, %+v", err, sink.results)
			}
			want := int32(2)
			if name == "204" || name == "chunks end early" { // read to their end, whatever they mean
				want = 1
			}
			if n := srv.accepted.Load(); n != want {
				t.Errorf("%d connections, want %d", n, want)
			}
		})
	}
}

// TestBytesBehindAReply: a reply is whole, but the server has sent more, in the same packet or later. The result counts,
// and what follows reaches nobody, neither a user nor a log.
func TestBytesBehindAReply(t *testing.T) {
	var leaked bytes.Buffer
	log.SetOutput(&leaked)
	defer log.SetOutput(os.Stderr)
	forged := strings.Replace(oneRow, `["1"]`, `["forged"]`, 1)
	long := strings.Replace(strings.Replace(oneRow, `["1"]`, `["1"]`+strings.Repeat(`,["2"]`, 20000), 1), `"rowCount":1`, `"rowCount":20001`, 1)
	interim := "HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1   103 Early\n\n"
	for name, c := range map[string]struct{ reply, later string }{
		"at once":       {head(len(oneRow), "") + oneRow + head(len(forged), "") + forged, ""},
		"long":          {head(len(long), "") + long + head(len(forged), "") + forged, ""},
		"interim":       {interim + head(len(oneRow), "") + oneRow + head(len(forged), "") + forged, ""},
		"later":         {head(len(oneRow), "") + oneRow, head(len(forged), "") + forged},
		"behind a 204":  {"HTTP/1.1 204 No Content\r\n\r\n" + head(len(forged), "") + forged, ""},
		"behind a 503":  {"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" + head(len(forged), "") + forged, ""},
		"just one byte": {head(len(oneRow), "") + oneRow + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			hungUp := make(chan struct{})
			srv := newRawServer(t, func(nc net.Conn, n int32) bool {
				if n == 1 {
					_, _ = io.WriteString(nc, c.reply)
					if c.later != "" {
						_, _ = io.WriteString(nc, c.later)
						_, _ = io.Copy(io.Discard, nc) // to the end that the client makes of it
						close(hungUp)
						return false
					}
				} else {
					_, _ = io.WriteString(nc, head(len(oneRow), "")+oneRow)
				}
				return true
			})
			client := newClient(t, srv.url, nil)
			err := client.Run(t.Context(), single("select"), &discard{})
			if strings.HasPrefix(name, "behind") {
				check(t, err, "08006", upstream.Unknown)
			} else if err != nil {
				t.Errorf("%v", err)
			}
			if c.later != "" { // while a request is being written nobody could tell whose answer comes
				select {
				case <-hungUp:
				case <-time.After(20 * time.Second):
					t.Fatal("the connection with a byte too many is kept")
				}
			}
			for range 3 {
				sink := &collector{t: t}
				if err := client.Run(t.Context(), single("select"), sink); err != nil || *sink.results[0].rows[0][0] != "1" {
					t.Errorf("%v, %+v", err, sink.results)
				}
			}
		})
	}
	if leaked.Len() > 0 {
		t.Errorf("logged: %s", &leaked)
	}
}

func gzipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// TestReusedConnectionThatDiesIsNotRetried: the request was written, so it may have run.
func TestReusedConnectionThatDiesIsNotRetried(t *testing.T) {
	srv := newRawServer(t, func(nc net.Conn, n int32) bool {
		if n == 2 {
			return false
		}
		_, _ = io.WriteString(nc, head(len(oneRow), "")+oneRow)
		return true
	})
	client := newClient(t, srv.url, nil)
	if err := client.Run(t.Context(), single("select 1"), &collector{t: t}); err != nil {
		t.Fatal(err)
	}
	check(t, client.Run(t.Context(), single("insert"), &collector{t: t}), "08006", upstream.Unknown)
	if srv.requests.Load() != 2 || srv.accepted.Load() != 1 {
		t.Errorf("%d requests on %d connections", srv.requests.Load(), srv.accepted.Load())
	}
}

func TestRefusedConnection(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	_ = ln.Close()
	client := newClient(t, url, nil)
	check(t, client.Run(t.Context(), single("select 1"), &collector{t: t}), "08001", upstream.NotRun)
	if n := testutil.ToFloat64(client.metrics.retries.WithLabelValues(string(retryDial))); n != maxRetries {
		t.Errorf("%v repetitions", n)
	}
}

func TestCertificateIsChecked(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, oneRow) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	client := newClient(t, srv.URL, nil)
	err := client.Run(t.Context(), single("select 1"), &collector{t: t})
	check(t, err, "08001", upstream.NotRun)
	if !strings.Contains(err.Error(), "certificate") || testutil.ToFloat64(client.metrics.retries.WithLabelValues(string(retryDial))) != 0 {
		t.Errorf("%v", err)
	}
	trusting := newClient(t, srv.URL, func(cfg *Config) {
		cfg.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	})
	if err := trusting.Run(t.Context(), single("select 1"), &collector{t: t}); err != nil {
		t.Errorf("%v", err)
	}
}

// TestBearerGoesNowhereElse: neither a redirect nor the environment leads the token away.
func TestBearerGoesNowhereElse(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	t.Setenv("HTTP_PROXY", other.URL)
	t.Setenv("ALL_PROXY", other.URL)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, status)
		}))
		check(t, newClient(t, srv.URL, nil).Run(t.Context(), single("select 1"), &collector{t: t}), "08001", upstream.NotRun)
		srv.Close()
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// TestDroppedRequestClosesItsConnection: the server sees the end of a request whose context ended.
func TestDroppedRequestClosesItsConnection(t *testing.T) {
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(gone)
	}))
	defer srv.Close()
	client := newClient(t, srv.URL, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	check(t, client.Run(ctx, single("select pg_sleep(60)"), &collector{t: t}), "57014", upstream.Unknown)
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the server still has the request")
	}
}

func TestSinkErrorClosesTheConnection(t *testing.T) {
	long := strings.Replace(oneRow, `["1"]`, `["1"]`+strings.Repeat(`,["2"]`, 200000), 1)
	srv := newRawServer(t, func(nc net.Conn, n int32) bool {
		_, err := io.WriteString(nc, head(len(long), "")+long)
		return err == nil
	})
	client := newClient(t, srv.url, nil)
	stop := errors.New("client has gone")
	if err := client.Run(t.Context(), single("select 1"), &collector{t: t, fail: stop}); err != stop {
		t.Errorf("%v", err)
	}
	_ = client.Run(t.Context(), single("select 1"), &collector{t: t, fail: stop})
	if n := srv.accepted.Load(); n != 2 {
		t.Errorf("%d connections: one with an unread reply was used again", n)
	}
}

func TestReplyLimit(t *testing.T) {
	chunked := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if chunked {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, oneRow)
	}))
	defer srv.Close()
	for _, chunked = range []bool{false, true} {
		exact := newClient(t, srv.URL, func(cfg *Config) { cfg.MaxReply = int64(len(oneRow)) })
		if err := exact.Run(t.Context(), single("select 1"), &collector{t: t}); err != nil {
			t.Errorf("exactly the limit: %v", err)
		}
		small := newClient(t, srv.URL, func(cfg *Config) { cfg.MaxReply = int64(len(oneRow)) - 1 })
		err := small.Run(t.Context(), single("select 1"), &collector{t: t})
		check(t, err, "54000", upstream.Unknown)
		if e, _ := errors.AsType[*upstream.Error](err); !strings.Contains(e.PG.Hint, "LIMIT") {
			t.Errorf("%+v", e.PG)
		}
	}
}
