package neon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// discard is a RowSink with a client's output buffer that is always flushed in time.
type discard struct {
	buf  []byte
	rows int
}

func (d *discard) Fields(int, []upstream.Field) error      { return nil }
func (d *discard) NextRow() []byte                         { return d.buf }
func (d *discard) Complete(int, upstream.Completion) error { return nil }
func (d *discard) EndRow(b []byte) error {
	d.rows++
	if d.buf = b; len(b) > 64<<10 {
		d.buf = b[:0]
	}
	return nil
}

// serveRows answers a request with blocks of 64 rows of 1 kB, written block by block; one that warms up
// gets a single block.
func serveRows(blocks int) *httptest.Server {
	block := bytes.Repeat([]byte(`["`+strings.Repeat("x", 1019)+`"],`), 64)
	start := []byte(`{"fields":[` + fieldA + `],"rows":[`)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		blocks := blocks
		if b, _ := io.ReadAll(r.Body); strings.Contains(string(b), "warm up") {
			blocks = 1
		}
		end := fmt.Appendf(nil, `["x"]],"command":"SELECT","rowCount":%d,"rowAsArray":true}`, 64*blocks+1)
		w.Header().Set("Content-Length", fmt.Sprint(len(start)+blocks*len(block)+len(end)))
		_, _ = w.Write(start)
		for range blocks {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
		_, _ = w.Write(end)
	}))
}

// TestLargeReplyNeedsLittleMemory streams 64 MB. Everything that client and server allocate together stays below 1 MB.
func TestLargeReplyNeedsLittleMemory(t *testing.T) {
	const blocks, rows = 1000, 64_001
	srv := serveRows(blocks)
	defer srv.Close()
	client := newClient(t, srv.URL, nil)
	sink := &discard{buf: make([]byte, 0, 128<<10)}
	if err := client.Run(t.Context(), single("warm up"), sink); err != nil {
		t.Fatal(err)
	}
	sink.rows = 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := client.Run(t.Context(), single("select"), sink)
	runtime.ReadMemStats(&after)
	if err != nil || sink.rows != rows {
		t.Fatalf("%v after %d rows", err, sink.rows)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// slow waits in EndRow until it is let go.
type slow struct {
	discard
	first sync.Once
	stuck chan struct{}
	free  chan struct{}
}

func (s *slow) EndRow(b []byte) error {
	s.first.Do(func() { close(s.stuck); <-s.free })
	return s.discard.EndRow(b)
}

// TestSlowSinkHoldsTheServer: a sink that takes nothing stops the server's writes: nothing piles up in between.
func TestSlowSinkHoldsTheServer(t *testing.T) {
	const blocks, rows = 400, 25_601 // more than the buffers of both sockets hold
	srv := serveRows(blocks)
	defer srv.Close()
	client := newClient(t, srv.URL, nil)
	if err := client.Run(t.Context(), single("warm up"), &discard{}); err != nil {
		t.Fatal(err)
	}
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	sink := &slow{stuck: make(chan struct{}), free: make(chan struct{})}
	done := make(chan error)
	go func() { done <- client.Run(t.Context(), single("select"), sink) }()
	<-sink.stuck
	runtime.ReadMemStats(&during)
	if n := during.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	close(sink.free)
	if err := <-done; err != nil || sink.rows != rows {
		t.Errorf("%v after %d rows", err, sink.rows)
	}
}

// TestUsersOverSharedConnections runs the statements of many users over few connections, failures and cut replies between
// them: every answer is the own one.
func TestUsersOverSharedConnections(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		token, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".") // a whole one would be redacted
		mark := string(b[len(`{"query":"`):strings.Index(string(b), `","params"`)])
		text := strings.Replace(oneRow, `["1"]`, `["`+token+` `+mark+`"]`, 1)
		switch {
		case strings.HasSuffix(mark, "cut"):
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			_, _ = io.WriteString(w, text[:len(text)-10])
		case strings.HasSuffix(mark, "fail"):
			w.WriteHeader(400)
			_, _ = fmt.Fprintf(w, `{"message":"%s %s","code":"22012","severity":"ERROR"}`, token, mark)
		default:
			_, _ = io.WriteString(w, text)
		}
	}))
	defer srv.Close()
	client := newClient(t, srv.URL, func(cfg *Config) { cfg.InFlight = 4 })
	var wg sync.WaitGroup
	for user := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("user%d", user)
			for i := range 200 {
				sql := fmt.Sprintf("%d", i)
				switch i % 20 {
				case 7:
					sql += "cut"
				case 13:
					sql += "fail"
				}
				sink := &collector{t: t}
				err := client.Run(t.Context(), &upstream.Request{Token: upstream.NewToken(name + ".b.c"), Subject: name, Statements: []upstream.Statement{{SQL: sql}}}, sink)
				want := name + " " + sql
				switch {
				case strings.HasSuffix(sql, "cut"):
					check(t, err, "08006", upstream.Unknown)
				case strings.HasSuffix(sql, "fail"):
					check(t, err, "22012", upstream.Failed)
					if err.(*upstream.Error).PG.Message != want {
						t.Errorf("%v, want %s", err, want)
					}
					continue
				case err != nil:
					t.Errorf("%s: %v", want, err)
					continue
				}
				if len(sink.results) > 0 && len(sink.results[0].rows) > 0 && *sink.results[0].rows[0][0] != want {
					t.Errorf("%s got %s", want, *sink.results[0].rows[0][0])
				}
			}
		})
	}
	wg.Wait()
}
