package proxy

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

const noTerminator = "invalid startup packet layout: expected terminator as last byte"

var startupAttacks = attacktable.Tests{
	"4.4-startup-length-0":        raw("", declared(0)),
	"4.4-startup-length-3":        raw("", declared(3)),
	"4.4-startup-length-4":        raw("", declared(4)),
	"4.4-startup-length-7":        raw("", declared(7)),
	"4.4-startup-length-8":        raw(noTerminator, packet(0x00030000)),
	"4.4-startup-length-max":      secured("", sized(10000)),
	"4.4-startup-length-over":     secured("", sized(10001)),
	"4.4-startup-length-7fffffff": raw("", declared(0x7fffffff)),
	"4.4-startup-length-negative": raw("", declared(0xffffffff)),
	"4.4-startup-code-odd":        raw("unsupported frontend protocol 1234.5681: server supports 3.0 to 3.2", packet(80877105)),
	"4.4-startup-http":            raw("", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),

	"4.4-version-3-0":     version(0x00030000, 0, 4),
	"4.4-version-3-2":     version(0x00030002, 0, 32),
	"4.4-version-3-9999":  version(0x0003270f, 0x00030002, 32),
	"4.4-protocol-option": version(0x00030000, 0x00030000, 4, "_pq_.command_tag", "on"),
	"4.4-version-4-0":     secured("unsupported frontend protocol 4.0: server supports 3.0 to 3.2", startupPacket(0x00040000, "user", "x")),
	"4.4-version-2-0": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(packet(0x00020000, make([]byte, 288)...))
		// 0A000 is not said: that protocol has no SQLSTATEs.
		if got, want := string(c.rest()), "EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.2\n\x00"; got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
		w.counted(e)
	},

	"4.4-user-missing":         secured("no PostgreSQL user name specified in startup packet", startupPacket(0x00030000, "database", "neondb")),
	"4.4-user-empty":           secured("no PostgreSQL user name specified in startup packet", startupPacket(0x00030000, "user", "", "database", "neondb")),
	"4.4-startup-unterminated": secured(noTerminator, packet(0x00030000, []byte("user\x00x\x00")...)),
	"4.4-startup-value-missing": secured(noTerminator,
		packet(0x00030000, []byte("user\x00x\x00database\x00")...)),
	"4.4-startup-10k-parameters": secured("", packet(0x00030000, append(bytes.Repeat([]byte("a\x00\x00"), 10000), 0)...)),
	"4.4-startup-most-parameters": secured("", packet(0x00030000,
		append(append([]byte("user\x00x\x00database\x00neondb\x00"), bytes.Repeat([]byte("a\x00\x00"), 3320)...), 0)...)),
	"4.4-user-twice": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, "user", "first", "database", "neondb", "user", "second"))
		w.judge(e, c, "")
		if user := w.logged("authenticated", "user"); user != "second" {
			t.Errorf("the user is %q", user)
		}
	},

	"4.4-replication-true":     parameters("", "replication", "true"),
	"4.4-replication-database": parameters("", "replication", "database"),
	"4.4-replication-false":    parameters("", "replication", "off"),
	"4.4-replication-garbage":  parameters(`invalid value for parameter "replication": "maybe"`, "replication", "maybe"),

	"4.4-options-jwk":                   parameters("", "options", `-c pg_session_jwt.jwk={"kty":"OKP"}`),
	"4.4-options-role":                  parameters("", "options", "-c role=postgres"),
	"4.4-options-session-authorization": parameters("", "options", "-c session_authorization=postgres"),
	"4.4-options-search-path":           parameters("", "options", "-csearch_path=evil"),
	"4.4-parameter-role":                parameters("", "role", "postgres"),
	"4.4-parameter-search-path":         parameters("", "search_path", "evil"),
}

// declared is a startup packet that says that length and sends four bytes more.
func declared(length uint32) []byte {
	return append(binary.BigEndian.AppendUint32(nil, length), 0, 3, 0, 0)
}

// sized is a StartupMessage of that many bytes behind its length.
func sized(n int) []byte {
	const around = "user\x00x\x00database\x00neondb\x00application_name\x00\x00\x00"
	return startupPacket(0x00030000, "user", "x", "database", "neondb", "application_name", strings.Repeat("n", n-4-len(around)))
}

// parameters is a login with more startup parameters.
func parameters(text string, more ...string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, append([]string{"user", "authenticated", "database", "neondb"}, more...)...))
		o := w.judge(e, c, text)
		// What is refused is named.
		if o.err != nil && text == "" && more[0] != "replication" {
			name := more[0]
			if name == "options" {
				name, _, _ = strings.Cut(strings.TrimLeft(strings.TrimPrefix(more[1], "-c"), " "), "=")
			}
			if !strings.Contains(o.err.Message, name) {
				t.Errorf("%q does not name %s", o.err.Message, name)
			}
		}
	}
}

