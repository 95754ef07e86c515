package neon

import (
	"context"
	"sync"
	"time"
)

// gate lets a bounded number of requests through at once. Requests that wait are served by turns of their subjects, so
// that one user with many does not hold up another with one.
type gate struct {
	mu      sync.Mutex
	free    int
	waiting map[string]*queue
	turn    []*queue // the subjects that wait, next first
}

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

func newGate(n int) *gate { return &gate{free: n, waiting: map[string]*queue{}} }

// enter takes a place, waiting for one up to limit. It returns false when the time is over or ctx has ended; else leave
// must be called.
func (g *gate) enter(ctx context.Context, subject string, limit time.Duration) bool {
	g.mu.Lock()
	if g.free > 0 && len(g.turn) == 0 {
		g.free--
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
		g.next()
		return false
	}
	g.remove(q, w)
	return false
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next()
}

// next hands one place to whose turn it is, or keeps it free. g.mu is held.
func (g *gate) next() {
	if len(g.turn) == 0 {
		g.free++
		return
	}
	q := g.turn[0]
	w := q.waiters[0]
	q.waiters[0] = nil
	q.waiters = q.waiters[1:]
	g.turn[0] = nil
	g.turn = g.turn[1:]
	if len(q.waiters) > 0 {
		g.turn = append(g.turn, q)
	} else {
		delete(g.waiting, q.subject)
	}
	w.passed = true
	close(w.pass)
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
