package wire

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

const headerSize = 5 // type byte and length word

// input is what has been read from the client and not yet used. While the client is idle it holds one byte of its own
// and no buffer.
type input struct {
	buf   []byte // pooled, nil while idle; buf[start:] has arrived and is unused
	start int
	first [1]byte // an idle connection reads into this

	typ      byte   // of the message that Receive is reading or returned last
	need     int    // bytes of its body
	header   bool   // typ and need are those of a message whose body is not whole yet
	large    []byte // the body so far, of a message that does not fit into buf; never reused
	returned bool   // a message was returned whose bytes lie in buf or large
}

// Receive returns the client's next message. It and every slice in it are valid until the next Receive; strings are the
// caller's own. It blocks until a message is whole. An idle connection holds no buffer meanwhile.
//
// Three kinds of errors come back:
//   - io.EOF if the client closed between two messages, io.ErrUnexpectedEOF within one, or the connection's own error. After
//     a deadline's error Receive may be called again.
//   - A FATAL *pgerr.Error, 08P01: the stream cannot be followed any more. An unknown type byte, or a declared length that is
//     less than 4 or over its limit (Postgres logs the length's fault and closes in silence).
//   - An ERROR *pgerr.Error: the message was framed well but is itself wrong, and the next one can be received. Where
//     Postgres says so this does too: a missing terminator or count, trailing bytes, lengths or format counts that do not fit
//     (08P01), an unknown kind of Describe or Close (08P01), a name or statement text that is not in the client's encoding (22021) or
//     has no equivalent in UTF-8 (22P05, see [Conn.SetText]). [Conn.Type] says which message it was: after one of the
//     extended protocol the caller skips to Sync, after any other ReadyForQuery follows, and while it skips already it ignores all
//     but that of a Sync.
//
// As in Postgres CopyDone, CopyFail and Terminate may have any content, and a PasswordMessage is an unknown type here.
// Execute.MaxRows is a signed number on the wire: Postgres takes zero and less for "all".
func (c *Conn) Receive() (pgproto3.FrontendMessage, error) {
	c.release()
	if err := c.readHeader(); err != nil {
		return nil, err
	}
	body, err := c.readBody()
	if err != nil {
		return nil, err
	}
	c.in.header, c.in.returned = false, true
	msg, err := c.decode(c.in.typ, body)
	if err != nil {
		return nil, err
	}
	return msg, nil
}

// Type is the type byte of the message that the last Receive returned or refused, 0 before the first.
func (c *Conn) Type() byte { return c.in.typ }

// Buffered reports whether a byte of the next message has already been read: the client pipelines. Bytes that still lie
// in the kernel or in the TLS layer are not seen.
func (c *Conn) Buffered() bool { return c.in.start < len(c.in.buf) }

// release ends the life of the message returned last. A buffer with nothing left in it goes back to the pool.
func (c *Conn) release() {
	in := &c.in
	if in.returned {
		in.returned = false
		in.large = nil // its strings and slices may still be the caller's: left to the collector
		c.messages.forget()
		poison(in.buf[:in.start])
	}
	if in.buf != nil && in.start == len(in.buf) && !in.header {
		giveBuffer(in.buf)
		in.buf, in.start = nil, 0
	}
}

// readHeader reads type and length, and checks both before anything is allocated for the body.
func (c *Conn) readHeader() error {
	in := &c.in
	if in.header {
		return nil // an earlier Receive came so far
	}
	if in.buf == nil {
		if err := c.readFirst(); err != nil {
			return err
		}
	}
	// The type is judged before the length has arrived: a stream of another protocol is refused at its first byte.
	typ := in.buf[in.start]
	limit, ok := c.limit(typ)
	in.typ = typ
	if !ok {
		return violation("invalid frontend message type %d", typ).Fatal()
	}
	if err := c.fill(headerSize); err != nil {
		return err
	}
	length := int64(int32(binary.BigEndian.Uint32(in.buf[in.start+1:])))
	if length < 4 || length > int64(limit) {
		err := violation("invalid message length").Fatal()
		if length > 4 {
			err = err.WithDetail("A message of this type may have at most %d bytes.", limit)
		}
		return err
	}
	in.start += headerSize
	in.need, in.header = int(length)-4, true
	return nil
}

// readFirst waits for a byte without holding a buffer, then takes one for it.
func (c *Conn) readFirst() error {
	in := &c.in
	for {
		n, err := c.nc.Read(in.first[:])
		if n == 1 {
			in.buf = append(takeBuffer(), in.first[0])
			in.start = 0
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// limit returns the largest declared length of a message of that type (SocketBackend, src/backend/tcop/postgres.c).
func (c *Conn) limit(typ byte) (int, bool) {
	switch typ {
	case 'Q', 'P', 'B', 'F', 'd':
		return c.limits.Message, true
	case 'D', 'C', 'E', 'H', 'S', 'X', 'c', 'f':
		return c.limits.Small, true
	default:
		return 0, false
	}
}

// readBody returns the body of the message whose header was read: a part of the pooled buffer, or memory of its own.
func (c *Conn) readBody() ([]byte, error) {
	in := &c.in
	if in.need <= bufferSize-headerSize {
		if err := c.fill(in.need); err != nil {
			return nil, err
		}
		body := in.buf[in.start : in.start+in.need : in.start+in.need]
		in.start += in.need
		return body, nil
	}
	if in.large == nil {
		in.large = append(make([]byte, 0, min(in.need, 4*bufferSize)), in.buf[in.start:]...)
		in.start = len(in.buf)
	}
	for len(in.large) < in.need {
		if len(in.large) == cap(in.large) {
			grown := make([]byte, len(in.large), min(in.need, 2*cap(in.large)))
			copy(grown, in.large)
			in.large = grown
		}
		n, err := c.nc.Read(in.large[len(in.large):cap(in.large)])
		in.large = in.large[:len(in.large)+n]
		if err != nil && len(in.large) < in.need {
			return nil, inside(err)
		}
	}
	return in.large, nil
}

// fill reads until at least n unused bytes are in the buffer, n <= bufferSize.
func (c *Conn) fill(n int) error {
	in := &c.in
	if len(in.buf)-in.start >= n {
		return nil
	}
	if in.start+n > cap(in.buf) {
		in.buf = in.buf[:copy(in.buf, in.buf[in.start:])]
		in.start = 0
	}
	for len(in.buf)-in.start < n {
		got, err := c.nc.Read(in.buf[len(in.buf):cap(in.buf)])
		in.buf = in.buf[:len(in.buf)+got]
		if err != nil && len(in.buf)-in.start < n {
			return inside(err)
		}
	}
	return nil
}

// inside is the error of a read within a message.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// asError keeps a nil *pgerr.Error from becoming an error that is not nil.
func asError(e *pgerr.Error) error {
	if e == nil {
		return nil
	}
	return e
}
