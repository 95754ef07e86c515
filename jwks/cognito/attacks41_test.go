package cognito_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

func TestAttacks41(t *testing.T) {
	o := on{defaultStand(t)}
	attacktable.Run(t, "testdata/attacks-4.1.tsv", algorithmAttacks(o), keyAttacks(), signatureAttacks(o), headerAttacks(o), shapeAttacks(o), textAttacks(o))
	if n := o.issuer.Fetches(); n > 2 { // the first, and at most one for an unknown kid
		t.Errorf("the attacks caused %d fetches", n)
	}
}

// header is a token with that header member; a nil value takes it away.
func header(name string, value any) jwkstest.Forgery {
	return jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Header: map[string]any{name: value}}}
}

// signedAs is a token of another algorithm.
func signedAs(alg string, sign func([]byte) []byte) jwkstest.Forgery {
	f := header("alg", alg)
	f.Sign = sign
	return f
}

func nothing([]byte) []byte { return nil }

func algorithmAttacks(o on) attacktable.Tests {
	public := &o.issuer.AccessKey().Private.PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	withNewline := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	bare := []byte(strings.TrimSuffix(string(withNewline), "\n"))
	jwk, err := json.Marshal(o.issuer.AccessKey().JWK())
	if err != nil {
		panic(err)
	}
	hmac := func(alg string, h func() hash.Hash, key []byte) func(*testing.T, attacktable.Entry) {
		return o.forge(signedAs(alg, jwkstest.HMAC(h, key)))
	}
	space := append([]byte(" "), withNewline...)
	modulus := public.N.Bytes()
	return attacktable.Tests{
		"4.1-alg-none":         o.forge(signedAs("none", nothing)),
		"4.1-alg-none-capital": o.forge(signedAs("None", nothing)),
		"4.1-alg-none-mixed":   o.forge(signedAs("nOnE", nothing)),
		"4.1-alg-none-signed":  o.forge(header("alg", "none")),
		"4.1-alg-missing":      o.forge(header("alg", nil)),
		"4.1-alg-number":       o.forge(header("alg", 256)),
		"4.1-alg-list":         o.forge(header("alg", []string{"RS256"})),
		"4.1-alg-from-token":   o.forge(header("alg", "rs256")),
		"4.1-hs256-pem":        hmac("HS256", sha256.New, withNewline),
		"4.1-hs256-pem-bare":   hmac("HS256", sha256.New, bare),
		"4.1-hs256-pem-space":  hmac("HS256", sha256.New, space),
		"4.1-hs256-der":        hmac("HS256", sha256.New, der),
		"4.1-hs256-modulus":    hmac("HS256", sha256.New, modulus),
		"4.1-hs256-empty":      hmac("HS256", sha256.New, nil),
		"4.1-hs256-jwk":        hmac("HS256", sha256.New, jwk),
		"4.1-hs384-pem":        hmac("HS384", sha512.New384, withNewline),
		"4.1-hs384-pem-bare":   hmac("HS384", sha512.New384, bare),
		"4.1-hs384-pem-space":  hmac("HS384", sha512.New384, space),
		"4.1-hs384-der":        hmac("HS384", sha512.New384, der),
		"4.1-hs384-modulus":    hmac("HS384", sha512.New384, modulus),
		"4.1-hs384-empty":      hmac("HS384", sha512.New384, nil),
		"4.1-hs384-jwk":        hmac("HS384", sha512.New384, jwk),
		"4.1-hs512-pem":        hmac("HS512", sha512.New, withNewline),
		"4.1-hs512-pem-bare":   hmac("HS512", sha512.New, bare),
		"4.1-hs512-pem-space":  hmac("HS512", sha512.New, space),
		"4.1-hs512-der":        hmac("HS512", sha512.New, der),
		"4.1-hs512-modulus":    hmac("HS512", sha512.New, modulus),
		"4.1-hs512-empty":      hmac("HS512", sha512.New, nil),
		"4.1-hs512-jwk":        hmac("HS512", sha512.New, jwk),
		"4.1-alg-rs384":        o.forge(signedAs("RS384", rs(o, crypto.SHA384))),
		"4.1-alg-rs512":        o.forge(signedAs("RS512", rs(o, crypto.SHA512))),
		"4.1-alg-ps256":        o.forge(signedAs("PS256", ps256(o))),
		"4.1-alg-es256":        o.forge(signedAs("ES256", es256)),
		"4.1-alg-eddsa":        o.forge(signedAs("EdDSA", eddsa)),
		"4.1-ecdsa-zero":       o.forge(signedAs("ES256", jwkstest.Signature(make([]byte, 64)))),
		"4.1-ecdsa-length":     o.forge(signedAs("ES256", jwkstest.Signature(make([]byte, 71)))),
		"4.1-alg-from-key": func(t *testing.T, e attacktable.Entry) {
			key := jwkstest.NewSigningKey(stranger())
			jwk := anyMap(key.JWK())
			delete(jwk, "alg")
			f := signedAs("RS384", rs(o, crypto.SHA384))
			f.Key = key
			s := standWith(t, jwk)
			s.expect(t, e, s.issuer.Forge(f))
		},
	}
}

