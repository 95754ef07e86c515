package neon

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// TestNothingOfTheUserIsLogged: neither log nor metrics nor an error's text hold the token, SQL, parameters or rows.
func TestNothingOfTheUserIsLogged(t *testing.T) {
	const token, sql, param, row = "eyJh.bGci.OiJS", "select secret_column", "secret parameter", "secret row"
	var logged bytes.Buffer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&logged), zapcore.DebugLevel))
	reg := prometheus.NewRegistry()
	replies := []struct {
		status int
		body   string
		err    error
	}{
		{200, strings.Replace(oneRow, `["1"]`, `["`+row+`"]`, 1), nil},
		{200, strings.Replace(oneRow, `["1"]`, `["`+row+`"`, 1), nil},
		{400, `{"message":"bad","code":"22P02","where":"unnamed portal parameter $1 = '` + param + `'","detail":"` + row + `"}`, nil},
		{400, `{"message":"` + token + `","code":""}`, nil},
		{400, `{"message":"jwk not found","code":""}`, nil},
		{502, "<html>" + token, nil},
		{0, "", errors.New("dial " + token)},
	}
	next := 0
	rt := roundTripper(func(call) (int, string, error) {
		r := replies[next]
		next++
		return r.status, r.body, r.err
	})
	client, err := New(reg, log, Config{Host: "ep-x.us-east-2.aws.neon.tech", Database: "neondb", Role: "authenticated", Name: "main", RoundTripper: rt})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for range replies {
		req := &upstream.Request{Token: upstream.NewToken(token), Subject: "alice", Statements: []upstream.Statement{{SQL: sql, Params: [][]byte{[]byte(param)}}}}
		if err := client.Run(t.Context(), req, &discard{}); err != nil {
			fmt.Fprintf(&said, "%v %s\n", err, err)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var scraped bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&scraped, f); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(logged.String(), "upstream request") != len(replies) || !strings.Contains(logged.String(), "neon_request_id") {
		t.Errorf("logged %s", &logged)
	}
	for name, text := range map[string]string{"log": logged.String(), "metrics": scraped.String(), "errors": said.String()} {
		for _, secret := range []string{token, "eyJ", sql, "secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s: %q in\n%s", name, secret, text)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	replies := []struct {
		status int
		body   string
	}{{200, oneRow}, {400, `{"message":"x","code":"22012"}`}, {400, errorBody("jwk not found")}, {502, ""}, {503, ""}, {200, oneRow}}
	next := 0
	var client *Client
	for _, name := range []string{"main", "other"} { // two routes share one registry
		c, err := New(reg, nil, Config{Host: "ep-x.us-east-2.aws.neon.tech", Database: "d", Role: "r", Name: name, RoundTripper: roundTripper(func(call) (int, string, error) {
			r := replies[next]
			next++
			return r.status, r.body, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if name == "main" {
			client = c
		}
	}
	for range 5 {
		_ = client.Run(t.Context(), single("x"), &discard{})
	}
	want := `
# HELP pgturnstile_upstream_requests_total HTTP requests to Neon, repeated ones too, by status class; jwt_error: Neon refused a token that was accepted here.
# TYPE pgturnstile_upstream_requests_total counter
`
	for _, name := range []string{"main", "other"} {
		for _, code := range []string{"2xx", "4xx", "5xx", "error"} {
			for _, jwt := range []string{"false", "true"} {
				n := 0
				if name == "main" {
					n = map[string]int{"2xxfalse": 2, "4xxfalse": 1, "4xxtrue": 1, "5xxfalse": 2}[code+jwt]
				}
				if jwt == "false" || code == "4xx" || code == "5xx" {
					want += fmt.Sprintf("pgturnstile_upstream_requests_total{code=%q,endpoint=%q,jwt_error=%q} %d\n", code, name, jwt, n)
				}
			}
		}
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pgturnstile_upstream_requests_total"); err != nil {
		t.Error(err)
	}
	for name, n := range map[string]int{"pgturnstile_upstream_request_duration_seconds": 4, "pgturnstile_upstream_in_flight": 2,
		"pgturnstile_upstream_retries_total": 2 * len(retryReasons), "pgturnstile_upstream_response_bytes": 2} {
		if got, err := testutil.GatherAndCount(reg, name); err != nil || got != n {
			t.Errorf("%s: %d series, want %d, %v", name, got, n, err)
		}
	}
	if n := testutil.ToFloat64(client.metrics.retries.WithLabelValues(string(retryStatus503))); n != 1 {
		t.Errorf("%v repetitions", n)
	}
	clash := prometheus.NewRegistry()
	clash.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "pgturnstile_upstream_in_flight"}))
	if _, err := New(clash, nil, client.cfg); err == nil {
		t.Error("a name clash in the registry was accepted")
	}
}

// TestRequestBodyIsNotReusedTooEarly: a transport that answers before it has read the request goes on reading it.
func TestRequestBodyIsNotReusedTooEarly(t *testing.T) {
	type late struct{ want, got string }
	var bodies []func() late
	client := newClient(t, "", func(cfg *Config) {
		cfg.RoundTripper = transportFunc(func(r *http.Request) (*http.Response, error) {
			bodies = append(bodies, func() late {
				b := make([]byte, r.ContentLength)
				n, _ := r.Body.Read(b)
				return late{r.Header.Get("Authorization"), string(b[:n])}
			})
			return response(r, 200, oneRow), nil
		})
	})
	for i := range 4 {
		req := single(strings.Repeat(string(rune('a'+i)), 100))
		req.Token = upstream.NewToken(string(rune('a' + i)))
		if err := client.Run(t.Context(), req, &discard{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, read := range bodies {
		if l := read(); !strings.Contains(l.got, strings.Repeat(strings.TrimPrefix(l.want, "Bearer "), 100)) {
			t.Errorf("%s finds %q", l.want, l.got)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
