package neon

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestGateServesSubjectsByTurns: alice has ten requests waiting before bob and carol have one each.
func TestGateServesSubjectsByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		if !g.enter(t.Context(), "x", time.Second) {
			t.Fatal("the free place was refused")
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		var order []string
		for _, subject := range []string{"alice", "alice", "alice", "alice", "bob", "bob", "carol"} {
			wg.Go(func() {
				if g.enter(t.Context(), subject, time.Hour) {
					mu.Lock()
					order = append(order, subject)
					mu.Unlock()
					time.Sleep(time.Second)
					g.leave(subject)
				}
			})
			synctest.Wait()
		}
		g.leave("x")
		wg.Wait()
		want := []string{"alice", "bob", "carol", "alice", "bob", "alice", "alice"}
		if !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if g.free != 1 || len(g.waiting) != 0 || len(g.turn) != 0 || len(g.held) != 0 {
			t.Errorf("afterwards %+v", g)
		}
	})
}

func TestGateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		g.enter(t.Context(), "alice", time.Second)
		start := time.Now()
		if g.enter(t.Context(), "bob", 10*time.Second) || time.Since(start) != 10*time.Second {
			t.Errorf("gave up after %v", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if g.enter(ctx, "bob", 10*time.Second) || time.Since(start) != time.Second {
			t.Errorf("gave up %v after its context ended", time.Since(start))
		}
		g.leave("alice")
		if g.free != 1 || len(g.waiting) != 0 || len(g.turn) != 0 || len(g.held) != 0 {
			t.Errorf("afterwards %+v", g)
		}
		if !g.enter(t.Context(), "bob", 0) {
			t.Error("a free place was refused")
		}
	})
}

// TestGateLosesNoPlace lets waiters give up at the very moment at which places come free.
func TestGateLosesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 3
		g := newGate(places)
		var mu sync.Mutex
		inside, most := 0, 0
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				time.Sleep(time.Duration(i%7) * time.Second)
				if !g.enter(t.Context(), fmt.Sprint(i%5), time.Duration(1+i%11)*time.Second) {
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				g.leave(fmt.Sprint(i % 5))
			})
		}
		wg.Wait()
		if most != places {
			t.Errorf("%d were inside at once, want %d", most, places)
		}
		if g.free != places || len(g.waiting) != 0 || len(g.turn) != 0 || len(g.held) != 0 {
			t.Errorf("afterwards %+v", g)
		}
	})
}

// TestGateKeepsRoomForOthers: users with any number of long requests leave places free for one who has none.
func TestGateKeepsRoomForOthers(t *testing.T) {
	for _, tc := range []struct{ places, users, each int }{{80, 1, 72}, {80, 2, 38}, {80, 3, 26}, {10, 1, 9}, {2, 1, 2}, {1, 1, 1}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(tc.places)
				for range tc.places {
					for user := range tc.users {
						go g.enter(t.Context(), fmt.Sprint(user), time.Hour)
						synctest.Wait() // in turn: who comes first may hold more
					}
				}
				g.mu.Lock()
				for user := range tc.users {
					if n := g.held[fmt.Sprint(user)]; n < tc.each-1 || n > tc.each+1 {
						t.Errorf("user %d holds %d, want about %d", user, n, tc.each)
					}
				}
				free := g.free
				g.mu.Unlock()
				if tc.places > 2 && free == 0 {
					t.Fatal("no place is free")
				}
				if tc.places > 2 && !g.enter(t.Context(), "another", 0) {
					t.Error("another user is kept out")
				}
				// What is given back goes to those who wait, to the last.
				for left := tc.places * tc.users; left > 0; left-- {
					g.mu.Lock()
					subject := ""
					for user := range tc.users {
						if s := fmt.Sprint(user); g.held[s] > 0 {
							subject = s
						}
					}
					g.mu.Unlock()
					if subject == "" {
						t.Fatalf("%d requests wait and nobody holds a place", left)
					}
					g.leave(subject)
					synctest.Wait()
				}
				if tc.places > 2 {
					g.leave("another")
				}
				if g.free != tc.places || len(g.waiting) != 0 || len(g.turn) != 0 || len(g.held) != 0 {
					t.Errorf("afterwards %+v", g)
				}
			})
		})
	}
}
