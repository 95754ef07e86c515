package wire

import (
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// HighWater is how many bytes of pending output make FlushIfFull write.
const HighWater = 64 << 10

// writeChunk is how much one write call is given at most: what the client has to take within the write timeout. A
// buffer just over HighWater goes out in one.
const writeChunk = 2 * HighWater

// Send appends msg to the pending output. A message that cannot be encoded is a bug: those that a server sends have no
// foreign parts that are not bounded.
func (c *Conn) Send(msg pgproto3.BackendMessage) {
	out, err := msg.Encode(c.Output())
	if err != nil {
		panic("BUG: a backend message does not encode: " + err.Error())
	}
	c.SetOutput(out)
}

// SendError appends the ErrorResponse for err, see [pgerr.AppendErrorResponse].
func (c *Conn) SendError(err error) { c.SetOutput(pgerr.AppendErrorResponse(c.Output(), err)) }

// SendNotice appends a NoticeResponse.
func (c *Conn) SendNotice(e *pgerr.Error) { c.SetOutput(pgerr.AppendNotice(c.Output(), e)) }

// Output lends the pending output, to append whole messages to. The slice is the caller's until it hands it back with
// SetOutput, which must come before any other call.
func (c *Conn) Output() []byte {
	if c.out == nil {
		c.out = takeBuffer()
	}
	return c.out
}

// SetOutput takes back what Output lent, possibly moved by append.
func (c *Conn) SetOutput(b []byte) {
	if c.writeErr != nil {
		b = b[:0] // nobody will read it: it must not grow
	}
	c.out = b
}

// SetWriteTimeout sets how long one write of up to 128 KiB may take, 0 for ever. It bounds progress, not the whole
// flush: a client that reads slowly is served, one that does not read is not.
func (c *Conn) SetWriteTimeout(d time.Duration) { c.writeTimeout = d }

// FlushIfFull writes the pending output if it is over [HighWater] and keeps its buffer, for more is to come. The output is first
// put into the client's encoding: an *pgerr.Error with the cause [ErrUntranslatable] says that it had no place there.
func (c *Conn) FlushIfFull() error {
	if c.text != nil || c.untranslatable != nil {
		if err := c.ready(); err != nil {
			return err
		}
	}
	if len(c.out) < HighWater {
		return c.writeErr
	}
	err := c.write()
	c.out, c.translated = c.out[:0], 0
	if cap(c.out) > 2*HighWater { // one wide row must not cost its size to the end of the result
		c.out = nil
	}
	return err
}

// Flush writes the pending output and gives its buffer back. After an error of the connection's own the client cannot be
// told anything any more: every later Flush returns the same error. One with the cause [ErrUntranslatable] is as
// FlushIfFull's; what could be translated has been written.
func (c *Conn) Flush() error {
	untranslatable := c.ready()
	err := c.write()
	if c.out != nil {
		giveBuffer(c.out)
		c.out = nil
	}
	c.withoutScratch()
	c.translated = 0
	if err == nil {
		err = untranslatable
	}
	return err
}

func (c *Conn) write() error {
	if c.writeErr != nil || len(c.out) == 0 {
		return c.writeErr
	}
	for rest := c.out; len(rest) > 0; {
		chunk := rest[:min(len(rest), writeChunk)]
		if c.writeTimeout > 0 {
			if err := c.nc.SetWriteDeadline(time.Now().Add(c.writeTimeout)); err != nil {
				c.writeErr = err
				return err
			}
		}
		n, err := c.nc.Write(chunk)
		if err != nil {
			c.writeErr = err
			return err
		}
		rest = rest[n:]
	}
	if c.writeTimeout > 0 {
		// TLS may have to write while it reads (a key update): a deadline left behind would fail it then.
		if err := c.nc.SetWriteDeadline(time.Time{}); err != nil {
			c.writeErr = err
			return err
		}
	}
	return nil
}
