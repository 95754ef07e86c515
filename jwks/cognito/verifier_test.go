package cognito_test

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// newIssuer starts an issuer that ends with the test.
func newIssuer(t testing.TB, o jwkstest.Options) *jwkstest.Issuer {
	t.Helper()
	issuer, err := jwkstest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// configFor is how an issuer is configured by default.
func configFor(name string, issuer *jwkstest.Issuer) cognito.IssuerConfig {
	return cognito.IssuerConfig{
		Name: name, Region: issuer.Region(), UserPoolID: issuer.PoolID(),
		Keys:   jwks.Config{URL: issuer.JWKSURL()},
		Policy: cognito.Policy{ClientIDs: []string{issuer.ClientID()}},
	}
}

// newVerifier makes a verifier that ends with the test.
func newVerifier(t testing.TB, c cognito.Config) *cognito.Verifier {
	t.Helper()
	v, err := cognito.New(prometheus.NewRegistry(), zap.NewNop(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func mint(t testing.TB, issuer *jwkstest.Issuer, o jwkstest.MintOptions) string {
	t.Helper()
	token, err := issuer.Mint(o)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// refusal verifies and wants an *Error.
func refusal(t testing.TB, v *cognito.Verifier, token string) *cognito.Error {
	t.Helper()
	claims, err := v.Verify(context.Background(), token)
	if err == nil {
		t.Fatalf("accepted, sub %q", claims.Subject)
	}
	e, ok := errors.AsType[*cognito.Error](err)
	if !ok {
		t.Fatalf("a %T, want *cognito.Error", err)
	}
	return e
}

func TestVerifyAccessToken(t *testing.T) {
	issuer := newIssuer(t, jwkstest.Options{})
	v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{configFor("pool", issuer)}})
	token := mint(t, issuer, jwkstest.MintOptions{Subject: "alice", Username: "Alice", Groups: []string{"a", "b"}})
	claims, err := v.Verify(t.Context(), " Bearer "+token+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "alice" || claims.Username != "Alice" || claims.TokenUse != "access" || claims.IssuerID != "pool" ||
		claims.ClientID != issuer.ClientID() || claims.Issuer != issuer.Issuer() || claims.KeyID != issuer.AccessKey().ID || len(claims.Groups) != 2 {
		t.Errorf("%v, username %q, use %q, client %q, iss %q, kid %q, groups %q", claims, claims.Username, claims.TokenUse,
			claims.ClientID, claims.Issuer, claims.KeyID, claims.Groups)
	}
	if claims.Stale() {
		t.Error("stale at once")
	}
	again, err := v.Verify(t.Context(), token)
	if err != nil || again != claims {
		t.Errorf("the second verification gave %p, %v; want the same claims %p", again, err, claims)
	}
	if name, ok := claims.Lookup("username"); !ok || name != "Alice" {
		t.Errorf("username %q, %v", name, ok)
	}
}
