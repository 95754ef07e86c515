package neon

import (
	"errors"
	"io"
)

var errReplyTooLarge = errors.New("the reply is larger than its limit")

// boundedBody reads a reply's body up to max bytes.
//
// It hands out the last byte of a body of known length only when complete agrees that the reply may end there: net/http
// takes a connection back into use the moment the last byte is read, and a reply that its Content-Length cuts short must
// not get that far.
type boundedBody struct {
	body     io.Reader
	length   int64 // Content-Length, -1 if unknown
	max      int64
	read     int64
	complete func() bool
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.length > 0 {
		left := b.length - b.read
		if left == 1 && !b.complete() {
			return 0, io.ErrUnexpectedEOF
		}
		if left > 1 && int64(len(p)) >= left {
			p = p[:left-1]
		}
	}
	n, err := b.body.Read(p)
	b.read += int64(n)
	if b.read > b.max {
		return 0, errReplyTooLarge
	}
	return n, err
}
