package neon

import (
	"context"
	"slices"
	"sync"
	"time"
)

// gate lets a bounded number of requests through at once. Requests that wait are served by turns of their subjects, so
// that one user with many does not hold up another with one; and no number of users with many long requests takes all
// places: a subject that holds some may have another only while enough are free (see mayEnter).
type gate struct {
	mu      sync.Mutex
	free    int
	held    map[string]int // places by subject, no entry for none
	waiting map[string]*queue
	turn    []*queue // the subjects that wait, next first
}

// holdPerFree is how many places a subject may hold for each that is free. Of 80 places one busy subject gets 72, two get 38
// each, three 26: some are always free for a subject that holds none.
const holdPerFree = 8

// queue holds one subject's waiting requests, oldest first. Guarded by gate.mu.
type queue struct {
	subject string
	waiters []*waiter
}

// waiter is one waiting request. pass is closed when it is let through, under gate.mu.
type waiter struct {
	pass   chan struct{}
	passed bool
}

func newGate(n int) *gate {
	return &gate{free: n, held: map[string]int{}, waiting: map[string]*queue{}}
}

// mayEnter reports whether there is a place for subject. g.mu is held.
func (g *gate) mayEnter(subject string) bool { return g.held[subject] < holdPerFree*g.free }

// take gives subject a place. g.mu is held.
func (g *gate) take(subject string) {
	g.free--
	g.held[subject]++
}

// giveBack takes a place back from subject and lets in whoever may come now. g.mu is held.
func (g *gate) giveBack(subject string) {
	g.free++
	if g.held[subject]--; g.held[subject] == 0 {
		delete(g.held, subject)
	}
	g.admit()
}

// enter takes a place, waiting for one up to limit. It returns false when the time is over or ctx has ended; else leave
// must be called.
func (g *gate) enter(ctx context.Context, subject string, limit time.Duration) bool {
	g.mu.Lock()
	if g.waiting[subject] == nil && g.mayEnter(subject) { // others that wait may not come yet
		g.take(subject)
		g.mu.Unlock()
		return true
	}
	w := &waiter{pass: make(chan struct{})}
	q := g.waiting[subject]
	if q == nil {
		q = &queue{subject: subject}
		g.waiting[subject] = q
		g.turn = append(g.turn, q)
	}
	q.waiters = append(q.waiters, w)
	g.mu.Unlock()

	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.pass:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.passed { // at the same moment: give the place on
		g.giveBack(subject)
		return false
	}
	g.remove(q, w)
	return false
}

// leave gives subject's place back.
func (g *gate) leave(subject string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.giveBack(subject)
}

// admit lets in those that wait, by turns of their subjects, while one of them may come. g.mu is held.
func (g *gate) admit() {
	for i := 0; i < len(g.turn) && g.free > 0; {
		q := g.turn[i]
		if !g.mayEnter(q.subject) {
			i++
			continue
		}
		g.take(q.subject)
		w := q.waiters[0]
		q.waiters[0] = nil
		q.waiters = q.waiters[1:]
		g.turn = slices.Delete(g.turn, i, i+1)
		if len(q.waiters) > 0 {
			g.turn = append(g.turn, q)
		} else {
			delete(g.waiting, q.subject)
		}
		w.passed = true
		close(w.pass)
		i = 0
	}
}

// remove takes a waiter that gave up out of its queue. g.mu is held.
func (g *gate) remove(q *queue, w *waiter) {
	for i := range q.waiters {
		if q.waiters[i] == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			break
		}
	}
	if len(q.waiters) > 0 {
		return
	}
	delete(g.waiting, q.subject)
	for i := range g.turn {
		if g.turn[i] == q {
			g.turn = append(g.turn[:i], g.turn[i+1:]...)
			return
		}
	}
}
