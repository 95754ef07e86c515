package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	warmUp         = 2000
	statementCount = 20000
)

// statements measures the shortest statement, one after the other on one connection over TLS, and the same HTTP request without
// the proxy.
func statements(ctx context.Context, b *bench) ([]row, error) {
	conn, err := b.connect(ctx, true)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	statement := func() error {
		results, err := conn.Exec(ctx, oneStatement).ReadAll()
		if err == nil && (len(results) != 1 || len(results[0].Rows) != 1) {
			err = errors.New("not the row that was asked for")
		}
		return err
	}
	if _, err := timed(warmUp, statement); err != nil {
		return nil, err
	}
	before, err := b.proxy.cpu()
	if err != nil {
		return nil, err
	}
	through, err := timed(statementCount, statement)
	if err != nil {
		return nil, err
	}
	after, err := b.proxy.cpu()
	if err != nil {
		return nil, err
	}

	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	request := func() error { return bareRequest(ctx, transport, b.endpoint.url, b.token, bareBody) }
	if _, err := timed(warmUp, request); err != nil {
		return nil, err
	}
	bare, err := timed(statementCount, request)
	if err != nil {
		return nil, err
	}
	return []row{
		{"statement through the proxy, TLS", through.String()},
		{"bare HTTP request", bare.String()},
		{"the proxy adds, p50", micro(through.p50 - bare.p50)},
		{"CPU of the proxy per statement", micro((after - before) / statementCount)},
	}, nil
}

// bareBody is the request body of the shortest statement.
const bareBody = `{"query":"` + oneStatement + `","params":[]}`

// bareRequest sends the request that the proxy sends, with the standard library's client.
func bareRequest(ctx context.Context, transport *http.Transport, url, token, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Neon-Connection-String", "postgresql://authenticated@ep-dev-000001.us-east-2.aws.neon.tech/neondb")
	r.Header.Set("Neon-Raw-Text-Output", "true")
	r.Header.Set("Neon-Array-Mode", "true")
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// times are the percentiles of a series.
type times struct{ p50, p99 time.Duration }

func (t times) String() string { return fmt.Sprintf("%s p50, %s p99", micro(t.p50), micro(t.p99)) }

func micro(d time.Duration) string {
	return fmt.Sprintf("%.0f us", float64(d)/float64(time.Microsecond))
}

// timed calls f n times.
func timed(n int, f func() error) (times, error) {
	series := make([]time.Duration, n)
	for i := range series {
		began := time.Now()
		if err := f(); err != nil {
			return times{}, err
		}
		series[i] = time.Since(began)
	}
	slices.Sort(series)
	return times{series[n/2], series[n*99/100]}, nil
}
