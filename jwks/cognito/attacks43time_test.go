package cognito_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// bubble is a pool in fake time, without sockets.
type bubble struct {
	*testing.T
	issuer *jwkstest.Issuer
	logs   *observer.ObservedLogs
	*cognito.Verifier
}

// inBubble runs a test in fake time, whose verifier has been made but has not fetched yet.
func inBubble(test func(b *bubble, e attacktable.Entry)) func(*testing.T, attacktable.Entry) {
	return inBubbleWith(func(*jwks.Config) {}, test)
}

func inBubbleWith(change func(*jwks.Config), test func(b *bubble, e attacktable.Entry)) func(*testing.T, attacktable.Entry) {
	keys := testKeys() // generated outside: time stands still for it
	return func(t *testing.T, e attacktable.Entry) {
		synctest.Test(t, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			b := &bubble{T: t, issuer: unstarted(t, jwkstest.Options{Keys: keys}), logs: logs}
			config := offline("pool", b.issuer)
			change(&config.Keys)
			var err error
			b.Verifier, err = cognito.New(prometheus.NewRegistry(), zap.New(core), cognito.Config{Issuers: []cognito.IssuerConfig{config}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			test(b, e)
		})
	}
}

func (b *bubble) mint(o jwkstest.MintOptions) string { return mint(b.T, b.issuer, o) }

// good wants a new token to be accepted.
func (b *bubble) good() *cognito.Claims {
	b.Helper()
	claims, err := b.Verify(context.Background(), b.mint(jwkstest.MintOptions{}))
	if err != nil {
		b.Fatalf("a good token: %v", err)
	}
	return claims
}

func (b *bubble) rotate(overlap bool) {
	b.Helper()
	if err := b.issuer.Rotate(overlap); err != nil {
		b.Fatal(err)
	}
}

// sleep lets time pass; in a bubble that costs none.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func timeAttacks() attacktable.Tests {
	return attacktable.Tests{
		"4.3-flapping": inBubble(func(b *bubble, e attacktable.Entry) {
			for range 6 {
				b.issuer.SetFault(jwkstest.Outage())
				sleep(50 * time.Minute)
				if b.Fetches() > 0 {
					expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
				}
				b.issuer.SetFault(jwkstest.Fault{})
				sleep(50 * time.Minute)
				expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
			}
		}),
		"4.3-all-replaced": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			b.rotate(false)
			expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
		}),
		"4.3-overlap": inBubble(func(b *bubble, e attacktable.Entry) {
			old := b.mint(jwkstest.MintOptions{})
			b.rotate(true)
			expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
			expect(b.T, b.Verifier, e, old)
		}),
		"4.3-removed": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			old := b.mint(jwkstest.MintOptions{Lifetime: 3 * time.Hour})
			b.rotate(true)
			b.issuer.Retire()
			sleep(49 * time.Minute) // past 80 % of the time to live
			expect(b.T, b.Verifier, e, old)
		}),
		"4.3-removed-session": inBubble(func(b *bubble, e attacktable.Entry) {
			old := b.mint(jwkstest.MintOptions{Lifetime: 3 * time.Hour})
			claims, err := b.Verify(context.Background(), old)
			if err != nil {
				b.Fatal(err)
			}
			b.rotate(true)
			sleep(49 * time.Minute) // a key came: once more, and good
			if !claims.Stale() {
				b.Error("not stale although the keys changed")
			}
			if again, err := b.Verify(context.Background(), old); err != nil || again != claims || claims.Stale() {
				b.Errorf("verified again: %v, stale %v", err, claims.Stale())
			}
			b.issuer.Retire()
			sleep(49 * time.Minute)
			if !claims.Stale() {
				b.Error("not stale although the key is gone")
			}
			expect(b.T, b.Verifier, e, old)
		}),
		"4.3-storm":          inBubble(storm),
		"4.3-storm-rotation": inBubble(stormRotation),
		"4.3-herd-start": inBubble(func(b *bubble, e attacktable.Entry) {
			b.issuer.SetFault(jwkstest.Slow(time.Second))
			b.herd(e)
			if n := b.issuer.Fetches(); n != 1 {
				b.Errorf("%d fetches, want 1", n)
			}
		}),
		// Refreshed between 2 and 3.2 s, which takes 4 s: at the time to live of 4 s the refresh is in flight.
		"4.3-herd-ttl": inBubbleWith(func(c *jwks.Config) { c.TTL = 4 * time.Second }, herdTTL),
		"4.3-stale": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			b.issuer.SetFault(jwkstest.Outage())
			for range 23 {
				sleep(time.Hour)
				start := time.Now()
				expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
				if waited := time.Since(start); waited != 0 {
					b.Errorf("the login waited %s for a fetch that fails", waited)
				}
			}
			if s := b.Status()["pool"]; !s.Stale || !s.Usable {
				b.Errorf("status %+v", s)
			}
		}),
		"4.3-stale-limit": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			b.issuer.SetFault(jwkstest.Outage())
			sleep(24 * time.Hour)
			expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
		}),
		"4.3-stale-limit-session": inBubble(func(b *bubble, e attacktable.Entry) {
			synctest.Wait()
			b.issuer.SetFault(jwkstest.Outage())
			sleep(4 * time.Hour)
			token := b.mint(jwkstest.MintOptions{Lifetime: 24 * time.Hour})
			claims, err := b.Verify(context.Background(), token)
			if err != nil {
				b.Fatal(err)
			}
			sleep(20*time.Hour - time.Second)
			if claims.Stale() {
				b.Error("stale before the limit")
			}
			sleep(2 * time.Second)
			if !claims.Stale() {
				b.Error("not stale after the limit")
			}
			expect(b.T, b.Verifier, e, token)
		}),
		"4.3-recovery": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			b.issuer.SetFault(jwkstest.Outage())
			sleep(30 * time.Hour)
			b.issuer.SetFault(jwkstest.Fault{})
			sleep(37 * time.Second) // the longest pause
			expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
		}),
		"4.3-readiness": inBubble(readiness),
		"4.3-poisoned": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			b.rotate(false)
			sleep(49 * time.Minute)
			if b.logs.FilterMessage("every key of the issuer was replaced at once").FilterLevelExact(zap.ErrorLevel).Len() != 1 {
				b.Error("no alarm in the log")
			}
			expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
		}),
		"4.3-poisoned-empty": inBubble(func(b *bubble, e attacktable.Entry) {
			b.good()
			for _, body := range []string{`{"keys":[]}`, `{"keys":[{"kty":"oct","kid":"x","k":"AA"}]}`, `{}`} {
				b.issuer.SetFault(jwkstest.Body("%s", body))
				sleep(time.Hour)
				expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
			}
		}),
	}
}

