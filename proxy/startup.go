package proxy

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/wire"
)

const (
	tlsHandshakeRecord = 0x16 // the first byte of a ClientHello: no startup packet is that long

	versionMajor = 3
	versionMinor = 2 // the newest that is spoken
)

// open reads the peer's packets up to a StartupMessage, TLS included, and checks it.
func (c *conn) open(ctx context.Context) *ending {
	message, end := c.negotiate(ctx)
	if end != nil {
		return end
	}
	c.server.metrics.connections.WithLabelValues(c.listener.Name, c.tlsLabel).Inc()
	c.wire = wire.NewConn(c.nc, wire.Limits{Message: c.server.opts.Limits.Message, Small: c.server.opts.Limits.Small})
	c.wire.SetWriteTimeout(c.server.opts.Timeouts.Login)
	s, err := readParameters(message)
	if err != nil {
		return &ending{tell: err, reason: reasonProtocol}
	}
	if s.minor > versionMinor || len(s.unknown) > 0 {
		c.wire.Send(&pgproto3.NegotiateProtocolVersion{
			// As Postgres 18: the whole version, and never a newer one than the client asked for.
			NewestMinorProtocol: versionMajor<<16 | uint32(min(s.minor, versionMinor)),
			UnrecognizedOptions: s.unknown,
		})
	}
	if err := s.check(); err != nil {
		return &ending{tell: err, reason: reasonProtocol}
	}
	c.startup = s
	c.fields = append(c.fields, foreign("user", s.user), foreign("database", s.database))
	for _, p := range slices.Backward(s.settings) {
		if p.Name == "application_name" {
			c.fields = append(c.fields, foreign("application_name", p.Value))
			break
		}
	}
	if c.over != admitted {
		return &ending{tell: c.over.error(), reason: reasonLimit}
	}
	if c.tlsLabel == "none" && !c.listener.plaintextAllowed(c.raw) {
		return &ending{reason: reasonPlaintext, tell: pgerr.New(pgerr.InvalidAuthorization, "TLS is required to send a token").
			WithHint("Connect with sslmode=require, or better verify-full.")}
	}
	return nil
}

// negotiate reads packets up to the StartupMessage. Each kind of encryption may be asked for once, as in Postgres: TLS is
// answered 'S' where the listener has it, GSSAPI always 'N'.
func (c *conn) negotiate(ctx context.Context) (wire.StartupMessage, *ending) {
	var none wire.StartupMessage
	var first [1]byte
	if _, err := io.ReadFull(c.nc, first[:]); err != nil {
		return none, c.interrupted(ctx, err)
	}
	pending := first[:]
	askedTLS, askedGSS := false, false
	if first[0] == tlsHandshakeRecord {
		if !c.offersTLS() {
			return none, &ending{reason: reasonProtocol}
		}
		if end := c.handshake(ctx, pending); end != nil {
			return none, end
		}
		pending, askedTLS, askedGSS = nil, true, true
	}
	for {
		r := &packetReader{r: c.nc, pending: pending}
		packet, err := wire.ReadStartup(r)
		pending = nil
		if err != nil {
			return none, c.badPacket(ctx, r, err)
		}
		switch p := packet.(type) {
		case wire.StartupMessage:
			return p, nil
		case wire.CancelRequest:
			c.cancel(p)
			return none, &ending{reason: reasonCancel}
		case wire.SSLRequest:
			if askedTLS {
				return none, againEncryption(5679)
			}
			askedTLS = true
			if unread(c.raw) {
				return none, unencryptedData("SSL")
			}
			if !c.offersTLS() {
				if end := c.answer(ctx, 'N'); end != nil {
					return none, end
				}
				continue
			}
			if end := c.answer(ctx, 'S'); end != nil {
				return none, end
			}
			if end := c.handshake(ctx, nil); end != nil {
				return none, end
			}
			askedGSS = true
		case wire.GSSENCRequest:
			if askedGSS {
				return none, againEncryption(5680)
			}
			askedGSS = true
			if unread(c.raw) {
				return none, unencryptedData("GSSAPI encryption")
			}
			if end := c.answer(ctx, 'N'); end != nil {
				return none, end
			}
		default:
			panic(fmt.Sprintf("BUG: a startup packet of type %T", packet))
		}
	}
}

