package neon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// mute is a connection whose writes fail once it is told so.
type mute struct {
	net.Conn
	after int // bytes that a failing write still takes
	fail  atomic.Bool
}

func (m *mute) Write(p []byte) (int, error) {
	if !m.fail.Load() {
		return m.Conn.Write(p)
	}
	n, _ := m.Conn.Write(p[:min(m.after, len(p))])
	return n, errors.New("broken pipe")
}

// TestStaleConnection: a reused connection refuses the request. Not one byte of it taken: it is sent again; one byte: not.
func TestStaleConnection(t *testing.T) {
	for after, sentAgain := range map[int]bool{0: true, 1: false} {
		srv := newRawServer(t, func(nc net.Conn, n int32) bool {
			_, _ = io.WriteString(nc, head(len(oneRow), "")+oneRow)
			return true
		})
		client := newClient(t, srv.url, nil)
		var first *mute
		tr := client.transport.(*http.Transport)
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			m := &mute{Conn: nc, after: after}
			if first == nil {
				first = m
			}
			return newConn(m), nil
		}
		if err := client.Run(t.Context(), single("select 1"), &collector{t: t}); err != nil {
			t.Fatal(err)
		}
		first.fail.Store(true)
		err := client.Run(t.Context(), single("insert"), &collector{t: t})
		retries := testutil.ToFloat64(client.metrics.retries.WithLabelValues(string(retryNotWritten)))
		if sentAgain {
			if err != nil || retries != 1 || srv.requests.Load() != 2 {
				t.Errorf("%v, %v repetitions, %d requests", err, retries, srv.requests.Load())
			}
		} else {
			check(t, err, "08006", upstream.Unknown)
			if retries != 0 {
				t.Errorf("%v repetitions", retries)
			}
		}
	}
}

// TestEarlyRefusalIsHeard: the server refuses a large request unread and hangs up while it is still being written.
func TestEarlyRefusalIsHeard(t *testing.T) {
	body := errorBody("request is too large (max is 1000 bytes)")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Read(make([]byte, 1<<10))
			_, _ = fmt.Fprintf(nc, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
			_ = nc.Close() // with bytes unread: a reset
		}
	})
	defer wg.Wait()
	defer ln.Close()
	client := newClient(t, "http://"+ln.Addr().String(), nil)
	large := bytes.Repeat([]byte("x"), 8<<20)
	for range 4 {
		err := client.Run(t.Context(), single("select", large), &discard{})
		check(t, err, "54000", upstream.NotRun)
	}
}

// hungUp is a connection whose writes end with an error of the operating system.
type hungUp struct {
	net.Conn
	takes int
}

func (h *hungUp) Write(p []byte) (int, error) {
	n := min(len(p), h.takes)
	h.takes -= n
	if n < len(p) {
		return n, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	return n, nil
}

func (h *hungUp) Close() error { return nil }

func TestConnKnowsWhatWasWritten(t *testing.T) {
	c := newConn(&hungUp{takes: 5})
	c.begin()
	if n, err := c.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := c.Write([]byte("defg")); n != 4 || err != nil {
		t.Errorf("hung up within a request: %d, %v", n, err)
	}
	if n, err := c.Write([]byte("h")); n != 1 || err != nil {
		t.Errorf("behind it: %d, %v", n, err)
	}
	if c.sealIfUnused() {
		t.Error("five bytes count as none")
	}
	c.begin()
	if n, err := c.Write([]byte("next")); n != 0 || err == nil {
		t.Errorf("the next request: %d, %v", n, err)
	}
	if !c.sealIfUnused() {
		t.Error("nothing of the next request was written")
	}

	c = newConn(&hungUp{})
	c.begin()
	if n, err := c.Write([]byte("abc")); n != 0 || err == nil {
		t.Errorf("not a byte taken: %d, %v", n, err)
	}
	if !c.sealIfUnused() {
		t.Error("not a byte was taken")
	}

	c = newConn(&hungUp{takes: 100})
	c.begin()
	if !c.sealIfUnused() {
		t.Error("nothing was written")
	}
	if n, err := c.Write([]byte("late")); n != 0 || err == nil {
		t.Errorf("behind the seal: %d, %v", n, err)
	}
}

// TestIdleConnectionIsDropped: a connection is used again before its idle time is over and closed after it.
func TestIdleConnectionIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "", nil)
		var ends []time.Time
		var wg sync.WaitGroup
		tr := client.transport.(*http.Transport)
		tr.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			wg.Go(func() {
				defer theirs.Close()
				br := bufio.NewReader(theirs)
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						ends = append(ends, time.Now())
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(theirs, head(len(oneRow), "")+oneRow)
				}
			})
			return newConn(ours), nil
		}
		statement := func() {
			if err := client.Run(t.Context(), single("select 1"), &discard{}); err != nil {
				t.Fatal(err)
			}
		}
		statement()
		time.Sleep(DefaultIdleTimeout - time.Second)
		statement()
		used := time.Now()
		time.Sleep(DefaultIdleTimeout + time.Second)
		wg.Wait()
		if len(ends) != 1 || ends[0].Sub(used) != DefaultIdleTimeout {
			t.Errorf("connections ended at %v, last used at %v", ends, used)
		}
	})
}