// Fetches of the bubble's issuer that were answered well.
func (b *bubble) Fetches() int {
	if b.Status()["pool"].Fetched.IsZero() {
		return 0
	}
	return b.issuer.Fetches()
}

// herd is 1000 logins at once.
func (b *bubble) herd(e attacktable.Entry) {
	b.Helper()
	token := b.mint(jwkstest.MintOptions{})
	var wait sync.WaitGroup
	var failed atomic.Int64
	for range 1000 {
		wait.Go(func() {
			if _, err := b.Verify(context.Background(), token); err != nil {
				failed.Add(1)
			}
		})
	}
	wait.Wait()
	if n := failed.Load(); n != 0 || e.Expect != "accept" {
		b.Errorf("%d of 1000 logins failed", n)
	}
}

func herdTTL(b *bubble, e attacktable.Entry) {
	b.good()
	b.issuer.SetFault(jwkstest.Slow(4 * time.Second))
	for range 3 {
		before, fetched := b.issuer.Fetches(), b.Status()["pool"].Fetched
		sleep(4*time.Second - time.Since(fetched))
		if !b.Status()["pool"].Stale {
			b.Fatal("the set is younger than its time to live")
		}
		b.herd(e)
		if n := b.issuer.Fetches() - before; n != 1 || b.Status()["pool"].Stale {
			b.Errorf("%d fetches at the time to live, want 1", n)
		}
	}
}

// randomKid is a token that no key has signed, with a kid of its own.
func randomKid(payload string, n int) string {
	header := fmt.Sprintf(`{"kid":"random-%d","alg":"RS256"}`, n)
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload + "." + strings.Repeat("A", 342)
}

// storm counts the fetches for unknown kids in every minute of the storm, not those of the refresher.
func storm(b *bubble, e attacktable.Entry) {
	b.good()
	before := b.issuer.Fetches()
	payload := strings.Split(b.mint(jwkstest.MintOptions{}), ".")[1]
	for second := range 60 {
		for i := range burst {
			_, err := b.Verify(context.Background(), randomKid(payload, second*burst+i))
			if err == nil || err.(*cognito.Error).Reason != cognito.KeyUnknown {
				b.Fatalf("a random kid: %v", err)
			}
		}
		expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
		sleep(time.Second)
	}
	if n := b.issuer.Fetches() - before; n > 2 {
		b.Errorf("%d fetches in a minute, want at most 2", n)
	}
}

func stormRotation(b *bubble, e attacktable.Entry) {
	b.good()
	payload := strings.Split(b.mint(jwkstest.MintOptions{}), ".")[1]
	n := 0
	second := func() {
		for range 100 {
			n++
			if _, err := b.Verify(context.Background(), randomKid(payload, n)); err == nil {
				b.Fatal("a random kid was accepted")
			}
		}
		sleep(time.Second)
	}
	second()
	b.rotate(true)
	token := b.mint(jwkstest.MintOptions{})
	for range 30 {
		_, _ = b.Verify(context.Background(), token) // may be refused for now
		second()
	}
	expect(b.T, b.Verifier, e, token)
}

func readiness(b *bubble, e attacktable.Entry) {
	b.issuer.SetFault(jwkstest.Slow(time.Second))
	synctest.Wait()
	if b.Ready() == nil {
		b.Error("ready without keys")
	}
	sleep(2 * time.Second)
	if err := b.Ready(); err != nil {
		b.Error(err)
	}
	expect(b.T, b.Verifier, e, b.mint(jwkstest.MintOptions{}))
	b.issuer.SetFault(jwkstest.Outage())
	sleep(23 * time.Hour)
	if err := b.Ready(); err != nil {
		b.Errorf("stale, within the limit: %v", err)
	}
	sleep(time.Hour)
	if b.Ready() == nil {
		b.Error("ready after the limit")
	}
}
