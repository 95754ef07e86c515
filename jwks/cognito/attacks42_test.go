package cognito_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

func TestAttacks42(t *testing.T) {
	o := on{defaultStand(t)}
	attacktable.Run(t, "testdata/attacks-4.2.tsv", issuerAttacks(o), useAttacks(o), subjectAttacks(o), dateTypeAttacks(o), dateAttacks(o), accessAttacks(o))
	if n := o.issuer.Fetches() + o.other.Fetches(); n > 2 {
		t.Errorf("claims caused %d fetches, the first ones included", n)
	}
}

// raw is a number as it is written.
func raw(text string) json.RawMessage { return json.RawMessage(text) }

// claim is a good access token but for one claim; a nil value takes it away.
func (o on) claim(name string, value any) func(*testing.T, attacktable.Entry) {
	return o.claims(map[string]any{name: value})
}

func issuerAttacks(o on) attacktable.Tests {
	original := o.issuer.Issuer()
	updated := strings.Replace(original, "cognito-idp", "issuer-cognito-idp", 1)
	iss := func(value any) func(*testing.T, attacktable.Entry) { return o.claim("iss", value) }
	return attacktable.Tests{
		"4.2-iss-missing":               iss(nil),
		"4.2-iss-slash":                 iss(original + "/"),
		"4.2-iss-region":                iss(strings.Replace(original, "us-east-2", "us-east-1", 1)),
		"4.2-iss-pool":                  iss(original[:len(original)-9] + "abcdefghi"),
		"4.2-iss-http":                  iss(strings.Replace(original, "https", "http", 1)),
		"4.2-iss-upper":                 iss(strings.Replace(original, "amazonaws.com", "AMAZONAWS.COM", 1)),
		"4.2-iss-userinfo":              iss(original + "@evil.example"),
		"4.2-iss-array":                 iss([]string{original}),
		"4.2-iss-empty":                 iss(""),
		"4.2-iss-null":                  iss(jwkstest.Null),
		"4.2-iss-configured-other-pool": foreignPool,
		"4.2-iss-original":              iss(original),
		"4.2-iss-updated":               iss(updated),
		"4.2-iss-updated-not-configured": func(t *testing.T, e attacktable.Entry) {
			s := newStand(t, func(c *cognito.IssuerConfig) { c.Issuers = cognito.IssuerURLs(c.Region, c.UserPoolID)[:1] })
			iss := cognito.IssuerURLs(s.issuer.Region(), s.issuer.PoolID())[1]
			s.expect(t, e, mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"iss": iss}}))
		},
	}
}

// foreignPool claims to come from the pool "other", whose key set has the same kid with another key.
func foreignPool(t *testing.T, e attacktable.Entry) {
	s := newStand(t, nil)
	twin := &jwkstest.SigningKey{ID: s.issuer.AccessKey().ID, Private: s.other.AccessKey().Private}
	s.other.Publish(twin)
	s.Close()
	s.Verifier = newVerifier(t, s.config)
	forged := jwkstest.MintOptions{Claims: map[string]any{"iss": s.other.Issuer()}}
	s.expect(t, e, mint(t, s.issuer, forged))
	forged.Key = twin
	if _, err := s.Verify(t.Context(), mint(t, s.issuer, forged)); err != nil {
		t.Errorf("signed by the twin: %v", err)
	}
}