func rs(o on, h crypto.Hash) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := h.New()
		digest.Write(signed)
		signature, err := rsa.SignPKCS1v15(rand.Reader, o.issuer.AccessKey().Private, h, digest.Sum(nil))
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func ps256(o on) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := sha256.Sum256(signed)
		signature, err := rsa.SignPSS(rand.Reader, o.issuer.AccessKey().Private, crypto.SHA256, digest[:], nil)
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func es256(signed []byte) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	digest := sha256.Sum256(signed)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func eddsa(signed []byte) []byte {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return ed25519.Sign(key, signed)
}

func signatureAttacks(o on) attacktable.Tests {
	good := func() []string { return strings.Split(o.issuer.Forge(jwkstest.Forgery{}), ".") }
	signature := func(change func([]byte) []byte) func(*testing.T, attacktable.Entry) {
		return o.token(func(*stand) string {
			parts := good()
			raw, err := base64.RawURLEncoding.DecodeString(parts[2])
			if err != nil {
				panic(err)
			}
			return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(change(raw))
		})
	}
	return attacktable.Tests{
		"4.1-signature-empty":   signature(nothing),
		"4.1-signature-short":   signature(func(s []byte) []byte { return s[:len(s)-1] }),
		"4.1-signature-long":    signature(func(s []byte) []byte { return append([]byte{0}, s...) }),
		"4.1-signature-zero":    signature(func(s []byte) []byte { return make([]byte, len(s)) }),
		"4.1-signature-flipped": signature(func(s []byte) []byte { s[100] ^= 1; return s }),
		"4.1-signature-foreign": o.forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{
			Key: &jwkstest.SigningKey{ID: o.issuer.AccessKey().ID, Private: stranger()},
		}}),
		"4.1-payload-swapped": o.token(func(*stand) string {
			one, two := good(), good()
			return one[0] + "." + two[1] + "." + one[2]
		}),
		"4.1-id-key-access-kid": o.forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{
			Key: &jwkstest.SigningKey{ID: o.issuer.AccessKey().ID, Private: o.issuer.IDKey().Private},
		}}),
	}
}

