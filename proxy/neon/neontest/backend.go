package neontest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
)

// maxMessage bounds one message of Postgres: its own limit for a row.
const maxMessage = 1 << 30

// Messages that carry nothing. Neon's client takes one that does as a fault of the stream and goes on behind it: that is
// how COPY makes it lose step.
const emptyMessages = "123cdHGWIns"

// message is one message of Postgres; body is its own.
type message struct {
	tag  byte
	body []byte
}

// backend is one connection to Postgres, driven as Neon's client drives it: answers are a queue, and whoever asks skips what
// belongs to requests that were given up, counted by ReadyForQuery.
//
// It is owned by one request at a time; the reading goroutine owns the receiving half of conn.
type backend struct {
	conn   net.Conn
	in     io.Reader // reads conn
	pid    uint32
	secret []byte
	key    []byte // signs this backend's sessions, see identity.go

	queue  chan message // closed when the connection has ended
	quit   chan struct{}
	closed atomic.Bool

	waiting, received int // requests sent that end with ReadyForQuery, and those that came
	types             map[uint32]pgType
	jti               int64
	out               []byte // scratch for requests
}

func newBackend(conn net.Conn, in io.Reader, pid uint32, secret, key []byte) *backend {
	b := &backend{conn: conn, in: in, pid: pid, secret: secret, key: key, queue: make(chan message, 64), quit: make(chan struct{}), types: map[uint32]pgType{}}
	go b.read()
	return b
}

// close ends the connection. What was sent to Postgres before may still run to its end there.
func (b *backend) close() {
	if b.closed.Swap(true) {
		return
	}
	close(b.quit)
	_ = b.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = b.conn.Write([]byte{'X', 0, 0, 0, 4}) // a courtesy: Postgres sees the end of the connection as well
	_ = b.conn.Close()
}

// read queues messages until the connection ends or brings one that cannot be read.
func (b *backend) read() {
	defer close(b.queue)
	defer func() { b.closed.Store(true); _ = b.conn.Close() }()
	for {
		var header [5]byte
		if _, err := io.ReadFull(b.in, header[:]); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint32(header[1:])) - 4
		if n < 0 || n > maxMessage {
			return
		}
		body, err := readBody(b.in, n)
		if err != nil {
			return
		}
		switch header[0] {
		case 'N', 'S': // notices and parameters are never looked at
			continue
		case 'A':
			// Neon's client cannot read a notification and drops the connection; what came before it is still answered.
			return
		}
		select {
		case b.queue <- message{header[0], body}:
		case <-b.quit:
			return
		}
	}
}

// readBody reads n bytes and allocates as they come.
func readBody(r io.Reader, n int64) ([]byte, error) {
	const step = 1 << 20
	if n <= step {
		body := make([]byte, n)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	var body []byte
	for n > 0 {
		part := make([]byte, min(n, step))
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
		body = append(body, part...)
		n -= int64(len(part))
	}
	return body, nil
}

// next returns the next message that belongs to the last request sent.
func (b *backend) next() (message, error) {
	for {
		m, ok := <-b.queue
		if !ok {
			return message{}, errConnectionClosed
		}
		for i := range len(emptyMessages) {
			if m.tag == emptyMessages[i] && len(m.body) > 0 {
				return message{}, parseFailure("invalid message length: expected buffer to be empty")
			}
		}
		skip := b.received+1 < b.waiting
		if m.tag == 'Z' {
			b.received++
		}
		if skip {
			continue
		}
		if m.tag == 'E' {
			return message{}, dbFailure(m.body)
		}
		return m, nil
	}
}

// expect reads one message, which must have one of the tags.
func (b *backend) expect(tags string) (message, error) {
	m, err := b.next()
	if err != nil {
		return m, err
	}
	for i := range len(tags) {
		if m.tag == tags[i] {
			return m, nil
		}
	}
	return m, errUnexpectedMessage
}

func (b *backend) send(messages ...pgproto3.FrontendMessage) error {
	b.out = b.out[:0]
	for _, m := range messages {
		var err error
		if b.out, err = m.Encode(b.out); err != nil {
			return &failure{message: "error encoding message to server: value too large to transmit", cause: err}
		}
	}
	if b.closed.Load() {
		return errConnectionClosed
	}
	// A failed write is no answer: what Postgres said before it went is still in the queue, and its end behind that.
	_, _ = b.conn.Write(b.out)
	if cap(b.out) > 1<<20 {
		b.out = nil
	}
	return nil
}

// post sends a simple query whose answer nobody waits for.
func (b *backend) post(sql string) error {
	b.waiting++
	return b.send(&pgproto3.Query{String: sql})
}

// exec sends a simple query and waits for its end.
func (b *backend) exec(sql string) error {
	if err := b.post(sql); err != nil {
		return err
	}
	for {
		m, err := b.expect("CITDZ")
		if err != nil {
			return err
		}
		if m.tag == 'Z' {
			return nil
		}
	}
}

// resetSQL takes away what a request may have left on the backend. It is laid out as the role can see it in
// pg_stat_activity while a backend is idle.
var resetSQL = strings.Join([]string{"ROLLBACK", "CLOSE ALL", "SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "DEALLOCATE ALL", "UNLISTEN *",
	"SELECT pg_advisory_unlock_all()", "DISCARD TEMP", "DISCARD SEQUENCES;"}, ";\n            ")

// reset asks for the reset; the next request's answer comes behind its.
func (b *backend) reset() error { return b.post(resetSQL) }

// cancel asks Postgres to stop what the backend runs, over a connection of its own.
func (b *backend) cancel(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	var d net.Dialer
	conn, err := d.DialContext(ctx, b.conn.RemoteAddr().Network(), b.conn.RemoteAddr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	request := binary.BigEndian.AppendUint32(nil, uint32(12+len(b.secret)))
	request = binary.BigEndian.AppendUint32(request, 80877102) // CancelRequest (protocol-message-formats)
	request = binary.BigEndian.AppendUint32(request, b.pid)
	if _, err := conn.Write(append(request, b.secret...)); err != nil {
		return err
	}
	// Postgres closes when it has passed the signal on.
	if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// textOf returns b as a string if it is UTF-8, which is all that Neon's client reads.
func textOf(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", parseFailure(invalidUTF8(b))
	}
	return string(b), nil
}
