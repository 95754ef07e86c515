package proxy

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

var tlsAttacks = attacktable.Tests{
	"4.4-direct-tls":            direct([]string{"postgresql"}),
	"4.4-direct-tls-no-alpn":    direct(nil),
	"4.4-direct-tls-wrong-alpn": direct([]string{"http/1.1"}),
	"4.4-direct-tls-not-offered": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, withoutTLS)
		c := w.dial()
		c.send(clientHello())
		w.judge(e, c, "")
	},
	"4.4-alpn-right":      handshake(&tls.Config{NextProtos: []string{"postgresql"}}),
	"4.4-alpn-wrong":      handshake(&tls.Config{NextProtos: []string{"http/1.1"}}),
	"4.4-tls-old-version": handshake(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}),
	"4.4-tls-compression": func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.send(sslRequest)
		c.answered('S')
		hello := clientHello()
		at := 5 + 4 + 2 + 32                               // record, handshake header, version, random
		at += 1 + int(hello[at])                           // session id
		at += 2 + int(binary.BigEndian.Uint16(hello[at:])) // cipher suites
		if hello[at] != 1 || hello[at+1] != 0 {            // compression methods: null alone
			t.Fatalf("not the compression methods: %x", hello[at:at+2])
		}
		hello[at+1] = 1 // DEFLATE
		c.send(hello)
		if got := c.rest(); len(got) != 7 || got[0] != 0x15 {
			t.Errorf("expected an alert, got %x", got)
		}
		w.counted(e)
	},
	"4.4-tls-renegotiation": renegotiate,
}

// direct is a login that begins with TLS.
func direct(protocols []string) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.encrypt(w, e, &tls.Config{NextProtos: protocols})
	}
}

// handshake is a login with TLS after an SSLRequest.
func handshake(config *tls.Config) func(*testing.T, attacktable.Entry) {
	return func(t *testing.T, e attacktable.Entry) {
		w := newWorld(t, nil)
		c := w.dial()
		c.send(sslRequest)
		c.answered('S')
		c.encrypt(w, e, config.Clone())
	}
}

// encrypt does the handshake that the entry expects, and what follows.
func (c *client) encrypt(w *world, e attacktable.Entry, config *tls.Config) {
	c.t.Helper()
	config.InsecureSkipVerify = true
	encrypted := tls.Client(c.Conn, config)
	err := encrypted.Handshake()
	if e.Expect == "handshake" {
		if err == nil {
			c.t.Error("the handshake succeeded")
		}
		w.counted(e)
		return
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.Conn = encrypted
	if e.Expect == "served" {
		c.send(good)
	}
	w.judge(e, c, "")
}

// firstRecord keeps what is written to it, and gives nothing back.
type firstRecord struct {
	net.Conn
	sent []byte
}

func (c *firstRecord) Write(b []byte) (int, error) {
	c.sent = append(c.sent, b...)
	return len(b), nil
}
func (c *firstRecord) Read([]byte) (int, error) { return 0, io.EOF }
func (c *firstRecord) Close() error             { return nil }

// received keeps what is read from a connection.
type received struct {
	net.Conn
	bytes []byte
}

func (c *received) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes = append(c.bytes, b[:n]...)
	return n, err
}

// renegotiate sends a second ClientHello inside TLS 1.2, which no client library does any more: its record is encrypted here.
func renegotiate(t *testing.T, e attacktable.Entry) {
	w := newWorld(t, nil)
	c := w.dial()
	c.send(sslRequest)
	c.answered('S')
	var keys bytes.Buffer
	server := &received{Conn: c.Conn}
	encrypted := tls.Client(server, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, KeyLogWriter: &keys,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
	if err := encrypted.Handshake(); err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(keys.String()) // CLIENT_RANDOM, random, master secret
	clientRandom, err := hex.DecodeString(words[1])
	if err != nil {
		t.Fatal(err)
	}
	master, err := hex.DecodeString(words[2])
	if err != nil {
		t.Fatal(err)
	}
	serverRandom := server.bytes[11:43] // record header, handshake header, version
	block := prf(master, "key expansion", append(append([]byte(nil), serverRandom...), clientRandom...), 40)
	key, salt := block[:16], block[32:36]

	hello := clientHello()[5:]
	header := []byte{0x16, 3, 3}
	sequence := binary.BigEndian.AppendUint64(nil, 1) // 0 was Finished
	a, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(a)
	if err != nil {
		t.Fatal(err)
	}
	data := binary.BigEndian.AppendUint16(append(append([]byte(nil), sequence...), header...), uint16(len(hello)))
	sealed := gcm.Seal(append([]byte(nil), sequence...), append(append([]byte(nil), salt...), sequence...), hello, data)
	c.send(append(binary.BigEndian.AppendUint16(header, uint16(len(sealed))), sealed...))

	_, err = encrypted.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "unexpected message") && !strings.Contains(err.Error(), "no renegotiation") {
		t.Errorf("the server answers the second ClientHello with %v", err)
	}
	w.verdict(e, outcome{closed: true}, "")
}

// prf is TLS 1.2's pseudorandom function (RFC 5246, section 5).
func prf(secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	mac := func(b []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(b)
		return h.Sum(nil)
	}
	var out []byte
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(append(append([]byte(nil), a...), seed...))...)
	}
	return out[:n]
}
