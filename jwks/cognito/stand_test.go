package cognito_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// testKeys are made once: four keys for issuers, the rest for whoever needs a stranger's.
var testKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 6)
	var wait sync.WaitGroup
	for i := range keys {
		wait.Go(func() {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			keys[i] = key
		})
	}
	wait.Wait()
	return keys
})

// stranger is a key that no issuer publishes.
func stranger() *rsa.PrivateKey { return testKeys()[5] }

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stand is what an attack is made on: a verifier with the pools "pool" and "other", and their issuers without sockets.
type stand struct {
	clock  *clock
	issuer *jwkstest.Issuer
	other  *jwkstest.Issuer
	config cognito.Config
	*cognito.Verifier
}

// The moment at which stands begin: a whole second, so that skews can be met exactly.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newStand(t testing.TB, change func(*cognito.IssuerConfig)) *stand {
	t.Helper()
	s := &stand{clock: &clock{now: noon}}
	keys := testKeys()
	s.issuer = unstarted(t, jwkstest.Options{Now: s.clock.Now, Keys: keys[:2]})
	s.other = unstarted(t, jwkstest.Options{Now: s.clock.Now, Keys: keys[2:4]})
	s.config = cognito.Config{
		Now:     s.clock.Now,
		Issuers: []cognito.IssuerConfig{offline("pool", s.issuer), offline("other", s.other)},
	}
	if change != nil {
		change(&s.config.Issuers[0])
	}
	s.Verifier = newVerifier(t, s.config)
	return s
}

func unstarted(t testing.TB, o jwkstest.Options) *jwkstest.Issuer {
	t.Helper()
	issuer, err := jwkstest.NewUnstarted(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// offline is configFor an issuer without a socket.
func offline(name string, issuer *jwkstest.Issuer) cognito.IssuerConfig {
	c := configFor(name, issuer)
	c.Keys = jwks.Config{URL: "https://keys.test/" + issuer.PoolID() + "/.well-known/jwks.json", Transport: issuer.Transport()}
	return c
}

// defaultStand serves all attacks on the default policy.
func defaultStand(t testing.TB) *stand { return newStand(t, nil) }

// expect verifies the token and compares with the table.
func (s *stand) expect(t *testing.T, e attacktable.Entry, token string) *cognito.Error {
	t.Helper()
	return expect(t, s.Verifier, e, token)
}

func expect(t *testing.T, v *cognito.Verifier, e attacktable.Entry, token string) *cognito.Error {
	t.Helper()
	if e.Expect == "accept" {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatalf("refused: %v", err)
		}
		return nil
	}
	err := refusal(t, v, token)
	if err.SQLSTATE() != e.Expect || string(err.Reason) != e.Reason {
		t.Fatalf("%s %s (%s), want %s %s", err.SQLSTATE(), err.Reason, err.Message(), e.Expect, e.Reason)
	}
	const sentence = "JWT authentication failed: the token is not valid"
	if before := e.Expect == "28P01" && e.Reason != "too_long"; before != (err.Message() == sentence) {
		t.Errorf("message %q", err.Message())
	}
	noTokenBytes(t, token, err.Error(), err.Message(), err.Hint())
	return err
}

// noTokenBytes fails if any of the texts holds twelve bytes in a row of the token.
func noTokenBytes(t testing.TB, token string, texts ...string) {
	t.Helper()
	const run = 12
	for _, text := range texts {
		for i := 0; i+run <= len(text); i++ {
			if len(token) < 1<<16 && strings.Contains(token, text[i:i+run]) {
				t.Errorf("%q holds bytes of the token", text)
				return
			}
		}
	}
}

// A policy is what a test needs a stand of its own for.
func withPolicy(p cognito.Policy) func(*cognito.IssuerConfig) {
	return func(c *cognito.IssuerConfig) {
		if len(p.ClientIDs) == 0 {
			p.ClientIDs = c.Policy.ClientIDs
		}
		c.Policy = p
	}
}

// attack makes a token on a stand.
type attack func(s *stand) string

// on runs attacks on a stand that they share.
type on struct{ *stand }

func (o on) token(a attack) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) { o.expect(t, e, a(o.stand)) }
}

// forge changes nothing of the policy, only the token.
func (o on) forge(f jwkstest.Forgery) func(*testing.T, attacktable.Entry) {
	return o.token(func(s *stand) string { return s.issuer.Forge(f) })
}

// claims is a good access token but for some claims.
func (o on) claims(changes map[string]any) func(*testing.T, attacktable.Entry) {
	return o.forge(jwkstest.Forgery{MintOptions: jwkstest.MintOptions{Claims: changes}})
}

// under is a token minted under another policy.
func under(p cognito.Policy, o jwkstest.MintOptions) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		s := newStand(t, withPolicy(p))
		s.expect(t, e, s.issuer.Forge(jwkstest.Forgery{MintOptions: o}))
	}
}