func useAttacks(o on) attacktable.Tests {
	id := jwkstest.MintOptions{Use: cognito.UseID}
	idPolicy := cognito.Policy{TokenUse: []string{cognito.UseID}}
	idClaims := func(changes map[string]any) func(*testing.T, attacktable.Entry) {
		return under(idPolicy, jwkstest.MintOptions{Use: cognito.UseID, Claims: changes})
	}
	client := o.issuer.ClientID()
	return attacktable.Tests{
		"4.2-use-id-for-access": o.forge(jwkstest.Forgery{MintOptions: id}),
		"4.2-use-access-for-id": under(idPolicy, jwkstest.MintOptions{}),
		"4.2-use-missing":       o.claim("token_use", nil),
		"4.2-use-upper":         o.claim("token_use", "ACCESS"),
		"4.2-use-array":         o.claim("token_use", []string{"access"}),
		"4.2-use-other":         o.claim("token_use", "refresh"),
		"4.2-use-id":            under(idPolicy, id),
		"4.2-use-either":        under(cognito.Policy{TokenUse: []string{cognito.UseAccess, cognito.UseID}}, id),

		"4.2-client-missing":          o.claim("client_id", nil),
		"4.2-client-wrong":            o.claim("client_id", "nobody"),
		"4.2-client-prefix":           o.claim("client_id", client[:len(client)-1]),
		"4.2-client-longer":           o.claim("client_id", client+"x"),
		"4.2-client-case":             o.claim("client_id", strings.ToUpper(client)),
		"4.2-client-array":            o.claim("client_id", []string{client}),
		"4.2-client-in-aud":           o.claims(map[string]any{"client_id": nil, "aud": client}),
		"4.2-client-other-app":        o.forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{ClientID: "another-app"}}),
		"4.2-client-aud-missing":      idClaims(map[string]any{"aud": nil}),
		"4.2-client-aud-wrong":        idClaims(map[string]any{"aud": "nobody"}),
		"4.2-client-aud-in-client-id": idClaims(map[string]any{"aud": nil, "client_id": client}),
		"4.2-client-aud-array":        idClaims(map[string]any{"aud": []string{client}}),
		"4.2-client-aud-case":         idClaims(map[string]any{"aud": strings.ToUpper(client)}),
		"4.2-aud-null":                o.claim("aud", jwkstest.Null),
		"4.2-aud-number":              o.claim("aud", 7),
		"4.2-aud-mixed":               o.claim("aud", []any{"a", 7}),
		"4.2-access-with-aud":         o.claim("aud", []string{"https://api.example"}),
	}
}

func subjectAttacks(o on) attacktable.Tests {
	m2m := jwkstest.MintOptions{M2M: true}
	return attacktable.Tests{
		"4.2-sub-missing": o.claim("sub", nil),
		"4.2-sub-empty":   o.claim("sub", ""),
		"4.2-sub-number":  o.claim("sub", 42),
		"4.2-sub-null":    o.claim("sub", jwkstest.Null),
		"4.2-sub-object":  o.claim("sub", map[string]any{}),
		"4.2-sub-10kb":    o.claim("sub", strings.Repeat("s", 10_000)),
		"4.2-sub-nul":     o.claim("sub", "a\x00b"),
		"4.2-sub-control": o.claim("sub", "a\x07b"),
		"4.2-sub-newline": o.claim("sub", "a\nb"),
		"4.2-sub-c1":      o.claim("sub", "a\u009bb"),
		"4.2-m2m":         o.forge(jwkstest.Forgery{MintOptions: m2m}),
		"4.2-m2m-allowed": under(cognito.Policy{AllowM2M: true}, m2m),
		"4.2-jti-number":  o.claim("jti", 7),
		"4.2-sid-number":  o.claim("sid", 7),
	}
}

