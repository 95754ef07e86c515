package cognito_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/jwkstest"
)

// tokens are good ones, each of its own.
func tokens(b *testing.B, s *stand, n int) []string {
	b.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = mint(b, s.issuer, jwkstest.MintOptions{Subject: strconv.Itoa(i), Groups: []string{"db"}})
	}
	return out
}

// BenchmarkVerify is a token that is verified already, as at every login of a pool and at every statement after a change.
func BenchmarkVerify(b *testing.B) {
	s := defaultStand(b)
	token := tokens(b, s, 1)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyNew is a token that is seen for the first time: the cache is too small to remember it.
func BenchmarkVerifyNew(b *testing.B) {
	s := newStand(b, nil)
	s.Close()
	s.config.CacheSize = 1
	s.Verifier = newVerifier(b, s.config)
	two := tokens(b, s, 2)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Verify(b.Context(), two[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefuseRandomKid is what a made-up kid costs.
func BenchmarkRefuseRandomKid(b *testing.B) {
	s := defaultStand(b)
	token := randomKid(strings.Split(tokens(b, s, 1)[0], ".")[1], 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(b.Context(), token); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkStorm verifies good tokens on all cores, in turn for a while in peace and for a while with 10,000 random kids a second
// beside, and reports both rates and the median of their ratios: other processes disturb single pairs. Every good token is verified anew.
func BenchmarkStorm(b *testing.B) {
	s := newStand(b, nil)
	s.Close()
	s.config.CacheSize = 1
	s.Verifier = newVerifier(b, s.config)
	good := tokens(b, s, 64)
	storm := make([]string, 1<<16)
	payload := strings.Split(good[0], ".")[1]
	for i := range storm {
		storm[i] = randomKid(payload, i)
	}
	const window = 100 * time.Millisecond
	var calm, stormy, refused int64
	var ratios []float64
	for b.Loop() {
		before := verifyFor(s, good, window)
		stop := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() { refused += refuse(s, storm, stop) })
		during := verifyFor(s, good, window)
		close(stop)
		wait.Wait()
		calm, stormy, ratios = calm+before, stormy+during, append(ratios, float64(during)/float64(before))
	}
	slices.Sort(ratios)
	seconds := float64(b.N) * window.Seconds()
	b.ReportMetric(float64(calm)/seconds, "calm/s")
	b.ReportMetric(float64(stormy)/seconds, "storm/s")
	b.ReportMetric(float64(refused)/seconds, "refused/s")
	b.ReportMetric(ratios[len(ratios)/2], "storm/calm")
}

// verifyFor counts what all cores verify in the time.
func verifyFor(s *stand, good []string, d time.Duration) int64 {
	var done atomic.Int64
	var wait sync.WaitGroup
	end := time.Now().Add(d)
	for worker := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := worker; time.Now().Before(end); i++ {
				if _, err := s.Verify(context.Background(), good[i%len(good)]); err != nil {
					panic(err)
				}
				done.Add(1)
			}
		})
	}
	wait.Wait()
	return done.Load()
}

// refuse sends random kids, 10 each millisecond, and returns how many.
func refuse(s *stand, storm []string, stop <-chan struct{}) (n int64) {
	begin := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return n
		case <-tick.C:
		}
		for due := int64(time.Since(begin) / (100 * time.Microsecond)); n < due; n++ {
			if _, err := s.Verify(context.Background(), storm[n%int64(len(storm))]); err == nil {
				panic("accepted")
			}
		}
	}
}
