package wire

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// fields reads the parts of one message's body in order, with the checks and texts of Postgres' pq_getmsg functions
// (src/backend/libpq/pqformat.c). The first fault sticks; what is read after it is zero.
type fields struct {
	rest  []byte
	owned bool // the body is memory of its own, never reused: strings may share it
	text  Text // the client's encoding, nil for UTF-8
	err   *pgerr.Error
}

func (f *fields) fail(e *pgerr.Error) {
	if f.err == nil {
		f.err = e
	}
	f.rest = nil
}

// string reads a terminated string, as pq_getmsgstring: it checks the encoding, or translates it.
func (f *fields) string() string {
	if f.err != nil {
		return ""
	}
	end := indexNUL(f.rest)
	if end < 0 {
		f.fail(violation("invalid string in message"))
		return ""
	}
	raw := f.rest[:end]
	f.rest = f.rest[end+1:]
	if f.text != nil {
		translated, e := f.text.ToUTF8(nil, raw)
		if e != nil {
			f.fail(e)
			return ""
		}
		return unsafe.String(unsafe.SliceData(translated), len(translated))
	}
	if e := encoding.CheckUTF8(raw); e != nil {
		f.fail(e)
		return ""
	}
	if f.owned && end > 0 {
		return unsafe.String(&raw[0], end)
	}
	return string(raw)
}

