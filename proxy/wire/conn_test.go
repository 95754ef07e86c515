package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// script is a net.Conn whose peer has sent data and then closed. It gives at most chunk bytes a read (0: all that
// fit), and keeps what is written to it.
type script struct {
	net.Conn // nil: what is not overridden must not be called
	data     []byte
	chunk    int
	written  []byte
	writes   int
	failRead error // after data, instead of io.EOF
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		if s.failRead != nil {
			return 0, s.failRead
		}
		return 0, io.EOF
	}
	if s.chunk > 0 && len(p) > s.chunk {
		p = p[:s.chunk]
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.written = append(s.written, p...)
	s.writes++
	return len(p), nil
}

func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// message frames a body.
func message(typ byte, body string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{typ}, uint32(4+len(body))), body...)
}

// header is a type and a declared length, with nothing behind it.
func header(typ byte, length uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{typ}, length)
}

func encode(messages ...pgproto3.FrontendMessage) []byte {
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			panic(err)
		}
	}
	return out
}

// transcript receives to the end of c and prints what came. A message that is itself wrong does not end it.
func transcript(c *Conn) []string {
	var lines []string
	for {
		msg, err := c.Receive()
		switch {
		case err == nil:
			lines = append(lines, show(msg))
		case isRecoverable(err):
			lines = append(lines, fmt.Sprintf("%c %v", c.Type(), err))
		default:
			return append(lines, err.Error())
		}
	}
}

func isRecoverable(err error) bool {
	e, ok := errors.AsType[interface {
		error
		IsFatal() bool
	}](err)
	return ok && !e.IsFatal()
}

// show prints a message so that NULL and empty, and no and some codes, differ.
func show(msg pgproto3.FrontendMessage) string {
	switch m := msg.(type) {
	case *pgproto3.Bind:
		params := ""
		for _, p := range m.Parameters {
			if p == nil {
				params += " NULL"
			} else {
				params += fmt.Sprintf(" %q", p)
			}
		}
		return fmt.Sprintf("Bind %q %q %v [%s] %v", m.DestinationPortal, m.PreparedStatement, m.ParameterFormatCodes, params, m.ResultFormatCodes)
	case *pgproto3.Parse:
		return fmt.Sprintf("Parse %q %q %v", m.Name, m.Query, m.ParameterOIDs)
	case *pgproto3.CopyData:
		return fmt.Sprintf("CopyData %q", m.Data)
	case *pgproto3.FunctionCall:
		return fmt.Sprintf("FunctionCall %d %v %q %d", m.Function, m.ArgFormatCodes, m.Arguments, m.ResultFormatCode)
	default:
		return fmt.Sprintf("%T %q", msg, fmt.Sprintf("%+v", msg))
	}
}

var errDeadline = fmt.Errorf("read: %w", os.ErrDeadlineExceeded)
