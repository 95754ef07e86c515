package cognito_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// No byte of a token stands in a log of any level, a metric, an error however it is printed, or printed claims; what a token says
// stands there escaped.
func TestNoTokenBytesAnywhere(t *testing.T) {
	var logs bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(&logs)), zap.DebugLevel)
	reg := prometheus.NewRegistry()
	s := newStand(t, nil)
	s.Close()
	v, err := cognito.New(reg, zap.New(core), s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()

	hostile := "\x1b[31m\r\nevil"
	good := mint(t, s.issuer, jwkstest.MintOptions{})
	parts := strings.Split(good, ".")
	all := []string{
		good, good[:500], good + "x", "Bearer Bearer " + good, parts[0] + "." + parts[1] + "." + parts[0], strings.Repeat(good, 40),
		mint(t, s.issuer, jwkstest.MintOptions{Header: map[string]any{"kid": hostile}}),
		mint(t, s.issuer, jwkstest.MintOptions{Header: map[string]any{"alg": "none"}}),
		mint(t, s.issuer, jwkstest.MintOptions{Header: map[string]any{"kid": "unknown"}}),
		mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"token_use": hostile + strings.Repeat("u", 100)}}),
		mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"client_id": hostile}}),
		mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"sub": hostile}}),
		mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"iss": hostile}}),
		mint(t, s.issuer, jwkstest.MintOptions{Lifetime: -time.Hour, IssuedAt: noon.Add(-2 * time.Hour)}),
	}
	var texts []string
	for _, token := range all {
		claims, err := v.Verify(context.Background(), token)
		texts = append(texts, fmt.Sprintf("%v %+v %#v %s", claims, claims, claims, claims), fmt.Sprintf("%v %+v %#v", err, err, err))
		if e, ok := err.(*cognito.Error); ok {
			texts = append(texts, e.Message(), e.Hint(), e.SQLSTATE(), string(e.Reason))
		}
		if claims != nil {
			text, err := json.Marshal(struct{ Claims fmt.Stringer }{claims})
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	s.issuer.SetFault(jwkstest.Outage())
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var metrics bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&metrics, family); err != nil {
			t.Fatal(err)
		}
	}
	v.Close()
	texts = append(texts, metrics.String(), logs.String())
	if !strings.Contains(metrics.String(), "pgturnstile_jwks_fetch_total") || !strings.Contains(logs.String(), "key set loaded") {
		t.Error("nothing was measured or logged")
	}
	for _, text := range texts {
		if strings.ContainsAny(strings.TrimRight(text, "\n"), "\x1b\r") {
			t.Errorf("%q holds a terminal escape", text)
		}
		for _, token := range all {
			for i := 0; i+16 <= len(token) && i < 4096; i += 4 {
				if strings.Contains(text, token[i:i+16]) {
					t.Fatalf("%q holds bytes of a token", text)
				}
			}
		}
	}
}