// canary is a server that must never be asked.
func canary(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func headerAttacks(o on) attacktable.Tests {
	// pointing is a header that names keys elsewhere; the token is signed by them.
	pointing := func(name string, value func(url string) any) func(*testing.T, attacktable.Entry) {
		return func(t *testing.T, e attacktable.Entry) {
			url, asked := canary(t)
			f := header(name, value(url))
			f.Key = &jwkstest.SigningKey{ID: o.issuer.AccessKey().ID, Private: stranger()}
			o.expect(t, e, o.issuer.Forge(f))
			if n := asked.Load(); n != 0 {
				t.Errorf("%d requests to the address in the token", n)
			}
		}
	}
	unasked := func(kid any) func(*testing.T, attacktable.Entry) {
		return func(t *testing.T, e attacktable.Entry) {
			before := o.issuer.Fetches()
			o.expect(t, e, o.issuer.Forge(header("kid", kid)))
			if after := o.issuer.Fetches(); after != before {
				t.Errorf("%d fetches for a kid that no issuer gives out", after-before)
			}
		}
	}
	kid := func(value any) func(*testing.T, attacktable.Entry) { return o.forge(header("kid", value)) }
	good := o.issuer.AccessKey().ID
	return attacktable.Tests{
		"4.1-header-jwk": pointing("jwk", func(string) any { return jwkstest.NewSigningKey(stranger()).JWK() }),
		"4.1-header-jku": pointing("jku", func(url string) any { return url + "/.well-known/jwks.json" }),
		"4.1-header-x5u": pointing("x5u", func(url string) any { return url + "/cert.pem" }),
		"4.1-header-x5c": pointing("x5c", func(string) any { return []string{"MIIB"} }),
		"4.1-header-x5t": pointing("x5t", func(string) any { return "c2hhMQ" }),

		"4.1-kid-path":      kid("../../dev/null"),
		"4.1-kid-sql":       kid("' OR 1=1--"),
		"4.1-kid-megabyte":  unasked(strings.Repeat("k", 1<<20)),
		"4.1-kid-9000":      unasked(strings.Repeat("k", 9000)),
		"4.1-kid-newline":   unasked("a\nb"),
		"4.1-kid-ansi":      unasked("\x1b[31mred"),
		"4.1-kid-nul":       unasked("a\x00b"),
		"4.1-kid-percent":   kid("%s%n"),
		"4.1-kid-number":    kid(7),
		"4.1-kid-null":      kid(jwkstest.Null),
		"4.1-kid-missing":   kid(nil),
		"4.1-kid-empty":     kid(""),
		"4.1-kid-homoglyph": kid("\u0430" + good[1:]),
		"4.1-kid-case":      kid(swapCase(good)),
		"4.1-kid-duplicate-jwks": func(t *testing.T, e attacktable.Entry) {
			one, two := jwkstest.NewSigningKey(testKeys()[4]), jwkstest.NewSigningKey(stranger())
			two.ID = one.ID
			s := standWith(t, anyMap(one.JWK()), anyMap(two.JWK()))
			for _, key := range []*jwkstest.SigningKey{one, two} {
				s.expect(t, e, s.issuer.Forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Key: key}}))
			}
		},

		"4.1-crit-unknown":   o.forge(header("crit", []string{"x-own"})),
		"4.1-crit-exp":       o.forge(header("crit", []string{"exp"})),
		"4.1-crit-empty":     o.forge(header("crit", []string{})),
		"4.1-crit-not-list":  o.forge(header("crit", "exp")),
		"4.1-b64-false":      o.forge(header("b64", false)),
		"4.1-zip":            o.forge(header("zip", "DEF")),
		"4.1-typ-other":      o.forge(header("typ", "JOSE")),
		"4.1-typ-not-string": o.forge(header("typ", []string{"JWT"})),
		"4.1-typ-absent":     o.forge(header("typ", nil)),
		"4.1-typ-jwt":        o.forge(header("typ", "JWT")),
		"4.1-typ-at-jwt":     o.forge(header("typ", "at+jwt")),
		"4.1-cty-jwt":        o.forge(header("cty", "JWT")),
	}
}

func swapCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

func TestHintsOfCutTokens(t *testing.T) {
	s := defaultStand(t)
	long := s.issuer.Forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Claims: map[string]any{"x": strings.Repeat("y", 5000)}}})
	for _, length := range []int{990, 1023, 1024, 4095} {
		if err := refusal(t, s.Verifier, long[:length]); !strings.Contains(err.Hint(), "PGPASSWORD") {
			t.Errorf("%d bytes: hint %q", length, err.Hint())
		}
	}
	if err := refusal(t, s.Verifier, long[:2000]); !strings.Contains(err.Hint(), "cut") {
		t.Errorf("a token without its end: hint %q", err.Hint())
	}
	if err := refusal(t, s.Verifier, "secret"); !strings.Contains(err.Hint(), "three parts") {
		t.Errorf("no token at all: hint %q", err.Hint())
	}
	if err := refusal(t, s.Verifier, s.issuer.Forge(header("kid", "nobody"))); err.Hint() != "" {
		t.Errorf("a whole token: hint %q", err.Hint())
	}
}

// A good token may have any length, also those at which terminals cut.
func TestGoodTokenOfAnyLength(t *testing.T) {
	s := defaultStand(t)
	for _, length := range []int{990, 1023, 1024, 4095, 16 << 10} {
		if _, err := s.Verify(t.Context(), tokenOfLength(t, s, length)); err != nil {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	err := refusal(t, s.Verifier, tokenOfLength(t, s, 16<<10+1))
	if err.Reason != cognito.TooLong || !strings.Contains(err.Message(), "16385 bytes") {
		t.Errorf("%v", err)
	}
}

// tokenOfLength pads a claim, or the header with white space, which base64 needs for every fourth length.
func tokenOfLength(t *testing.T, s *stand, length int) string {
	t.Helper()
	for spaces := range 4 {
		at := func(pad int) string {
			return s.issuer.Forge(jwkstest.Forgery{
				MintOptions: jwkstest.MintOptions{Subject: "u", Username: "u", Claims: map[string]any{
					"pad": strings.Repeat("p", pad), "event_id": nil, "origin_jti": nil, "auth_time": nil, "version": nil,
				}},
				HeaderText: func(h []byte) []byte { return []byte("{" + strings.Repeat(" ", spaces) + string(h[1:])) },
			})
		}
		pad := (length - len(at(0))) * 3 / 4
		for p := max(pad-4, 0); p < pad+4; p++ {
			if token := at(p); len(token) == length {
				return token
			}
		}
	}
	t.Fatalf("no token of %d bytes", length)
	return ""
}
