package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

func TestConfigFaults(t *testing.T) {
	good := func() cognito.IssuerConfig {
		return cognito.IssuerConfig{Name: "pool", Region: "us-east-2", UserPoolID: "us-east-2_abc", Policy: cognito.Policy{ClientIDs: []string{"c"}}}
	}
	changed := func(change func(*cognito.IssuerConfig)) []cognito.IssuerConfig {
		c := good()
		change(&c)
		return []cognito.IssuerConfig{c}
	}
	second := good()
	second.Name = "second"
	for want, issuers := range map[string][]cognito.IssuerConfig{
		"at least one issuer":         nil,
		"needs a name":                changed(func(c *cognito.IssuerConfig) { c.Name = "" }),
		"needed together":             changed(func(c *cognito.IssuerConfig) { c.Region = "" }),
		"in Cognito's form":           changed(func(c *cognito.IssuerConfig) { c.UserPoolID = "x/../y" }),
		"and in Cognito's form":       changed(func(c *cognito.IssuerConfig) { c.Region = "evil.example/#" }),
		"the issuer itself":           changed(func(c *cognito.IssuerConfig) { c.Region, c.UserPoolID = "", "" }),
		"at least one app client":     changed(func(c *cognito.IssuerConfig) { c.Policy.ClientIDs = nil }),
		"one app client id is needed": changed(func(c *cognito.IssuerConfig) { c.Policy.ClientIDs = []string{"c", ""} }),
		`token_use "refresh"`:         changed(func(c *cognito.IssuerConfig) { c.Policy.TokenUse = []string{"refresh"} }),
		"clock skew 31s":              changed(func(c *cognito.IssuerConfig) { c.Policy.ClockSkew = 31 * time.Second }),
		"clock skew -1s":              changed(func(c *cognito.IssuerConfig) { c.Policy.ClockSkew = -time.Second }),
		"group is empty":              changed(func(c *cognito.IssuerConfig) { c.Policy.Groups = []string{""} }),
		"one word":                    changed(func(c *cognito.IssuerConfig) { c.Policy.Scopes = []string{"a b"} }),
		"id tokens have no scopes": changed(func(c *cognito.IssuerConfig) {
			c.Policy.Scopes, c.Policy.TokenUse = []string{"a"}, []string{"id"}
		}),
		"two issuers are named": {good(), good()},
		"in the list twice":     {good(), second},
		"https is needed":       changed(func(c *cognito.IssuerConfig) { c.Keys.URL = "ftp://x.test/" }),
	} {
		v, err := cognito.New(prometheus.NewRegistry(), zap.NewNop(), cognito.Config{Issuers: issuers})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if v != nil {
			v.Close()
		}
	}
}

func TestAddressesOfAPool(t *testing.T) {
	urls := cognito.IssuerURLs("eu-west-1", "eu-west-1_AbC")
	if fmt.Sprint(urls) != "[https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC]" {
		t.Errorf("%q", urls)
	}
	if url := cognito.KeySetURL("eu-west-1", "eu-west-1_AbC"); url != urls[0]+"/.well-known/jwks.json" || jwks.CheckURL(url) != nil {
		t.Errorf("%q", url)
	}
}

func TestReasonsAreTheVocabulary(t *testing.T) {
	reasons := cognito.Reasons()
	for _, want := range strings.Split("malformed,too_long,alg,kid_unknown,signature,expired,not_yet_valid,issuer,client_id,token_use,scope,group,denylisted,user_mismatch,jwks_unavailable,timeout", ",") {
		if !slices.Contains(reasons, cognito.Reason(want)) {
			t.Errorf("%s is missing", want)
		}
	}
	if slices.Sort(reasons); len(slices.Compact(reasons)) != len(cognito.Reasons()) || len(reasons) != 18 {
		t.Errorf("%d reasons", len(reasons))
	}
}

// What a refusal says after a valid signature is the caller's own fact, in a form that cannot do harm.
func TestMessages(t *testing.T) {
	s := newStand(t, nil)
	for want, o := range map[string]jwkstest.MintOptions{
		"the token is not an access token (token_use=id)":            {Use: cognito.UseID},
		`the token is not an access token (token_use="\x1b[1m")`:     {Claims: map[string]any{"token_use": "\x1b[1m"}},
		"the token is not an access token (it has no token_use)":     {Claims: map[string]any{"token_use": nil}},
		"the token was issued for another app client":                {ClientID: "another"},
		"the token expired at 2026-11-24T10:01:00Z":                  {IssuedAt: noon.Add(-2 * time.Hour), Lifetime: time.Minute},
		"the token is not valid before 2026-11-24T12:01:00Z":         {Claims: map[string]any{"nbf": noon.Unix() + 60}},
		"the token was issued in the future, at 2026-11-24T12:01:00": {IssuedAt: noon.Add(time.Minute)},
		"the token's lifetime is over 24 hours":                      {Lifetime: 25 * time.Hour},
		"the token's sub is too long (257 bytes, the limit is 256)":  {Subject: strings.Repeat("s", 257)},
		"an app client, not to a user (sub=client_id)":               {M2M: true},
	} {
		if e := refusal(t, s.Verifier, mint(t, s.issuer, o)); !strings.Contains(e.Message(), want) || e.SQLSTATE() != "28000" {
			t.Errorf("%s %q, want %q", e.SQLSTATE(), e.Message(), want)
		}
	}
}

