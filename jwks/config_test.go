package jwks

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"https://cognito-idp.us-east-2.amazonaws.com/us-east-2_abc/.well-known/jwks.json", "http://127.0.0.1:99/x", "http://127.9.9.9/",
		"http://[::1]:8080/x", "http://localhost/x", "https://keys.example:8443/x?a=b"} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"http://keys.example/x":            "loopback",
		"http://localhost.example/x":       "loopback",
		"http://127.0.0.1.example/x":       "loopback",
		"http://169.254.169.254/x":         "loopback",
		"http://0x7f000001/x":              "loopback",
		"ftp://127.0.0.1/x":                "https is needed",
		"file:///etc/passwd":               "has no host",
		"https:keys.example/x":             "has no host",
		"/jwks.json":                       "has no host",
		"":                                 "has no host",
		"https://user:secret@keys.example": "user",
		"https://keys.example/x#y":         "fragment",
		"https://keys.example\x00/":        "not a URL",
	} {
		if err := CheckURL(bad); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	for want, c := range map[string]Config{
		"either a URL or a file": {},
		"a URL or a file":        {URL: "https://x.test/", File: "/x"},
		"https is needed":        {URL: "gopher://x.test/"},
		"time to live":           {URL: "https://x.test/", TTL: time.Millisecond},
		"stale limit":            {URL: "https://x.test/", TTL: time.Hour, StaleLimit: time.Minute},
		"no duration negative":   {URL: "https://x.test/", FetchTimeout: -1},
	} {
		if c, err := New(NewMetrics(prometheus.NewRegistry()), zap.NewNop(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
			if c != nil {
				c.Close()
			}
		}
	}
}

// The environment's proxies are not used; net/http would exempt loopback addresses, where most tests are.
func TestTransport(t *testing.T) {
	transport := newTransport(Config{}.withDefaults())
	if transport.Proxy != nil || !transport.DisableCompression || !transport.DisableKeepAlives || transport.TLSClientConfig.InsecureSkipVerify ||
		transport.TLSHandshakeTimeout != 2*time.Second || transport.ResponseHeaderTimeout != 5*time.Second {
		t.Errorf("%+v", transport)
	}
}