// version is a login with that protocol version, which gets that NegotiateProtocolVersion (0: none) and that cancel key.
func version(asked, negotiated uint32, keyLength int, more ...string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(asked, append([]string{"user", "authenticated", "database", "neondb"}, more...)...))
		o := w.judge(e, c, "")
		switch {
		case negotiated == 0 && o.negotiated != nil:
			t.Errorf("negotiated %+v", o.negotiated)
		case negotiated != 0 && (o.negotiated == nil || o.negotiated.NewestMinorProtocol != negotiated):
			t.Errorf("negotiated %+v, want %#x", o.negotiated, negotiated)
		case len(more) > 0 && (len(o.negotiated.UnrecognizedOptions) != 1 || o.negotiated.UnrecognizedOptions[0] != more[0]):
			t.Errorf("options %v, want %s", o.negotiated.UnrecognizedOptions, more[0])
		}
		if len(o.key.SecretKey) != keyLength {
			t.Errorf("a cancel key of %d bytes, want %d", len(o.key.SecretKey), keyLength)
		}
	}
}

// names that would end, extend or redirect an address if they were ever pasted into one.
var (
	longName = strings.Repeat("n", 64)

	nameAttacks = attacktable.Tests{
		"4.4-user-at":                user("x@evil.example"),
		"4.4-user-slash":             user("x/y"),
		"4.4-user-question":          user("x?options=-c"),
		"4.4-user-hash":              user("x#y"),
		"4.4-user-percent":           user("x%2fy"),
		"4.4-user-colon":             user("x:y"),
		"4.4-user-newline":           user("x\ny"),
		"4.4-user-dotdot":            user("../x"),
		"4.4-user-64-bytes":          user(longName),
		"4.4-database-at":            database("x@evil.example"),
		"4.4-database-slash":         database("x/y"),
		"4.4-database-question":      database("x?options=-c"),
		"4.4-database-hash":          database("x#y"),
		"4.4-database-percent":       database("x%2fy"),
		"4.4-database-colon":         database("x:y"),
		"4.4-database-newline":       database("x\ny"),
		"4.4-database-dotdot":        database("../x"),
		"4.4-database-64-bytes":      database(longName),
		"4.4-database-unknown":       database("prod"),
		"4.4-user-nul":               secured(noTerminator, startupPacket(0x00030000, "user", "authenticated\x00evil", "database", "neondb")),
		"4.4-database-nul":           secured(noTerminator, startupPacket(0x00030000, "user", "authenticated", "database", "neondb\x00evil")),
		"4.4-user-invalid-utf8":      secured(`invalid byte sequence for encoding "UTF8": 0xff`, startupPacket(0x00030000, "user", "x\xff")),
		"4.4-database-invalid-utf8":  parameters(`invalid byte sequence for encoding "UTF8": 0xc3 0x28`, "database", "x\xc3(x"),
		"4.4-parameter-invalid-utf8": parameters(`invalid byte sequence for encoding "UTF8": 0xe2 0x82`, "x\xe2\x82", "x"),
		"4.4-database-default":       secured(`database "authenticated" does not exist`, startupPacket(0x00030000, "user", "authenticated")),
		"4.4-database-default-route": func(t *testing.T, e attacktable.Entry) {
			w := newWorld(t, func(o *Options, _ *Listener) { o.DefaultRoute = "main" })
			c := w.dial()
			c.startTLS(nil)
			c.send(startupPacket(0x00030000, "user", "authenticated", "database", "neondb@evil.example/other?options=x"))
			w.judge(e, c, "")
			if s := w.session(); s.target() != "main" || s.Route.Role != "authenticated" || s.Route.Name != "main" {
				t.Errorf("a session on %v as %s", s.target(), s.Route.Role)
			}
		},
	}
)

// user is a login of that startup user: who it is and where it goes says the token and the route.
func user(name string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, "user", name, "database", "neondb"))
		w.judge(e, c, "")
		s := w.session()
		if s.Identity.Subject != "alice" || s.target() != "main" || s.Route.Role != "authenticated" {
			t.Errorf("a session of %s on %v as %s", s.Identity.Subject, s.target(), s.Route.Role)
		}
		if logged := w.logged("authenticated", "user"); strings.ContainsAny(logged, "\n\x00") {
			t.Errorf("logged as %q", logged)
		}
	}
}

func database(name string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.startTLS(nil)
		c.send(startupPacket(0x00030000, "user", "authenticated", "database", name))
		w.judge(e, c, `database "`+name+`" does not exist`)
	}
}

// logged returns a string field of the one record of that event.
func (w *world) logged(event, field string) string {
	w.t.Helper()
	for _, r := range w.logs.All() {
		if m := r.ContextMap(); m["event"] == event {
			value, _ := m[field].(string)
			return value
		}
	}
	w.t.Errorf("no record of %s", event)
	return ""
}
