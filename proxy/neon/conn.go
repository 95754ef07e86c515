package neon

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

var (
	errSealed      = errors.New("the connection is given up")
	errUnsolicited = errors.New("the server sent bytes that belong to no reply")
)

// conn is a connection below net/http. It counts the bytes of the current request, to answer "may it have reached the
// server?", and lets no byte through that belongs to no reply: net/http would take it for the start of the answer to the
// next request, which may be another user's. For that it holds what stands behind a header until the length of the body
// has been announced.
type conn struct {
	net.Conn

	mu   sync.Mutex // guards the rest
	wake *sync.Cond // on mu: announced, request or closed has changed

	written int64
	start   int64 // written at the start of the current request
	writing bool  // a Write is under way
	broken  bool  // the server takes no more bytes, but its answer may still come
	sealed  bool  // no byte is written any more

	request   int    // the current request's number
	reply     header // of its reply
	held      []byte // what was read behind the header
	announced bool   // left is known
	left      int64  // bytes of the body still to come, -1 if net/http finds its end
	waiting   bool   // a Read has bytes and waits for announced
	excess    bool   // there was a byte behind the reply, or before its request
	closed    bool
}

func newConn(nc net.Conn) *conn {
	c := &conn{Conn: nc}
	c.wake = sync.NewCond(&c.mu)
	return c
}

// begin marks the start of a request and returns its number. A connection that is not clean takes nothing of it.
func (c *conn) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.excess = c.excess || len(c.held) > 0 || c.waiting
	c.sealed = c.sealed || c.broken || c.excess
	c.start = c.written
	c.request++
	c.reply, c.held, c.announced, c.left = header{}, nil, false, -1
	c.wake.Broadcast()
	return c.request
}

// expect says that the reply to a request, whose header has been read, has a body of that length; -1 that only its framing
// tells. It has no effect if the connection has a newer request.
func (c *conn) expect(request int, length int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if request == c.request {
		c.announced, c.left = true, length
		c.wake.Broadcast()
	}
}

// Close closes the connection.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.wake.Broadcast()
	c.mu.Unlock()
	return c.Conn.Close()
}

// Read reads what belongs to the current reply.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		n, err := c.body(c.held[:min(len(p), len(c.held))])
		copy(p, c.held[:n])
		c.held = c.held[n:]
		return n, err
	}
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	switch {
	case n == 0:
		return n, err
	case c.written == c.start && !c.writing: // nobody has asked
		c.excess = true
		return 0, errUnsolicited
	case c.reply.done:
		n, bodyErr := c.body(p[:n])
		if bodyErr != nil {
			err = bodyErr
		}
		return n, err
	}
	if head := c.reply.scan(p[:n]); head < n {
		c.held = append(c.held, p[head:n]...)
		return head, nil // an error that came with it comes again
	}
	return n, err
}

// body returns how much of what was read belongs to the reply's body. c.mu is held.
func (c *conn) body(b []byte) (int, error) {
	request := c.request
	for c.waiting = true; !c.announced && !c.closed && c.request == request; {
		c.wake.Wait()
	}
	c.waiting = false
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.request != request:
		return 0, errUnsolicited
	case c.left < 0:
		return len(b), nil
	case c.left == 0:
		c.excess, c.held = true, nil
		return 0, errUnsolicited
	}
	n := min(int64(len(b)), c.left)
	c.left -= n
	c.excess = c.excess || n < int64(len(b))
	return int(n), nil
}

// Write writes p. When the server hangs up in the middle of a request it says so only if it does not answer: a request
// that is too large is refused before it was read, and the refusal would be lost.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	if c.broken {
		c.mu.Unlock()
		return len(p), nil
	}
	c.writing = true
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written += int64(n)
	c.writing = false
	if err != nil && c.written > c.start && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
		c.broken = true // the reading side ends, too: with the answer or without
		return len(p), nil
	}
	return n, err
}

// sealIfUnused reports whether nothing of the current request was written, and then makes sure that nothing will be:
// net/http's writer may still be about to.
func (c *conn) sealIfUnused() bool {
	c.mu.Lock()
	unused := c.written == c.start && !c.writing
	c.sealed = c.sealed || unused
	c.mu.Unlock()
	if unused {
		_ = c.Close()
	}
	return unused
}

// header finds the end of a reply's header (RFC 9112, section 2.1), behind interim replies (1xx), as net/http does.
type header struct {
	line   int  // bytes of the current line
	field  bool // the current line is behind the status line
	space  bool // there was a space in it
	status byte // the first byte of the status code, 0 before it
	last   byte
	done   bool
}

// scan returns how many bytes of p belong to the header.
func (h *header) scan(p []byte) int {
	for i, b := range p {
		if b != '\n' {
			switch {
			case h.field || h.status != 0:
			case b == ' ':
				h.space = true
			case h.space:
				h.status = b
			}
			h.line++
			h.last = b
			continue
		}
		if h.line == 0 || h.line == 1 && h.last == '\r' { // an empty line
			if h.status != '1' {
				h.done = true
				return i + 1
			}
			*h = header{}
			continue
		}
		h.line, h.field = 0, true
	}
	return len(p)
}
