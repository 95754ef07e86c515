package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// client is the other end of a connection, byte by byte.
type client struct {
	t testing.TB
	net.Conn
}

// dial connects without sending anything.
func (w *world) dial() *client {
	w.t.Helper()
	nc, err := net.Dial(w.listener.Addr().Network(), w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return &client{t: w.t, Conn: nc}
}

// send writes raw bytes.
func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// readByte reads one.
func (c *client) readByte() byte {
	c.t.Helper()
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return b[0]
}

// closed asserts that the server closes without another byte.
func (c *client) closed() {
	c.t.Helper()
	b, err := io.ReadAll(c)
	if len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("expected a closed connection, got %q, %v", b, err)
	}
}

// startTLS asks for TLS as libpq does, and does the handshake.
func (c *client) startTLS(config *tls.Config) {
	c.t.Helper()
	c.send(sslRequest)
	if b := c.readByte(); b != 'S' {
		c.t.Fatalf("SSLRequest was answered %q", b)
	}
	c.handshake(config)
}

func (c *client) handshake(config *tls.Config) {
	c.t.Helper()
	if config == nil {
		config = &tls.Config{}
	}
	config.InsecureSkipVerify = config.RootCAs == nil
	config.ServerName = "localhost"
	t := tls.Client(c.Conn, config)
	if err := t.Handshake(); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
	c.Conn = t
}

// message reads one message of the server.
func (c *client) message() (typ byte, body []byte) {
	c.t.Helper()
	typ, body, err := c.tryMessage()
	if err != nil {
		c.t.Fatalf("read a message: %v", err)
	}
	return typ, body
}

func (c *client) tryMessage() (typ byte, body []byte, err error) {
	var header [5]byte
	if _, err := io.ReadFull(c, header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(header[1:])
	if n < 4 || n > 1<<20 {
		return 0, nil, errors.New("the server sent a message of a silly length")
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(c, body)
	return header[0], body, err
}

// expect reads a message of that type.
func (c *client) expect(typ byte) []byte {
	c.t.Helper()
	got, body := c.message()
	if got == 'E' && typ != 'E' {
		c.t.Fatalf("expected message %q, got the error %s", typ, errorText(body))
	}
	if got != typ {
		c.t.Fatalf("expected message %q, got %q %q", typ, got, body)
	}
	return body
}

// fatal reads an ErrorResponse and asserts its head, and that the connection is closed behind it.
func (c *client) fatal(code, message string) *pgproto3.ErrorResponse {
	c.t.Helper()
	e := c.errorResponse()
	if e.Severity != "FATAL" || e.SeverityUnlocalized != "FATAL" || e.Code != code || e.Message != message {
		c.t.Fatalf("expected FATAL %s: %s\ngot      %s %s: %s", code, message, e.Severity, e.Code, e.Message)
	}
	c.closed()
	return e
}

func (c *client) errorResponse() *pgproto3.ErrorResponse {
	c.t.Helper()
	var e pgproto3.ErrorResponse
	if err := e.Decode(c.expect('E')); err != nil {
		c.t.Fatal(err)
	}
	return &e
}

func errorText(body []byte) string {
	var e pgproto3.ErrorResponse
	if err := e.Decode(body); err != nil {
		return err.Error()
	}
	return e.Severity + " " + e.Code + ": " + e.Message
}

// askedForPassword reads AuthenticationCleartextPassword.
func (c *client) askedForPassword() {
	c.t.Helper()
	if body := c.expect('R'); binary.BigEndian.Uint32(body) != 3 {
		c.t.Fatalf("authentication request %x", body)
	}
}

// ready reads what follows a good password, and returns the key data.
func (c *client) ready() *pgproto3.BackendKeyData {
	c.t.Helper()
	if body := c.expect('R'); binary.BigEndian.Uint32(body) != 0 {
		c.t.Fatalf("authentication request %x", body)
	}
	var k pgproto3.BackendKeyData
	if err := k.Decode(c.expect('K')); err != nil {
		c.t.Fatal(err)
	}
	c.expect('Z')
	k.SecretKey = append([]byte(nil), k.SecretKey...)
	return &k
}

// login goes from a fresh connection to ReadyForQuery, over TLS.
func (w *world) login(sub string) (*client, *pgproto3.BackendKeyData) {
	w.t.Helper()
	c := w.dial()
	c.startTLS(nil)
	c.send(startupPacket(0x00030000, "user", "authenticated", "database", "neondb"))
	c.askedForPassword()
	c.send(password("token-" + sub))
	return c, c.ready()
}

var (
	sslRequest    = packet(80877103)
	gssencRequest = packet(80877104)
)

// packet is a startup packet with that code.
func packet(code uint32, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	b = binary.BigEndian.AppendUint32(b, code)
	return append(b, rest...)
}

// startupPacket is a StartupMessage of names and values.
func startupPacket(version uint32, parameters ...string) []byte {
	return packet(version, append([]byte(strings.Join(append(parameters, ""), "\x00")), 0)...)
}

// password is a PasswordMessage.
func password(s string) []byte { return typed('p', append([]byte(s), 0)) }

// typed is a message with a type byte.
func typed(typ byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{typ}, uint32(4+len(body))), body...)
}

// cancelPacket is a CancelRequest.
func cancelPacket(pid uint32, secret []byte) []byte {
	return packet(80877102, append(binary.BigEndian.AppendUint32(nil, pid), secret...)...)
}