func (c *conn) offersTLS() bool { return c.listener.TLS != nil && !isUnix(c.raw) }

// answer sends the one byte that answers a request for encryption.
func (c *conn) answer(ctx context.Context, b byte) *ending {
	if _, err := c.nc.Write([]byte{b}); err != nil {
		return c.interrupted(ctx, err)
	}
	return nil
}

// againEncryption is Postgres' answer to a second request of that kind: by then the code is just a wrong version.
func againEncryption(code uint16) *ending {
	return &ending{reason: reasonProtocol, tell: pgerr.New(pgerr.FeatureNotSupported,
		"unsupported frontend protocol %d.%d: server supports %d.0 to %d.%d", 1234, code, versionMajor, versionMajor, versionMinor)}
}

// unencryptedData is for bytes behind a request for encryption that were sent before its answer (CVE-2021-23214). They
// could never be taken for encrypted ones, packets are read exactly; but somebody tries.
func unencryptedData(what string) *ending {
	return &ending{reason: reasonProtocol, tell: pgerr.New(pgerr.ProtocolViolation, "received unencrypted data after %s request", what).
		WithDetail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")}
}

// badPacket is the ending for an error of wire.ReadStartup. As Postgres it answers only a peer that named a version: a
// length that no packet has is another protocol's, and no error text of ours would be understood.
func (c *conn) badPacket(ctx context.Context, r *packetReader, err error) *ending {
	e, ok := err.(*pgerr.Error)
	if !ok {
		return c.interrupted(ctx, err)
	}
	end := &ending{reason: reasonProtocol}
	switch version, ok := r.version(); {
	case !ok || version>>16 == 1234 && e.Code == pgerr.ProtocolViolation:
	case version != 0 && version>>16 < versionMajor: // as in Postgres 0 stands for "not known yet"
		end.raw = fmt.Appendf(nil, "EFATAL:  %s\n\x00", e.Message) // that version's own framing: no length, no fields
	default:
		end.tell = e
	}
	return end
}

// packetReader reads what is pending and then r, and remembers the head of a startup packet.
type packetReader struct {
	r       io.Reader
	pending []byte
	head    [8]byte
	n       int // bytes of head
}

func (p *packetReader) Read(b []byte) (n int, err error) {
	if len(p.pending) > 0 {
		n = copy(b, p.pending)
		p.pending = p.pending[n:]
	} else {
		n, err = p.r.Read(b)
	}
	p.n += copy(p.head[p.n:], b[:n])
	return n, err
}

// version is the version that the packet names, or the code of a request; false if it names none.
func (p *packetReader) version() (uint32, bool) {
	return binary.BigEndian.Uint32(p.head[4:]), p.n == len(p.head)
}

// error is what a client over that limit is told.
func (r refusal) error() *pgerr.Error {
	switch r {
	case overIP:
		return pgerr.New(pgerr.TooManyConnections, "too many connections from this address")
	case overUnauthenticated, overUnauthenticatedByIP:
		return pgerr.New(pgerr.TooManyConnections, "too many connections are logging in already").WithHint("Try again in a moment.")
	}
	return pgerr.New(pgerr.TooManyConnections, "sorry, too many clients already")
}

// cancel serves a CancelRequest. The peer is told nothing, whatever came of it.
func (c *conn) cancel(p wire.CancelRequest) {
	c.server.metrics.connections.WithLabelValues(c.listener.Name, c.tlsLabel).Inc()
	result := c.server.cancels.request(p.ProcessID, p.SecretKey, c.listener.client(c.raw), time.Now())
	c.server.metrics.cancelRequests.WithLabelValues(string(result)).Inc()
	c.record(zap.DebugLevel, "cancel_request", "cancel request", zap.String("result", string(result)))
}