func dateTypeAttacks(o on) attacktable.Tests {
	date := func(name string, text string) func(*testing.T, attacktable.Entry) { return o.claim(name, raw(text)) }
	soon := fmt.Sprint(noon.Unix() + 600)
	past := fmt.Sprint(noon.Unix() - 600)
	return attacktable.Tests{
		"4.2-exp-string":         date("exp", `"`+soon+`"`),
		"4.2-exp-float":          date("exp", soon+".5"),
		"4.2-exp-exponent":       date("exp", "1.7955e9"),
		"4.2-exp-integral-float": date("exp", soon+".0"),
		"4.2-exp-negative":       date("exp", "-1"),
		"4.2-exp-null":           date("exp", "null"),
		"4.2-exp-2-53-1":         date("exp", "9007199254740993"),
		"4.2-exp-2-63":           date("exp", "9223372036854775808"),
		"4.2-exp-1e18":           date("exp", "1000000000000000000"),
		"4.2-nbf-string":         date("nbf", `"`+past+`"`),
		"4.2-nbf-float":          date("nbf", past+".5"),
		"4.2-nbf-exponent":       date("nbf", "1e9"),
		"4.2-nbf-integral-float": date("nbf", past+".0"),
		"4.2-nbf-negative":       date("nbf", "-1"),
		"4.2-nbf-null":           date("nbf", "null"),
		"4.2-nbf-2-53-1":         date("nbf", "9007199254740993"),
		"4.2-nbf-2-63":           date("nbf", "9223372036854775808"),
		"4.2-nbf-1e18":           date("nbf", "1000000000000000000"),
		"4.2-iat-string":         date("iat", `"`+past+`"`),
		"4.2-iat-float":          date("iat", past+".5"),
		"4.2-iat-exponent":       date("iat", "1e9"),
		"4.2-iat-integral-float": date("iat", past+".0"),
		"4.2-iat-negative":       date("iat", "-1"),
		"4.2-iat-null":           date("iat", "null"),
		"4.2-iat-2-53-1":         date("iat", "9007199254740993"),
		"4.2-iat-2-63":           date("iat", "9223372036854775808"),
		"4.2-iat-1e18":           date("iat", "1000000000000000000"),
	}
}

func dateAttacks(o on) attacktable.Tests {
	now := noon.Unix()
	hourAgo := map[string]any{"iat": now - 3600}
	// exp is a token issued an hour ago that expires this many seconds from now.
	exp := func(offset int64) map[string]any { return map[string]any{"iat": hourAgo["iat"], "exp": now + offset} }
	const skew = 5
	return attacktable.Tests{
		"4.2-exp-missing":     o.claim("exp", nil),
		"4.2-exp-zero":        o.claim("exp", 0),
		"4.2-exp-2-31":        o.claim("exp", int64(1)<<31),
		"4.2-exp-2-53":        o.claim("exp", int64(1)<<53),
		"4.2-exp-ms":          o.claim("exp", (now+600)*1000),
		"4.2-exp-24h":         o.claim("exp", now+86400),
		"4.2-exp-24h-1s":      o.claim("exp", now+86401),
		"4.2-exp-now":         o.claims(exp(0)),
		"4.2-exp-skew-inside": o.claims(exp(1 - skew)),
		"4.2-exp-skew":        o.claims(exp(-skew)),
		"4.2-exp-skew-30": under(cognito.Policy{ClockSkew: 30 * time.Second},
			jwkstest.MintOptions{Claims: exp(-30)}),
		"4.2-exp-long-ago": func(t *testing.T, e attacktable.Entry) {
			err := o.expect(t, e, mint(t, o.issuer, jwkstest.MintOptions{IssuedAt: noon.Add(-2 * time.Hour)}))
			if !strings.Contains(err.Message(), "token expired at 2026-11-24T11:00:00Z") || !strings.Contains(err.Hint(), "new token") {
				t.Errorf("%q, hint %q", err.Message(), err.Hint())
			}
		},
		"4.2-exp-leap": func(t *testing.T, e attacktable.Entry) {
			s := newStand(t, nil) // 2016-12-31T23:59:60Z has no number of its own
			s.clock.Add(time.Date(2016, 12, 31, 23, 30, 0, 0, time.UTC).Sub(noon))
			s.expect(t, e, mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"exp": 1483228800}}))
		},
		"4.2-nbf-skew":   o.claim("nbf", now+skew),
		"4.2-nbf-future": o.claim("nbf", now+skew+1),
		"4.2-nbf-skew-30": under(cognito.Policy{ClockSkew: 30 * time.Second},
			jwkstest.MintOptions{Claims: map[string]any{"nbf": now + 30}}),
		"4.2-nbf-zero":         o.claim("nbf", 0),
		"4.2-iat-skew":         o.claim("iat", now+skew),
		"4.2-iat-future":       o.claim("iat", now+skew+1),
		"4.2-iat-after-exp":    o.claims(map[string]any{"iat": now + 2, "exp": now + 1}),
		"4.2-iat-missing":      o.claim("iat", nil),
		"4.2-iat-missing-long": o.claims(map[string]any{"iat": nil, "exp": now + 25*3600}),
		"4.2-clock-forward":    clockJump(2 * time.Hour),
		"4.2-clock-back":       clockJump(-2 * time.Hour),
	}
}

