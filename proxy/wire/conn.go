package wire

import (
	"bytes"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Default limits, in bytes.
const (
	DefaultMessage = 64 << 20
	DefaultSmall   = 10000 // PQ_SMALL_MESSAGE_LIMIT, src/include/libpq/libpq.h
)

// Limits bounds the declared length of a message, its own four bytes included.
type Limits struct {
	Message int // Query, Parse, Bind, FunctionCall, CopyData; 0 is DefaultMessage
	Small   int // all others; 0 is DefaultSmall
}

// Conn is one client's connection after TLS was decided. One goroutine owns it and everything in it; only the deadline
// of the net.Conn may be set from others.
type Conn struct {
	nc     net.Conn
	limits Limits

	in       input
	messages messages

	out          []byte // pending output: nil, pooled, or grown by append
	writeTimeout time.Duration
	writeErr     error // the first failed write; nothing is kept or written after it

	text           Text         // the client's encoding, nil for UTF-8
	translated     int          // so much of out is in the client's encoding; only kept up where text is set
	untranslatable *pgerr.Error // what SetText met, until somebody is told
	scratch        []byte       // pooled, for translations, while out is
}

// messages are the structs that Receive fills and returns: one of each, so that a message costs no allocation.
type messages struct {
	query        pgproto3.Query
	parse        pgproto3.Parse
	bind         pgproto3.Bind
	describe     pgproto3.Describe
	execute      pgproto3.Execute
	close        pgproto3.Close
	copyData     pgproto3.CopyData
	copyFail     pgproto3.CopyFail
	functionCall pgproto3.FunctionCall

	sync      pgproto3.Sync
	flush     pgproto3.Flush
	terminate pgproto3.Terminate
	copyDone  pgproto3.CopyDone
}

// NewConn returns a Conn over nc, whose next byte is the first after the startup packet or the TLS handshake.
func NewConn(nc net.Conn, l Limits) *Conn {
	if l.Message <= 0 {
		l.Message = DefaultMessage
	}
	if l.Small <= 0 {
		l.Small = DefaultSmall
	}
	return &Conn{nc: nc, limits: l}
}

// NetConn returns the connection underneath, for its addresses, deadlines and Close. Whoever reads from it or writes to
// it breaks the framing.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SetReadDeadline bounds the coming reads. Receive that fails by it may be called again: what had arrived is kept.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.nc.SetReadDeadline(t) }

func indexNUL(b []byte) int { return bytes.IndexByte(b, 0) }
