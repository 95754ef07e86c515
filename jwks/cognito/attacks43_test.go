package cognito_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

func TestAttacks43(t *testing.T) {
	attacktable.Run(t, "testdata/attacks-4.3.tsv", connectionAttacks(), redirectAttacks(), bodyAttacks(), timeAttacks())
}

// served runs a good token against a real socket that misbehaves.
func served(fault jwkstest.Fault, change func(*jwks.Config)) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		issuer := newIssuer(t, jwkstest.Options{Keys: testKeys()[:2]})
		issuer.SetFault(fault)
		against(t, e, issuer, change)
	}
}

// against verifies a good token of the issuer by a new verifier.
func against(t *testing.T, e attacktable.Entry, issuer *jwkstest.Issuer, change func(*jwks.Config)) *cognito.Verifier {
	t.Helper()
	c := configFor("pool", issuer)
	if change != nil {
		change(&c.Keys)
	}
	v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{c}})
	start := time.Now()
	expect(t, v, e, mint(t, issuer, jwkstest.MintOptions{}))
	if took := time.Since(start); took > 20*time.Second { // 5 s, and a busy machine
		t.Errorf("the answer took %s", took)
	}
	return v
}

// quickly shortens the limit of a fetch, which is 5 s.
func quickly(c *jwks.Config) { c.FetchTimeout = 300 * time.Millisecond }

func connectionAttacks() attacktable.Tests {
	return attacktable.Tests{
		"4.3-slow":          served(jwkstest.Slow(time.Hour), quickly),
		"4.3-drip":          served(jwkstest.Drip(time.Second), quickly),
		"4.3-tls-expired":   overTLS(certificate{until: time.Now().Add(-time.Hour)}, true),
		"4.3-tls-name":      overTLS(certificate{name: "keys.example"}, true),
		"4.3-tls-untrusted": overTLS(certificate{}, false),
		"4.3-refused": served(jwkstest.Fault{}, func(c *jwks.Config) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			c.URL = "http://" + listener.Addr().String() + "/jwks.json"
			_ = listener.Close()
		}),
		"4.3-dns": served(jwkstest.Fault{}, func(c *jwks.Config) { c.URL = "https://keys.invalid/jwks.json" }),
		"4.3-cut": served(jwkstest.Fault{CloseAt: 100}, nil),
		"4.3-proxy-env": func(t *testing.T, e attacktable.Entry) {
			proxy, asked := canary(t)
			t.Setenv("HTTPS_PROXY", proxy)
			served(jwkstest.Fault{}, func(c *jwks.Config) { c.URL = "https://keys.invalid/jwks.json" })(t, e)
			if asked.Load() != 0 {
				t.Error("the environment's proxy was asked")
			}
		},
		"4.3-proxy-configured": func(t *testing.T, e attacktable.Entry) {
			issuer := newIssuer(t, jwkstest.Options{Keys: testKeys()[:2]})
			var through []string
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				through = append(through, r.URL.String())
				issuer.ServeHTTP(w, r)
			}))
			defer proxy.Close()
			address, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			v := against(t, e, issuer, func(c *jwks.Config) { c.Proxy = http.ProxyURL(address) })
			v.Close() // orders the read of through
			if len(through) != 1 || through[0] != issuer.JWKSURL() {
				t.Errorf("through the proxy: %q", through)
			}
		},
		"4.3-ssrf": func(t *testing.T, e attacktable.Entry) {
			issuer := newIssuer(t, jwkstest.Options{Keys: testKeys()[:2]})
			address, asked := canary(t)
			v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{configFor("pool", issuer)}})
			for _, iss := range []string{address, address + "/" + issuer.PoolID(), "http://169.254.169.254/latest", "file:///etc/passwd"} {
				expect(t, v, e, mint(t, issuer, jwkstest.MintOptions{Claims: map[string]any{"iss": iss}, Key: jwkstest.NewSigningKey(stranger())}))
			}
			if _, err := v.Verify(t.Context(), mint(t, issuer, jwkstest.MintOptions{})); err != nil {
				t.Error(err)
			}
			if asked.Load() != 0 || issuer.Requests("") != 1 {
				t.Errorf("%d requests elsewhere, %d to the issuer", asked.Load(), issuer.Requests(""))
			}
		},
	}
}

