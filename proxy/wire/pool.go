package wire

import "sync"

// bufferSize is the size of a pooled buffer, the one that a message is read into and the one that output starts in. It
// is that of Postgres' own (PQ_RECV_BUFFER_SIZE, PQ_SEND_BUFFER_SIZE, src/backend/libpq/pqcomm.c).
const bufferSize = 8 << 10

type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// takeBuffer returns an empty slice of capacity bufferSize. Its content is whatever the last owner left, or in race
// builds poison.
func takeBuffer() []byte { return buffers.Get().(*buffer)[:0] }

// giveBuffer puts b's array back. Nobody may hold a slice of it any more: race builds overwrite it at once, so that one
// who does is found. A slice that did not come from takeBuffer, or that append moved, is left to the collector.
func giveBuffer(b []byte) {
	if cap(b) != bufferSize {
		return
	}
	array := (*buffer)(b[:bufferSize])
	poison(array[:])
	buffers.Put(array)
}
