package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// ending is why a connection does not become a session.
type ending struct {
	tell   *pgerr.Error // what the client is told; nil: nothing, as Postgres does where the peer may not speak the protocol
	raw    []byte       // what it is told instead, as it stands on the wire
	reason reason
	why    cognito.Reason // with reasonAuth: what was wrong with the token
}

// reason is a closed vocabulary: the label of client_connections_rejected_total, and in the log. The failures of a token
// have their own, see auth_failures_total.
type reason string

const (
	reasonProbe      reason = "probe"       // ended by the peer before it wanted anything: no failure
	reasonCancel     reason = "cancel"      // a CancelRequest: served
	reasonGone       reason = "client_gone" // broke off within a packet or a handshake
	reasonTimeout    reason = "timeout"
	reasonDraining   reason = "draining"
	reasonClosed     reason = "closed"
	reasonProtocol   reason = "protocol"
	reasonTLS        reason = "tls" // counted by tls_handshake_failures_total
	reasonPlaintext  reason = "tls_required"
	reasonAuth       reason = "auth"     // counted by auth_failures_total
	reasonLimit      reason = "limit"    // counted as one of the limits' reasons at accept
	reasonDatabase   reason = "database" // no route
	reasonSetting    reason = "setting"  // a startup setting that is not kept
	reasonUpstream   reason = "upstream" // the route's server cannot be asked
	reasonSigningKey reason = "signing_key_not_accepted"
)

// countedReasons are those of client_connections_rejected_total, the limits' included.
var countedReasons = []string{string(overTotal), string(overIP), string(overUnauthenticated), string(overUnauthenticatedByIP),
	string(reasonGone), string(reasonTimeout), string(reasonDraining), string(reasonClosed), string(reasonProtocol), string(reasonPlaintext),
	string(reasonDatabase), string(reasonSetting), string(reasonUpstream), string(reasonSigningKey)}

// counted reports whether the reason belongs to client_connections_rejected_total.
func (r reason) counted() bool {
	return slices.Contains(countedReasons, string(r))
}

// refuse counts, logs and tells why there is no session. It is the only place that does.
func (c *conn) refuse(end *ending) closeReason {
	if end.reason.counted() {
		c.server.metrics.rejected.WithLabelValues(string(end.reason)).Inc()
	}
	switch end.reason {
	case reasonProbe:
		c.server.metrics.probes.WithLabelValues(c.listener.Name).Inc()
		return closedProbe
	case reasonCancel:
		return closedCancel
	}
	why := string(end.reason)
	if end.why != "" {
		why = string(end.why)
	}
	fields := []zap.Field{zap.String("reason", why)}
	if end.tell != nil {
		fields = append(fields, zap.String("sqlstate", end.tell.Code))
		if end.reason != reasonSetting { // that would repeat the setting's value
			fields = append(fields, foreign("error", end.tell.Message))
		}
	}
	c.record(zap.InfoLevel, "connection_refused", "connection refused", fields...)
	switch {
	case end.tell != nil:
		c.tell(end.tell.Fatal())
	case end.raw != nil:
		c.say(end.raw)
	}
	return closedRefused
}

// interrupted is the ending for an I/O error before there is a session. ctx is the login's.
func (c *conn) interrupted(ctx context.Context, err error) *ending {
	asked := c.wire != nil // the peer speaks the protocol: it can be told
	switch cause := context.Cause(ctx); {
	case cause == errLoginTimeout:
		e := &ending{reason: reasonTimeout}
		if asked {
			e.tell = pgerr.New(pgerr.QueryCanceled, "canceling authentication due to timeout")
		}
		return e
	case cause == errDraining:
		e := &ending{reason: reasonDraining}
		if asked {
			e.tell = shuttingDown()
		}
		return e
	case cause == errClientGone:
		return &ending{reason: reasonGone}
	case cause != nil:
		return &ending{reason: reasonClosed}
	case gone(err):
		return &ending{reason: reasonProbe}
	}
	return &ending{reason: reasonGone}
}

// gone reports whether the peer closed or reset the connection between two packets.
func gone(err error) bool {
	return err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

func shuttingDown() *pgerr.Error {
	return pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command")
}
