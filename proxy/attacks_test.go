package proxy

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

const attacks = "testdata/attacks-4.4.tsv"

func TestAttacksBeforeAuthentication(t *testing.T) {
	attacktable.Run(t, attacks, negotiationAttacks, tlsAttacks, startupAttacks, nameAttacks, passwordAttacks, tokenAttacks, limitAttacks, slowAttacks)
}

// outcome is what a client met that goes on as libpq does.
type outcome struct {
	asked      bool                               // for the password
	negotiated *pgproto3.NegotiateProtocolVersion // nil: was not sent
	key        pgproto3.BackendKeyData
	served     bool                    // ReadyForQuery
	err        *pgproto3.ErrorResponse // nil: none
	closed     bool                    // without a word, or behind the error
}

// drive reads to ReadyForQuery or the end, and sends the token when it is asked for it.
func (c *client) drive(token string) outcome {
	c.t.Helper()
	var o outcome
	for {
		typ, body, err := c.tryMessage()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.t.Fatal("the server neither answers nor closes")
			}
			o.closed = true
			return o
		}
		switch typ {
		case 'R':
			if binary.BigEndian.Uint32(body) == 3 {
				o.asked = true
				if token != "" {
					c.send(password(token))
				}
			}
		case 'v':
			o.negotiated = &pgproto3.NegotiateProtocolVersion{}
			if err := o.negotiated.Decode(body); err != nil {
				c.t.Fatal(err)
			}
		case 'K':
			if err := o.key.Decode(body); err != nil {
				c.t.Fatal(err)
			}
		case 'E':
			o.err = &pgproto3.ErrorResponse{}
			if err := o.err.Decode(body); err != nil {
				c.t.Fatal(err)
			}
		case 'Z':
			o.served = true
			return o
		case 'S', 'N', 'T', 'C':
		default:
			c.t.Fatalf("message %q before a session", typ)
		}
	}
}

// judge asserts what the entry says of a client that now waits for the server, and the reason that was counted. text is the
// error's message, "" for any.
func (w *world) judge(e attacktable.Entry, c *client, text string) outcome {
	w.t.Helper()
	o := c.drive("token-alice")
	w.verdict(e, o, text)
	return o
}

func (w *world) verdict(e attacktable.Entry, o outcome, text string) {
	w.t.Helper()
	switch e.Expect {
	case "served":
		if !o.served {
			w.t.Errorf("not served: %+v %+v", o, o.err)
		}
	case "closed":
		if !o.closed || o.err != nil {
			w.t.Errorf("not closed in silence: %+v %+v", o, o.err)
		}
	default:
		switch {
		case o.err == nil:
			w.t.Errorf("no error: %+v", o)
		case o.err.Code != e.Expect || o.err.Severity != "FATAL" || !o.closed || text != "" && o.err.Message != text:
			w.t.Errorf("%s %s: %s\nexpected FATAL %s: %s, closed: %v", o.err.Severity, o.err.Code, o.err.Message, e.Expect, text, o.closed)
		}
	}
	if o.asked && (e.Reason == "protocol" || e.Reason == "tls_required") && !passwordFault(e) {
		w.t.Error("the password was asked for")
	}
	w.counted(e)
}

// passwordFault reports whether the entry is about the password message itself.
func passwordFault(e attacktable.Entry) bool { return passwordAttacks[e.ID] != nil }

// counted asserts that the entry's reason was counted once, and nothing else.
func (w *world) counted(e attacktable.Entry) {
	w.t.Helper()
	sum := func(labels ...string) float64 {
		return w.counter("client_connections_rejected_total", labels...) + w.counter("auth_failures_total", labels...) +
			w.counter("tls_handshake_failures_total", labels...)
	}
	if e.Reason == "" {
		if n := sum(); n != 0 {
			w.t.Errorf("%v failures were counted", n)
		}
		return
	}
	w.eventually(e.Reason+" is counted", func() bool { return sum("reason", e.Reason) == 1 })
}

// raw is an attack of bytes on a fresh connection.
func raw(text string, sends ...[]byte) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		for _, b := range sends {
			c.Write(b) // the server may have closed before all is out
		}
		w.judge(e, c, text)
	}
}

// secured is an attack of bytes inside TLS.
func secured(text string, sends ...[]byte) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		for _, b := range sends {
			c.Write(b) // the server may have closed before all is out
		}
		w.judge(e, c, text)
	}
}

func withoutTLS(_ *Options, l *Listener) { l.TLS = nil }

// addressed makes the connections of a listener come from and to other addresses than they do.
type addressed struct {
	net.Listener
	remote, local string
}

func (a addressed) Accept() (net.Conn, error) {
	nc, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &addressedConn{TCPConn: nc.(*net.TCPConn), remote: a.remote, local: a.local}, nil
}

type addressedConn struct {
	*net.TCPConn
	remote, local string
}

func (c *addressedConn) RemoteAddr() net.Addr { return tcpAddr(c.remote, c.TCPConn.RemoteAddr()) }
func (c *addressedConn) LocalAddr() net.Addr  { return tcpAddr(c.local, c.TCPConn.LocalAddr()) }

func tcpAddr(s string, or net.Addr) net.Addr {
	if s == "" {
		return or
	}
	a, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		panic(err)
	}
	return a
}

// join is one write, so one segment.
func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// answered reads the one byte that answers a request for encryption.
func (c *client) answered(want byte) {
	c.t.Helper()
	if got := c.readByte(); got != want {
		c.t.Fatalf("answered %q, expected %q", got, want)
	}
}

// rest reads all that the server still sends.
func (c *client) rest() []byte {
	c.t.Helper()
	b, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the server does not close")
	}
	return b
}
