package neontest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSpecialSchemes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"http://u:p@h.x:80/db?x#y", ""}, {"https:h", ""}, {`ws:\\h\x`, ""}, {"ftp://a_b.c/", ""}, {"http://%41.b/", ""}, {"http://a'b/", ""},
		{"http://1.2.3.4/", ""}, {"http://0x7f.1/", ""}, {"http://4294967295/", ""}, {"http://1.2.3/", ""}, {"http://[::1]:5/", ""}, {"http://1.2.3.4.x/", ""},
		{"file:///x", ""}, {"file:x", ""}, {"file://C|/x", ""}, {"file://h/x", ""},
		{"http:", "empty host"}, {"http://u@/x", "empty host"}, {"http://:80/", "empty host"}, {"http://?x", "empty host"},
		{"http://h:x/", "invalid port number"}, {"http://h:65536/", "invalid port number"},
		{"http://a b/", "invalid international domain name"}, {"http://a%00/", "invalid international domain name"}, {"http://%ff/", "invalid international domain name"}, {"file://h:1/x", "invalid international domain name"},
		{"http://256.1.1.1/", "invalid IPv4 address"}, {"http://1.2.3.4.5/", "invalid IPv4 address"}, {"http://a.08/", "invalid IPv4 address"}, {"http://4294967296/", "invalid IPv4 address"},
		{"http://[::1/", "invalid IPv6 address"}, {"http://[x]/", "invalid IPv6 address"},
	} {
		want := "incorrect scheme"
		if test.want != "" {
			want = "invalid connection string: " + test.want
		}
		if _, f := parseTarget(test.text, func() *failure { return nil }); f == nil || f.message != want {
			t.Errorf("%q: %v, want %s", test.text, f, want)
		}
	}
}

func TestParseJWKTypes(t *testing.T) {
	thirtyTwo, even := strings.Repeat("A", 42)+"E", strings.Repeat("q", 341)+"A"
	for _, test := range []struct{ text, want string }{
		{`{"kty":"oct","k":"AAAA","n":1,"x":null,"crv":7}`, "Oct"},
		{`{"kty":"oct"}`, ""},
		{`{"kty":"oct","k":"A"}`, ""},
		{`{"kty":"OKP","crv":"Ed25519","x":"AA"}`, "Okp"},
		{`{"kty":"OKP","crv":"P-256","x":"AA"}`, ""},
		{`{"kty":"EC","crv":"P-256","x":"` + thirtyTwo + `","y":"AA"}`, "unusable"},
		{`{"kty":"EC","crv":"P-256","x":"` + thirtyTwo + `"}`, ""},
		{`{"kty":"RSA","n":"` + even + `","e":"AQAB"}`, "unusable"},
		{`{"kty":"RSA","n":"` + even + `"}`, ""},
		{`{"kty":"RSA","n":"` + even + `","e":"AQAB","alg":"RS1"}`, ""},
	} {
		keys := parseJWKS([]byte(`{"keys":[` + test.text + `]}`))
		got := ""
		if len(keys) == 1 {
			got = map[string]string{"oct": "Oct", "OKP": "Okp", "EC": "unusable", "RSA": "unusable"}[keys[0].kty]
			if keys[0].rsa != nil || keys[0].ec != nil {
				got = "usable"
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
	f := (&token{alg: "RS256"}).verifySignature(&jwk{kty: "RSA", rsaBytes: 256})
	if f == nil || f.message != "invalid RSA key" {
		t.Errorf("a key that is none: %v", f)
	}
}

func TestHeadLimits(t *testing.T) {
	for _, test := range []struct {
		target string
		lines  int
		size   int
		want   int
	}{
		{"/sql", 98, 300_000, 0},
		{"/sql", 99, 0, http.StatusRequestHeaderFieldsTooLarge}, // with Host and the long line
		{"/sql", 0, 900_000, http.StatusRequestHeaderFieldsTooLarge},
		{"/sql?" + strings.Repeat("a", 60_000), 0, 0, 0},
		{"/sql?" + strings.Repeat("a", 70_000), 0, 0, http.StatusRequestURITooLong},
	} {
		r := httptest.NewRequest(http.MethodPost, test.target, nil)
		for i := range test.lines {
			r.Header.Set("X-"+strings.Repeat("a", i), "a")
		}
		r.Header.Set("Long", strings.Repeat("a", test.size))
		w := httptest.NewRecorder()
		(&Server{}).refuseHead(w, r)
		if got := w.Code; test.want != 0 && got != test.want || test.want == 0 && w.Header().Get("Connection") != "" {
			t.Errorf("%d lines, %d bytes, target of %d: %d, want %d", test.lines, test.size, len(test.target), got, test.want)
		}
	}
}

func TestSettingsOfTheExtension(t *testing.T) {
	for _, test := range []struct{ sql, want, name string }{
		{"set pg_session_jwt.jwk = 'x'", "set post_auth_delay = 'x'", "pg_session_jwt.jwk"},
		{" SET LOCAL PG_session_jwt.JWK to x", " SET LOCAL post_auth_delay to x", "pg_session_jwt.jwk"},
		{"-- a\nreset pg_session_jwt.audit_log", "-- a\nreset log_duration", "pg_session_jwt.audit_log"},
		{"alter role r in database d set pg_session_jwt.jwk='x'", "alter role r in database d set post_auth_delay='x'", "pg_session_jwt.jwk"},
		{"select 1, set_config ( 'PG_session_jwt.jwk','x',true)", "select 1, set_config ( 'post_auth_delay','x',true)", "PG_session_jwt.jwk"},
		{"set pg_session_jwt.jwt = 'x'", "", ""}, {"select 'set pg_session_jwt.jwk'", "", ""}, {"show pg_session_jwt.jwk", "", ""}, {"set pg_session_jwt.jwkx = 1", "", ""},
	} {
		sql, named := withOwnSettings(test.sql)
		if test.want == "" {
			test.want = test.sql
		}
		if sql != test.want {
			t.Errorf("%q is run as %q, want %q", test.sql, sql, test.want)
		}
		f := &failure{pg: &pgError{message: `parameter "post_auth_delay", "log_duration" denied`}}
		if err := named(f); err != f || test.name != "" && !strings.Contains(f.pg.message, `"`+test.name+`"`) {
			t.Errorf("%q: the error says %s", test.sql, f.pg.message)
		}
	}
}
