package neon

import (
	"sync"

	"github.com/pgturnstile/pgturnstile/proxy/neon/reply"
)

const (
	windowSize = 32 << 10
	// keptBody is the largest request body that goes back to its pool.
	keptBody = 256 << 10
)

// reader is what reading one reply takes.
type reader struct {
	scanner reply.Scanner
	window  []byte
}

var readers = sync.Pool{New: func() any { return &reader{window: make([]byte, windowSize)} }}

func getReader() *reader { return readers.Get().(*reader) }

func putReader(r *reader) {
	spoil(r.window)
	readers.Put(r)
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

func getBody() *[]byte { return bodies.Get().(*[]byte) }

// putBody takes a body back that nobody reads any more.
func putBody(b *[]byte) {
	if cap(*b) > keptBody {
		return
	}
	spoil((*b)[:cap(*b)])
	*b = (*b)[:0]
	bodies.Put(b)
}