// Keys that cannot be had say so, with the cause for the operator and none for the client.
func TestUnavailableAndTimeout(t *testing.T) {
	keys := testKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := unstarted(t, jwkstest.Options{Keys: keys})
		issuer.SetFault(jwkstest.Slow(time.Hour))
		v := newVerifier(t, cognito.Config{Issuers: []cognito.IssuerConfig{offline("pool", issuer)}})
		defer v.Close()
		token := mint(t, issuer, jwkstest.MintOptions{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := v.Verify(ctx, token)
		e, ok := errors.AsType[*cognito.Error](err)
		if !ok || e.Reason != cognito.Timeout || e.SQLSTATE() != "57P03" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		e = refusal(t, v, token)
		if e.Reason != cognito.KeysUnavailable || e.SQLSTATE() != "57P03" || !errors.Is(e, jwks.ErrUnavailable) || e.Hint() == "" {
			t.Errorf("%s %s: %s", e.SQLSTATE(), e.Reason, e.Message())
		}
		if strings.Contains(e.Error()+e.Message(), "keys.test") || !strings.Contains(errors.Unwrap(e).Error(), "deadline") {
			t.Errorf("%v; cause %v", e, errors.Unwrap(e))
		}
	})
}

func TestRememberedTokensAreBounded(t *testing.T) {
	s := newStand(t, nil)
	s.Close()
	s.config.CacheSize = 2
	s.Verifier = newVerifier(t, s.config)
	three := make([]string, 3)
	claims := make([]*cognito.Claims, 3)
	verify := func(i int) *cognito.Claims {
		t.Helper()
		c, err := s.Verify(t.Context(), three[i])
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for i := range three {
		three[i] = mint(t, s.issuer, jwkstest.MintOptions{})
	}
	claims[0], claims[1] = verify(0), verify(1)
	if verify(0) != claims[0] {
		t.Error("the first was forgotten at once")
	}
	claims[2] = verify(2) // the second was used longest ago
	if verify(0) != claims[0] || verify(2) != claims[2] {
		t.Error("a token in use was forgotten")
	}
	if verify(1) == claims[1] {
		t.Error("three tokens are remembered, the limit is 2")
	}
}

// What is remembered does not outlive exp: within the skew the token is verified each time.
func TestRememberedTokensEndAtExp(t *testing.T) {
	s := newStand(t, nil)
	token := mint(t, s.issuer, jwkstest.MintOptions{})
	first, err := s.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Add(time.Hour)
	second, err := s.Verify(t.Context(), token)
	if err != nil || second == first {
		t.Errorf("at exp: the same claims %v, %v", second == first, err)
	}
	s.clock.Add(5 * time.Second)
	if e := refusal(t, s.Verifier, token); e.Reason != cognito.Expired {
		t.Errorf("%s", e.Reason)
	}
}

// Each issuer has its own policy and keys.
func TestSeveralIssuers(t *testing.T) {
	s := newStand(t, nil)
	if err := s.SetPolicy("other", cognito.Policy{ClientIDs: []string{"other-app"}, TokenUse: []string{cognito.UseID}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		issuer *jwkstest.Issuer
		mint   jwkstest.MintOptions
		reason cognito.Reason
		name   string
	}{
		{s.issuer, jwkstest.MintOptions{}, "", "pool"},
		{s.other, jwkstest.MintOptions{Use: cognito.UseID, ClientID: "other-app"}, "", "other"},
		{s.other, jwkstest.MintOptions{}, cognito.TokenUse, ""},
		{s.issuer, jwkstest.MintOptions{Use: cognito.UseID, ClientID: "other-app"}, cognito.TokenUse, ""},
		{s.issuer, jwkstest.MintOptions{ClientID: "other-app"}, cognito.Client, ""},
		{s.other, jwkstest.MintOptions{Use: cognito.UseID}, cognito.Client, ""},
	} {
		token := mint(t, c.issuer, c.mint)
		if c.reason != "" {
			if e := refusal(t, s.Verifier, token); e.Reason != c.reason {
				t.Errorf("%s, want %s", e.Reason, c.reason)
			}
			continue
		}
		if claims, err := s.Verify(t.Context(), token); err != nil || claims.IssuerID != c.name {
			t.Errorf("%v, %v", claims, err)
		}
	}
	if s.SetPolicy("nobody", cognito.Policy{ClientIDs: []string{"c"}}) == nil || s.SetPolicy("pool", cognito.Policy{}) == nil {
		t.Error("a policy without an issuer or without a client was taken")
	}
}

// Many sessions verify, re-check and look up at once, while policies change.
func TestConcurrentUse(t *testing.T) {
	s := newStand(t, nil)
	few := make([]string, 8)
	for i := range few {
		few[i] = mint(t, s.issuer, jwkstest.MintOptions{Subject: fmt.Sprint(i)})
	}
	policy := cognito.Policy{ClientIDs: []string{s.issuer.ClientID()}}
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 50 {
				claims, err := s.Verify(t.Context(), few[(worker+i)%len(few)])
				if err != nil {
					t.Error(err)
					return
				}
				if sub, ok := claims.Lookup("sub"); !ok || sub != claims.Subject || sub != fmt.Sprint((worker+i)%len(few)) {
					t.Errorf("sub %q of %v", sub, claims)
				}
				if worker == 0 && i%10 == 0 {
					if err := s.SetPolicy("pool", policy); err != nil {
						t.Error(err)
					}
				}
				claims.Stale()
			}
		})
	}
	wait.Wait()
}

func TestLookup(t *testing.T) {
	s := newStand(t, nil)
	claims, err := s.Verify(t.Context(), mint(t, s.issuer, jwkstest.MintOptions{Claims: map[string]any{"email": "a\u00e9@x", "n": 7, "o": map[string]any{"p": "q"}, "e": ""}}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"email": "aé@x", "e": "", "client_id": s.issuer.ClientID()} {
		if got, ok := claims.Lookup(name); !ok || got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"n", "o", "p", "nobody", "EMAIL", "exp"} {
		if got, ok := claims.Lookup(name); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}