func redirectAttacks() attacktable.Tests {
	to := func(status int, location string) func(*testing.T, attacktable.Entry) {
		return func(t *testing.T, e attacktable.Entry) {
			address, asked := canary(t)
			served(jwkstest.Redirect(status, strings.Replace(location, "CANARY", address, 1)), nil)(t, e)
			if asked.Load() != 0 {
				t.Error("the redirect was followed")
			}
		}
	}
	const http, metadata, file = "CANARY/jwks.json", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"
	return attacktable.Tests{
		"4.3-redirect-301-http":     to(301, http),
		"4.3-redirect-301-metadata": to(301, metadata),
		"4.3-redirect-301-file":     to(301, file),
		"4.3-redirect-302-http":     to(302, http),
		"4.3-redirect-302-metadata": to(302, metadata),
		"4.3-redirect-302-file":     to(302, file),
		"4.3-redirect-307-http":     to(307, http),
		"4.3-redirect-307-metadata": to(307, metadata),
		"4.3-redirect-307-file":     to(307, file),
	}
}

func bodyAttacks() attacktable.Tests {
	body := func(text string) func(*testing.T, attacktable.Entry) { return served(jwkstest.Body("%s", text), nil) }
	status := func(status int) func(*testing.T, attacktable.Entry) {
		return served(jwkstest.Fault{Status: status, Body: []byte("{}")}, nil)
	}
	return attacktable.Tests{
		"4.3-html":         served(jwkstest.HTML(), nil),
		"4.3-empty-body":   served(jwkstest.Fault{Body: []byte{}}, nil),
		"4.3-empty-object": body(`{}`),
		"4.3-keys-empty":   body(`{"keys":[]}`),
		"4.3-keys-null":    body(`{"keys":null}`),
		"4.3-keys-object":  body(`{"keys":{}}`),
		"4.3-keys-33":      body(`{"keys":[{}` + strings.Repeat(",{}", 32) + `]}`),
		"4.3-gigabyte":     served(jwkstest.Huge(), nil),
		"4.3-gzip-bomb":    served(jwkstest.GzipBomb(), nil),
		"4.3-429":          status(429),
		"4.3-500":          status(500),
		"4.3-503":          status(503),
		"4.3-bad-key": func(t *testing.T, e attacktable.Entry) {
			bad := anyMap(jwkstest.NewSigningKey(stranger()).JWK())
			bad["e"] = "AQ"
			s := standWith(t, bad, map[string]any{"kty": "oct", "k": "AA", "kid": "o"}, map[string]any{})
			s.expect(t, e, mint(t, s.issuer, jwkstest.MintOptions{}))
			if status := s.Status()["pool"]; status.Keys != 2 || status.Skipped != 3 {
				t.Errorf("%d keys, %d skipped", status.Keys, status.Skipped)
			}
		},
		"4.3-duplicate-kid": func(t *testing.T, e attacktable.Entry) {
			s := newStand(t, nil)
			s.Close()
			twin := &jwkstest.SigningKey{ID: s.issuer.AccessKey().ID, Private: stranger()}
			s.issuer.Publish(s.issuer.AccessKey(), twin, s.issuer.IDKey())
			s.Verifier = newVerifier(t, s.config)
			s.expect(t, e, mint(t, s.issuer, jwkstest.MintOptions{}))
			s.expect(t, e, mint(t, s.issuer, jwkstest.MintOptions{Key: twin}))
		},
	}
}

// certificate is what an issuer's TLS shows; its zero value is good for 127.0.0.1.
type certificate struct {
	name  string
	until time.Time
}

// overTLS serves good keys behind the certificate, which the verifier trusts or not.
func overTLS(c certificate, trusted bool) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		key, der, err := c.make()
		if err != nil {
			t.Fatal(err)
		}
		issuer := newIssuer(t, jwkstest.Options{Keys: testKeys()[:2], TLS: &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		}})
		against(t, e, issuer, func(config *jwks.Config) {
			config.RootCAs = x509.NewCertPool()
			if parsed, err := x509.ParseCertificate(der); err == nil && trusted {
				config.RootCAs.AddCert(parsed)
			}
		})
	}
}

func (c certificate) make() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keys"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: c.until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if c.until.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	if c.name != "" {
		template.DNSNames = []string{c.name}
	} else {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, errCreate := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return key, der, errors.Join(err, errCreate)
}

// The TLS attacks must fail for what is wrong with them, not because TLS never works here.
func TestKeysOverTLS(t *testing.T) {
	overTLS(certificate{}, true)(t, attacktable.Entry{Expect: "accept"})
}