func (f *fields) byte() byte {
	if f.err != nil {
		return 0
	}
	if len(f.rest) == 0 {
		f.fail(violation("no data left in message"))
		return 0
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b
}

func (f *fields) uint16() uint16 {
	b := f.bytes(2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (f *fields) uint32() uint32 {
	b := f.bytes(4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// bytes returns the next n bytes of the body, nil after a fault. A negative n is a fault.
func (f *fields) bytes(n int) []byte {
	if f.err != nil {
		return nil
	}
	if n < 0 || n > len(f.rest) {
		f.fail(violation("insufficient data left in message"))
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

// count reads the number of elements of at least size bytes each that follow. A number that cannot be true is a fault
// here already: nothing is allocated for it.
func (f *fields) count(size int) int {
	n := int(f.uint16())
	if f.err == nil && n*size > len(f.rest) {
		f.fail(violation("insufficient data left in message"))
		return 0
	}
	return n
}

// value reads a length and that many bytes; length -1 is NULL, and nil.
func (f *fields) value() []byte {
	n := int32(f.uint32())
	if f.err != nil || n == -1 {
		return nil
	}
	b := f.bytes(int(n))
	if f.err == nil && b == nil {
		return []byte{} // empty is not NULL
	}
	return b
}

func (f *fields) end() {
	if f.err == nil && len(f.rest) != 0 {
		f.fail(violation("invalid message format"))
	}
}

// decode reads a body into the Conn's struct of that type. typ is one that limit knows.
func (c *Conn) decode(typ byte, body []byte) (pgproto3.FrontendMessage, error) {
	f := fields{rest: body, owned: c.in.large != nil, text: c.text}
	m := &c.messages
	var msg pgproto3.FrontendMessage
	switch typ {
	case 'Q':
		m.query.String = f.string()
		f.end()
		msg = &m.query
	case 'P':
		m.decodeParse(&f)
		msg = &m.parse
	case 'B':
		m.decodeBind(&f)
		msg = &m.bind
	case 'D':
		m.describe.ObjectType, m.describe.Name = f.object("DESCRIBE")
		msg = &m.describe
	case 'C':
		m.close.ObjectType, m.close.Name = f.object("CLOSE")
		msg = &m.close
	case 'E':
		m.execute.Portal = f.string()
		m.execute.MaxRows = f.uint32()
		f.end()
		msg = &m.execute
	case 'F':
		m.decodeFunctionCall(&f)
		msg = &m.functionCall
	case 'd':
		m.copyData.Data = body
		msg = &m.copyData
	case 'f':
		m.copyFail.Message = copyFailReason(body)
		msg = &m.copyFail
	case 'S':
		f.end()
		msg = &m.sync
	case 'H':
		f.end()
		msg = &m.flush
	case 'c':
		msg = &m.copyDone
	case 'X':
		msg = &m.terminate
	default:
		panic("BUG: a message type with a limit and no decoder")
	}
	return msg, asError(f.err)
}

func (m *messages) decodeParse(f *fields) {
	p := &m.parse
	p.Name = f.string()
	p.Query = f.string()
	p.ParameterOIDs = p.ParameterOIDs[:0]
	for range f.count(4) {
		p.ParameterOIDs = append(p.ParameterOIDs, f.uint32())
	}
	f.end()
}

func (m *messages) decodeBind(f *fields) {
	b := &m.bind
	b.DestinationPortal = f.string()
	b.PreparedStatement = f.string()
	b.ParameterFormatCodes = b.ParameterFormatCodes[:0]
	for range f.count(2) {
		b.ParameterFormatCodes = append(b.ParameterFormatCodes, int16(f.uint16()))
	}
	formats, parameters := len(b.ParameterFormatCodes), int(f.uint16())
	if formats > 1 && formats != parameters {
		f.fail(violation("bind message has %d parameter formats but %d parameters", formats, parameters))
	}
	b.Parameters = b.Parameters[:0]
	// The count alone allocates nothing: every value takes four bytes of the body at least.
	for i := 0; i < parameters && f.err == nil; i++ {
		b.Parameters = append(b.Parameters, f.value())
		if f.err != nil {
			f.err.Where = ParameterContext(b.DestinationPortal, i+1)
		}
	}
	b.ResultFormatCodes = b.ResultFormatCodes[:0]
	for range f.count(2) {
		b.ResultFormatCodes = append(b.ResultFormatCodes, int16(f.uint16()))
	}
	f.end()
}

// ParameterContext is the CONTEXT that Postgres gives an error about the n-th parameter of a Bind, the first being 1, where
// its value is not known yet (bind_param_error_callback, src/backend/tcop/postgres.c).
func ParameterContext(portal string, n int) string {
	if portal == "" {
		return fmt.Sprintf("unnamed portal parameter $%d", n)
	}
	return fmt.Sprintf(`portal "%s" parameter $%d`, portal, n)
}

// object reads the body of a Describe or Close.
func (f *fields) object(message string) (byte, string) {
	kind := f.byte()
	name := f.string()
	f.end()
	if f.err == nil && kind != 'S' && kind != 'P' {
		f.fail(violation("invalid %s message subtype %d", message, kind))
	}
	return kind, name
}

func (m *messages) decodeFunctionCall(f *fields) {
	c := &m.functionCall
	c.Function = f.uint32()
	c.ArgFormatCodes = c.ArgFormatCodes[:0]
	for range f.count(2) {
		c.ArgFormatCodes = append(c.ArgFormatCodes, f.uint16())
	}
	c.Arguments = c.Arguments[:0]
	for range f.count(4) {
		c.Arguments = append(c.Arguments, f.value())
	}
	c.ResultFormatCode = f.uint16()
	f.end()
}

// copyFailReason is what a CopyFail says, as far as it can be shown: the message is obeyed whatever it holds.
func copyFailReason(body []byte) string {
	if end := indexNUL(body); end >= 0 {
		body = body[:end]
	}
	if encoding.CheckUTF8(body) != nil {
		return ""
	}
	return string(body)
}

// maxKept is how many elements a message's slices keep room for while the connection waits.
const maxKept = 64

// forget ends the life of the message returned last: the slices that its owner may have kept by mistake are poisoned in
// race builds, large ones are let go, and no parameter stays reachable.
func (m *messages) forget() {
	poisonInts(m.parse.ParameterOIDs)
	poisonInts(m.bind.ParameterFormatCodes)
	poisonInts(m.bind.ResultFormatCodes)
	poisonInts(m.functionCall.ArgFormatCodes)
	m.parse.ParameterOIDs = emptied(m.parse.ParameterOIDs)
	m.bind.ParameterFormatCodes = emptied(m.bind.ParameterFormatCodes)
	m.bind.ResultFormatCodes = emptied(m.bind.ResultFormatCodes)
	m.functionCall.ArgFormatCodes = emptied(m.functionCall.ArgFormatCodes)
	clear(m.bind.Parameters)
	clear(m.functionCall.Arguments)
	m.bind.Parameters = emptied(m.bind.Parameters)
	m.functionCall.Arguments = emptied(m.functionCall.Arguments)
	m.copyData.Data = nil
	m.query.String, m.parse.Query = "", ""
}

func emptied[T any](s []T) []T {
	if cap(s) > maxKept {
		return nil
	}
	return s[:0]
}
