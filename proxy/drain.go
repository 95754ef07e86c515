package proxy

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// tellGrace is how long sessions that are cut short have to tell their clients so.
	tellGrace = 2 * time.Second
	// closeGrace is how long Shutdown waits, after it closed what would not end, for the goroutines to notice.
	closeGrace = 5 * time.Second
)

// Draining reports whether Shutdown or Close was called: the server is no longer ready.
func (s *Server) Draining() bool { return s.phaseNow() >= draining }

// Shutdown ends the server in a bounded sequence: it is no longer ready, goes on accepting for MinDrain, closes the
// listeners, ends logins and idle sessions with FATAL 57P01 and busy sessions after their statement, and after MaxDrain, or
// when ctx ends, drops the statements that still run, tells their clients, and closes what is left. Every Serve has then returned ErrServerClosed, or is about to.
//
// It returns nil if every session ended by itself, else an error that says how many were closed. A second call, while
// the first one runs, closes all at once.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.advance(draining) {
		s.Close()
		return nil
	}
	s.log.Info("draining", zap.String("event", "drain_started"), zap.Int("connections", s.Connections()))
	wait(ctx, s.base, s.opts.Timeouts.MinDrain)
	s.advance(stopping)
	for _, c := range s.closeListeners() {
		c.drain()
	}

	ended := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(ended)
	}()
	limit := time.NewTimer(s.opts.Timeouts.MaxDrain)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		s.cutShort(ended)
	case <-ctx.Done():
		s.cutShort(ended)
	case <-s.base.Done():
	}
	s.Close()
	select {
	case <-ended:
	case <-time.After(closeGrace):
	}
	if cut := s.cutOff(); cut > 0 {
		s.log.Warn("drain cut short", zap.String("event", "drain_cut_short"), zap.Int("connections", cut))
		return fmt.Errorf("proxy: closed %d connections that had not ended", cut)
	}
	s.log.Info("drained", zap.String("event", "drain_ended"))
	return nil
}

// cutShort drops what still runs, with an error that each session tells its client, and waits for them a little.
func (s *Server) cutShort(ended <-chan struct{}) {
	s.countCut()
	s.stop(shuttingDown().Fatal().Because(ErrServerClosed))
	select {
	case <-ended:
	case <-time.After(tellGrace):
	}
}

// countCut notes how many connections had not ended, the first time.
func (s *Server) countCut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cutting {
		s.cutting, s.cut = true, len(s.conns)
	}
}

// Close ends the server at once: listeners and connections are closed, statements in flight dropped. It does not wait.
func (s *Server) Close() {
	s.advance(closed)
	s.countCut()
	s.stop(ErrServerClosed)
	for _, c := range s.closeListeners() {
		c.raw.Close()
	}
}

// cutOff is how many connections did not end by themselves.
func (s *Server) cutOff() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// advance moves on to that phase, and reports false if it had come as far already.
func (s *Server) advance(to phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase >= to {
		return false
	}
	s.phase = to
	return true
}

// closeListeners closes them and returns the connections that are open. After the phase stopping began there come no more.
func (s *Server) closeListeners() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		l.Close()
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// wait returns after d, or when one of the contexts ends.
func wait(a, b context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-a.Done():
	case <-b.Done():
	}
}
