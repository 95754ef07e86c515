package wire

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/pgturnstile/pgturnstile/proxy/encoding"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Text is the encoding of a client that does not speak UTF-8. Both methods append src to dst, translated, and never keep
// it; their errors are what Postgres says of a text that cannot be translated.
type Text interface {
	ToUTF8(dst, src []byte) ([]byte, *pgerr.Error)
	FromUTF8(dst, src []byte) ([]byte, *pgerr.Error)
}

// ErrUntranslatable is the cause of the error that [Conn.FlushIfFull] and [Conn.Flush] give for a message which the
// client's encoding cannot express. The connection is sound: the message and what stood behind it are dropped.
var ErrUntranslatable = errors.New("the client's encoding cannot express it")

// SetText sets the client's encoding; nil is UTF-8. It holds for the texts of messages that are received from now on and
// for those that are sent from now on: what is pending is still written in the encoding before.
func (c *Conn) SetText(t Text) {
	if err := c.translate(); c.untranslatable == nil {
		c.untranslatable = err
	}
	c.text, c.translated = t, len(c.out)
}

// AppendText appends src, a parameter in text format, to dst as valid UTF-8 without NUL, or says what Postgres says of it.
func (c *Conn) AppendText(dst, src []byte) ([]byte, *pgerr.Error) {
	if c.text != nil {
		return c.text.ToUTF8(dst, src)
	}
	if err := encoding.CheckUTF8(src); err != nil {
		return nil, err
	}
	return append(dst, src...), nil
}

// translate puts the pending messages into the client's encoding, up to the first that it cannot express.
func (c *Conn) translate() *pgerr.Error {
	if c.text == nil || c.translated >= len(c.out) {
		return nil
	}
	if c.scratch == nil {
		c.scratch = takeBuffer()
	}
	fresh, err := appendTranslated(c.scratch[:0], c.out[c.translated:], c.text)
	c.out = append(c.out[:c.translated], fresh...)
	c.translated = len(c.out)
	c.scratch = fresh
	if cap(fresh) > 2*HighWater {
		c.scratch = nil
	}
	if err != nil {
		err = err.Because(ErrUntranslatable)
	}
	return err
}

// ready translates what is pending. Its error is what was found in it since the last call.
func (c *Conn) ready() error {
	err := c.untranslatable
	if err == nil {
		err = c.translate()
	} else if c.translated < len(c.out) {
		c.out = c.out[:c.translated] // it stands behind
	}
	c.untranslatable = nil
	return asError(err)
}

// withoutScratch gives the room for translations back.
func (c *Conn) withoutScratch() {
	if c.scratch != nil {
		giveBuffer(c.scratch)
		c.scratch = nil
	}
}

// appendTranslated appends whole backend messages with their texts translated, up to the first that cannot be.
func appendTranslated(dst, messages []byte, t Text) ([]byte, *pgerr.Error) {
	const header = 5
	for len(messages) > 0 {
		size := 1 + int(binary.BigEndian.Uint32(messages[1:]))
		typ, body := messages[0], messages[header:size]
		messages = messages[size:]
		start := len(dst)
		m := translation{out: append(dst, typ, 0, 0, 0, 0), rest: body, text: t}
		switch typ {
		case 'D':
			m.dataRow()
		case 'T':
			m.rowDescription()
		case 'S':
			m.parameterStatus()
		case 'E', 'N':
			m.report()
		default: // has no text but ASCII
			m.take(len(body))
		}
		switch {
		case m.err == nil:
		case typ == 'E':
			// Postgres fails to send the error, and that is the error it sends.
			e := m.err
			if bytes.Contains(body, []byte("VFATAL\x00")) {
				e = e.Fatal()
			}
			dst = pgerr.AppendErrorResponse(dst[:start], e)
			continue
		default:
			return dst[:start], m.err
		}
		dst = m.out
		binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	}
	return dst, nil
}

// translation is one message on its way into a client's encoding. The messages are our own: they are as they should be.
type translation struct {
	out, rest []byte
	text      Text
	err       *pgerr.Error
}

// take copies n bytes.
func (m *translation) take(n int) []byte {
	b := m.rest[:n]
	m.out, m.rest = append(m.out, b...), m.rest[n:]
	return b
}

// convert translates n bytes.
func (m *translation) convert(n int) {
	b := m.rest[:n]
	m.rest = m.rest[n:]
	if m.err != nil {
		return
	}
	out, err := m.text.FromUTF8(m.out, b)
	if err != nil {
		m.err = err
		return
	}
	m.out = out
}

// string translates a terminated string.
func (m *translation) string() {
	m.convert(indexNUL(m.rest))
	m.take(1)
}

// dataRow translates every value: all are in text format.
func (m *translation) dataRow() {
	for range binary.BigEndian.Uint16(m.take(2)) {
		n := int32(binary.BigEndian.Uint32(m.take(4)))
		if n < 0 {
			continue
		}
		start := len(m.out)
		m.convert(int(n))
		binary.BigEndian.PutUint32(m.out[start-4:], uint32(len(m.out)-start))
	}
}

// rowDescription translates the columns' names.
func (m *translation) rowDescription() {
	const afterName = 18 // table, column, type, size, modifier, format
	for range binary.BigEndian.Uint16(m.take(2)) {
		m.string()
		m.take(afterName)
	}
}

// parameterStatus translates a setting's value, which must arrive: characters that the client does not have are left as
// question marks.
func (m *translation) parameterStatus() {
	m.string()
	value := m.rest[:indexNUL(m.rest)]
	for _, r := range string(value) {
		out, err := m.text.FromUTF8(m.out, []byte(string(r)))
		if err != nil {
			out = append(m.out, '?')
		}
		m.out = out
	}
	m.out = append(m.out, 0)
}

// report translates the fields of an ErrorResponse or NoticeResponse.
func (m *translation) report() {
	for m.take(1)[0] != 0 {
		m.string()
	}
}
