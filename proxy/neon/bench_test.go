package neon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

func BenchmarkEncodeRequest(b *testing.B) {
	c := &Client{cfg: Config{MaxRequest: 64 << 20}}
	small := single("select id, task from todos where user_id = $1 and is_complete = $2 order by id limit 50", []byte("alice"), []byte("f"))
	large := single("insert into t values ($1)", bytes.Repeat([]byte("one line of text, \"quoted\"\n"), 40_000))
	for name, req := range map[string]*upstream.Request{"small": small, "1MB": large} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if buf, err = c.encode(buf[:0], req); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

// BenchmarkStatement compares a statement through the client with the bare HTTP request of the same size, on the same
// server. The server's own CPU time is in both.
func BenchmarkStatement(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, oneRow)
	}))
	defer srv.Close()
	token := strings.Repeat("x", 1100)
	req := single("select id, task from todos where user_id = $1", []byte("alice"))
	req.Token = upstream.NewToken(token)
	client := newClient(b, srv.URL, nil)

	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("client/callers=%d", callers), func(b *testing.B) {
			run(b, callers, func() error { return client.Run(b.Context(), req, &discard{}) })
		})
		b.Run(fmt.Sprintf("bare/callers=%d", callers), func(b *testing.B) {
			tr := &http.Transport{MaxIdleConnsPerHost: 80, DisableCompression: true}
			defer tr.CloseIdleConnections()
			body, err := client.encode(nil, req)
			if err != nil {
				b.Fatal(err)
			}
			run(b, callers, func() error {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+"/sql", bytes.NewReader(body))
				if err != nil {
					return err
				}
				r.Header = client.header(req)
				resp, err := tr.RoundTrip(r)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				return err
			})
		})
	}
}

func run(b *testing.B, callers int, statement func() error) {
	b.ReportAllocs()
	b.SetParallelism(callers)
	cpu := cpuSeconds(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := statement(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric((cpuSeconds(b)-cpu)*1e6/float64(b.N), "CPU-us/op")
}

// cpuSeconds is the process' CPU time: it holds on a machine that others use too.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
