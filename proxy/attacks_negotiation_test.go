package proxy

import (
	"path/filepath"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

const (
	unencryptedSSL = "received unencrypted data after SSL request"
	oddSSL         = "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.2"
	oddGSS         = "unsupported frontend protocol 1234.5680: server supports 3.0 to 3.2"
)

var good = startupPacket(0x00030000, "user", "authenticated", "database", "neondb")

var negotiationAttacks = attacktable.Tests{
	"4.4-ssl-buffered-startup": raw(unencryptedSSL, join(sslRequest, good)),
	"4.4-ssl-buffered-hello":   raw(unencryptedSSL, join(sslRequest, []byte("\x16\x03\x01\x00\x05hello"))),
	"4.4-ssl-refused-buffered": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, withoutTLS)
		c := w.dial()
		c.send(join(sslRequest, good))
		w.judge(e, c, unencryptedSSL)
	},
	"4.4-gss-buffered": raw("received unencrypted data after GSSAPI encryption request", join(gssencRequest, good)),
	"4.4-gssenc": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.send(gssencRequest)
		c.answered('N')
		c.startTLS(nil)
		c.send(good)
		w.judge(e, c, "")
	},
	"4.4-ssl-then-gss": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, withoutTLS)
		c := w.dial()
		c.send(sslRequest)
		c.answered('N')
		c.send(gssencRequest)
		c.answered('N')
		c.send(good)
		w.judge(e, c, "")
	},
	"4.4-ssl-twice": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, withoutTLS)
		c := w.dial()
		c.send(sslRequest)
		c.answered('N')
		c.send(sslRequest)
		w.judge(e, c, oddSSL)
	},
	"4.4-gss-twice": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.send(gssencRequest)
		c.answered('N')
		c.send(gssencRequest)
		w.judge(e, c, oddGSS)
	},
	"4.4-ssl-inside-tls": secured(oddSSL, sslRequest),
	"4.4-gss-inside-tls": secured(oddGSS, gssencRequest),
	"4.4-ping-pong": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, withoutTLS)
		c := w.dial()
		for _, request := range [][]byte{sslRequest, gssencRequest} {
			c.send(request)
			c.answered('N')
		}
		c.send(sslRequest)
		w.judge(e, c, oddSSL)
	},

	"4.4-plaintext-remote":    fromTo("203.0.113.9:4711", "", PlaintextLoopback),
	"4.4-plaintext-forwarded": fromTo("", "198.51.100.7:5432", PlaintextLoopback),
	"4.4-plaintext-never":     fromTo("", "", PlaintextNever),
	"4.4-plaintext-always":    fromTo("203.0.113.9:4711", "", PlaintextAlways),
	"4.4-plaintext-loopback":  fromTo("", "", PlaintextLoopback),
	"4.4-plaintext-unix": func(t *testing.T, e attacktable.Entry) {
		l, err := Listen(t.Context(), ListenOptions{Name: "test", Network: "unix", Address: filepath.Join(t.TempDir(), ".s.PGSQL.5432")})
		if err != nil {
			t.Fatal(err)
		}
		w := prepareWorld(t, l, nil)
		w.start()
		c := w.dial()
		c.send(sslRequest)
		c.answered('N') // as Postgres on a Unix socket
		c.send(good)
		w.judge(e, c, "")
	},
}

// fromTo is a login without TLS between these addresses ("" is the true one, on loopback).
func fromTo(remote, local string, p Plaintext) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, func(_ *Options, l *Listener) {
			l.Listener = addressed{l.Listener, remote, local}
			l.Plaintext = p
		})
		c := w.dial()
		c.send(good)
		o := w.judge(e, c, map[string]string{"28000": "TLS is required to send a token"}[e.Expect])
		if o.err != nil && o.err.Hint == "" {
			t.Error("no hint")
		}
	}
}
