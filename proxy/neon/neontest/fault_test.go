package neontest_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// faulty sends one request and returns the answer as it comes, whole or not.
func (s *stack) faulty(t *testing.T, ctx context.Context) (resp *http.Response, body string, err error) {
	t.Helper()
	authorization, _, err := s.keys.mint(tokenSpec{Claims: []byte(`{"sub":"alice"}`)}, s.now())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL(), strings.NewReader(`{"query":"insert into public.log(note) values ('x') returning note"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil // a request whose connection ended is not repeated
	for name, value := range s.headers() {
		req.Header.Set(name, value)
	}
	req.Header.Set("Authorization", authorization)
	resp, err = s.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestFaults(t *testing.T) {
	s := newStack(t, neontest.Options{})
	truth := `"rows":[["x"]]`
	rows := func() string { return admin(t, s.dsn, "select count(*) from public.log") }
	for _, test := range []struct {
		name  string
		fault neontest.Fault
		runs  bool
		check func(resp *http.Response, body string, err error) error
	}{
		{"status and body", neontest.Fault{Status: 503, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}, false, func(resp *http.Response, body string, err error) error {
			if err != nil || resp.StatusCode != 503 || body != "<html>" || resp.Header.Get("Content-Type") != "text/html" {
				return fmt.Errorf("%v %q %w", resp, body, err)
			}
			return nil
		}},
		{"a status after it ran", neontest.Fault{Status: 500, Body: "{}", Run: true}, true, func(resp *http.Response, body string, err error) error {
			if err != nil || resp.StatusCode != 500 || body != "{}" {
				return fmt.Errorf("%v %q %w", resp, body, err)
			}
			return nil
		}},
		{"cut", neontest.Fault{CutAfter: 20}, true, func(resp *http.Response, body string, err error) error {
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 20 {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
		{"cut in chunks", neontest.Fault{CutAfter: 20, Chunked: true}, true, func(resp *http.Response, body string, err error) error {
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 20 {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
		{"chunked", neontest.Fault{Chunked: true}, true, func(resp *http.Response, body string, err error) error {
			if err != nil || resp.ContentLength != -1 || !strings.Contains(body, truth) {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
		{"gzip", neontest.Fault{Gzip: true}, true, func(resp *http.Response, body string, err error) error {
			z, zErr := gzip.NewReader(strings.NewReader(body))
			if err != nil || zErr != nil || resp.Header.Get("Content-Encoding") != "gzip" {
				return fmt.Errorf("%q %w", body, errors.Join(err, zErr))
			}
			text, err := io.ReadAll(z)
			if err != nil || !strings.Contains(string(text), truth) {
				return fmt.Errorf("%q %w", text, err)
			}
			return nil
		}},
		{"drip", neontest.Fault{Drip: time.Microsecond}, true, func(resp *http.Response, body string, err error) error {
			if err != nil || !strings.Contains(body, truth) {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
		{"closed", neontest.Fault{Close: true}, false, func(resp *http.Response, body string, err error) error {
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
		{"closed after it ran", neontest.Fault{Close: true, Run: true}, true, func(resp *http.Response, body string, err error) error {
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("%q %w", body, err)
			}
			return nil
		}},
	} {
		before := rows()
		s.server.Fault(1, test.fault)
		if err := test.check(s.faulty(t, t.Context())); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if ran := rows() != before; ran != test.runs {
			t.Errorf("%s: ran is %v", test.name, ran)
		}
	}
	if n := s.server.ClearFaults(); n != 0 {
		t.Errorf("%d faults are left", n)
	}
	s.server.Fault(1, neontest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := s.faulty(t, ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a delayed answer: %v", err)
	}
	s.server.Fault(2, neontest.Fault{Status: 429})
	if n := s.server.ClearFaults(); n != 2 {
		t.Errorf("%d faults were left, want 2", n)
	}
}

// The second request of a connection ends without an answer, as when the other side drops idle connections.
func TestFaultOnReuse(t *testing.T) {
	s := newStack(t, neontest.Options{})
	s.server.Fault(1, neontest.Fault{Close: true, OnReuse: true})
	var reused bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
	for request := range 3 {
		_, body, err := s.faulty(t, ctx)
		if wantErr := request == 1; (err != nil) != wantErr || reused != wantErr {
			t.Errorf("request %d: reused %v, %q, %v", request, reused, body, err)
		}
	}
}

func TestServerCloses(t *testing.T) {
	s := newStack(t, neontest.Options{})
	answer := make(chan bool, 1)
	go func() {
		got, err := s.try(t.Context(), s.headers(), tokenSpec{Claims: []byte(`{"sub":"alice"}`)}, sql("select pg_sleep(30)"))
		answer <- err != nil || got.ConnectionClosed
	}()
	s.active(t, "pg_sleep(30)")
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
	if !<-answer {
		t.Error("a request was answered after Close")
	}
	await(t, "no backend is left", func() bool { return s.count(t, "pg_sleep(30)") == 0 })
	if conn, err := net.Dial("tcp", strings.TrimPrefix(endpointOf(s.server), "http://")); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}