// clockJump verifies a token, so that it is remembered, moves the clock and verifies again.
func clockJump(by time.Duration) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		s := newStand(t, nil)
		token := mint(t, s.issuer, jwkstest.MintOptions{})
		if _, err := s.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		s.clock.Add(by)
		s.expect(t, e, token)
		s.clock.Add(-by)
		if _, err := s.Verify(t.Context(), token); err != nil {
			t.Errorf("the clock is right again: %v", err)
		}
	}
}

func accessAttacks(o on) attacktable.Tests {
	groups := func(value any) func(*testing.T, attacktable.Entry) {
		return under(cognito.Policy{Groups: []string{"db", "admin"}}, jwkstest.MintOptions{Claims: map[string]any{"cognito:groups": value}})
	}
	scope := func(value any) func(*testing.T, attacktable.Entry) {
		return under(cognito.Policy{Scopes: []string{"db:read", "openid"}}, jwkstest.MintOptions{Claims: map[string]any{"scope": value}})
	}
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("group-%03d", i)
	}
	many[len(many)-1] = "db"
	return attacktable.Tests{
		"4.2-groups-missing":       groups(nil),
		"4.2-groups-string":        groups("db"),
		"4.2-groups-string-unused": o.claim("cognito:groups", "db"),
		"4.2-groups-numbers":       groups([]any{"db", 7}),
		"4.2-groups-500":           groups(many),
		"4.2-groups-comma":         groups([]string{"db,x", "x,db"}),
		"4.2-groups-quote":         groups([]string{`"db"`, `x"db`}),
		"4.2-groups-case":          groups([]string{"DB"}),
		"4.2-groups-any":           groups([]string{"x", "admin"}),
		"4.2-scope-missing":        scope(nil),
		"4.2-scope-substring":      scope("openid db:readwrite"),
		"4.2-scope-part":           scope("db:read"),
		"4.2-scope-tab":            scope("openid\tdb:read"),
		"4.2-scope-list":           scope([]string{"openid", "db:read"}),
		"4.2-scope-double-space":   scope("openid  db:read"),
		"4.2-scope-all":            scope("profile db:read email openid"),
		"4.2-replay": func(t *testing.T, e attacktable.Entry) {
			token := mint(t, o.issuer, jwkstest.MintOptions{})
			o.expect(t, e, token)
			o.expect(t, e, token)
		},
		"4.2-deleted-user":  o.claims(map[string]any{"sub": "4f0a7b1e-deleted"}),
		"4.2-policy-change": policyChange,
	}
}

func policyChange(t *testing.T, e attacktable.Entry) {
	s := newStand(t, nil)
	token := mint(t, s.issuer, jwkstest.MintOptions{})
	claims, err := s.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPolicy("pool", cognito.Policy{ClientIDs: []string{"another"}}); err != nil {
		t.Fatal(err)
	}
	if !claims.Stale() {
		t.Error("not stale after the policy changed")
	}
	s.expect(t, e, token)
	if err := s.SetPolicy("pool", cognito.Policy{ClientIDs: []string{"another", s.issuer.ClientID()}}); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Verify(t.Context(), token); err != nil || again != claims || claims.Stale() {
		t.Errorf("let in again: %p (was %p), stale %v, %v", again, claims, claims.Stale(), err)
	}
}
