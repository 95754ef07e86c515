package session

import (
	"context"
	"errors"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// request sends one request. Its error is the truth about the statements as far as it is known: an answer that came
// although the request was being dropped is that answer.
func (s *Session) request(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	if err := s.identity.Recheck(ctx); err != nil {
		return err.Fatal()
	}
	if !time.Now().Before(s.identity.ExpiresAt) {
		s.metrics.expired.WithLabelValues(stateActive).Inc()
		return errTokenExpired
	}
	req.Token, req.Subject = s.identity.Token, s.identity.Subject
	ctx, release := s.inFlight(ctx)
	defer release()
	err := s.up.Run(ctx, req, sink)
	if err == nil || ctx.Err() == nil || errors.Is(err, errClientWrites) {
		return err
	}
	if up, ok := errors.AsType[*upstream.Error](err); ok && up.Outcome == upstream.Failed {
		return err
	}
	return s.dropped(context.Cause(ctx), err)
}

// dropped is the answer to a request that was dropped for cause.
func (s *Session) dropped(cause, err error) error {
	e, ok := errors.AsType[*pgerr.Error](cause)
	if !ok {
		return cause // the client is gone, or the server stops at once
	}
	if e == errTokenExpired {
		s.metrics.expired.WithLabelValues(stateActive).Inc()
	}
	// Even where nothing was written yet: one answer to a dropped request is easier to act on than two.
	e = e.WithDetail("outcome unknown")
	if e.Hint == "" {
		e = e.WithHint("The statement may still take effect: look before you send it again.")
	}
	return e.Because(err)
}

// clientCheck is how often a long request looks whether its client is still there (client_connection_check_interval).
const clientCheck = time.Second

// inFlight bounds a request: by Cancel, the statement limit, the token's end and the client's own life. release ends it.
func (s *Session) inFlight(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	end, cause := s.identity.ExpiresAt, errTokenExpired
	if s.route.StatementLimit > 0 {
		if limit := time.Now().Add(s.route.StatementLimit); limit.Before(end) {
			end, cause = limit, errTimeout
		}
	}
	ctx, stopEnd := context.WithDeadlineCause(ctx, end, cause)
	s.control.mu.Lock()
	s.control.cancel = cancel
	s.control.mu.Unlock()
	watch := time.AfterFunc(clientCheck, func() { s.watchClient(ctx, cancel) })
	return ctx, func() {
		watch.Stop()
		s.control.mu.Lock()
		s.control.cancel = nil
		s.control.mu.Unlock()
		stopEnd()
		cancel(nil)
	}
}

func (s *Session) watchClient(ctx context.Context, cancel context.CancelCauseFunc) {
	if s.options.Alive == nil {
		return
	}
	tick := time.NewTicker(clientCheck)
	defer tick.Stop()
	for s.options.Alive() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	cancel(errClientGone)
}
