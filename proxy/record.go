package proxy

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// closeReason says in the log why a connection ended.
type closeReason string

const (
	closedByTerminate closeReason = "terminate"   // the client said goodbye
	closedByClient    closeReason = "client_gone" // it closed without
	closedRefused     closeReason = "refused"     // it never got a session
	closedProbe       closeReason = "probe"       // it never asked for one
	closedCancel      closeReason = "cancel_request"
	closedFatal       closeReason = "fatal"    // the session ended with a FATAL
	closedByShutdown  closeReason = "shutdown" // Close cut it off
	closedByPanic     closeReason = "panic"
)

// closeReasonOf classifies what Session.Run returned.
func closeReasonOf(err error) closeReason {
	_, told := errors.AsType[*pgerr.Error](err)
	switch {
	case err == nil:
		return closedByTerminate
	case told:
		return closedFatal
	case errors.Is(err, ErrServerClosed):
		return closedByShutdown
	default:
		return closedByClient
	}
}

// maxLogged bounds one logged string that a client chose, in bytes.
const maxLogged = 256

// tokenShape finds what may be a JWT, or the rest of one: the JSON of its parts begins with {". People paste tokens into the
// wrong field.
var tokenShape = regexp.MustCompile(`eyJ[A-Za-z0-9_.=+/-]*`)

// foreign is a log field whose value a client chose: capped, without characters that could move a terminal's cursor or
// forge a line, and without a token.
func foreign(key, value string) zap.Field { return zap.String(key, printable(value)) }

func printable(s string) string {
	s = tokenShape.ReplaceAllLiteralString(s, "[redacted]")
	cut := len(s) > maxLogged
	if cut {
		s = s[:maxLogged]
	}
	s = strings.ToValidUTF8(s, "?")
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		var b strings.Builder
		for _, r := range s {
			switch {
			case unicode.IsPrint(r):
				b.WriteRune(r)
			case r < 0x100:
				fmt.Fprintf(&b, `\x%02x`, r)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
		s = b.String()
	}
	if cut {
		s += "..."
	}
	return s
}

// record logs one event of the connection.
func (c *conn) record(level zapcore.Level, event, message string, fields ...zap.Field) {
	entry := c.server.log.Check(level, message)
	if entry == nil {
		return
	}
	all := make([]zap.Field, 0, 1+len(c.fields)+len(fields))
	all = append(all, zap.String("event", event))
	all = append(all, c.fields...)
	entry.Write(append(all, fields...)...)
}

// newConnID returns a random UUID (version 4).
func newConnID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// countedConn counts the bytes of a client's connection as they are on the network. Safe as net.Conn is.
type countedConn struct {
	net.Conn
	metrics *metrics
	in, out atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.Add(int64(n))
	c.metrics.bytesReceived.Add(float64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.out.Add(int64(n))
	c.metrics.bytesSent.Add(float64(n))
	return n, err
}

// CloseWrite ends the sending half where there are halves.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
