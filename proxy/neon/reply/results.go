package reply

import (
	"encoding/binary"
	"io"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

const (
	// maxFields is Postgres' limit of a target list (MaxTupleAttributeNumber): more columns no result has.
	maxFields = 1664
	// maxName is far more than any build's NAMEDATALEN.
	maxName = 1024
	// maxHeld bounds, in bytes, the rows kept of a result that brings its rows before its fields.
	maxHeld = 8 << 20
)

// Scanner decodes the results of one reply after another. It is not for concurrent use. Its zero value is ready; it
// keeps small buffers between replies.
type Scanner struct {
	lexer
	sink upstream.RowSink

	i, n    int // the current statement and their number
	fields  []upstream.Field
	width   int    // columns of a row; -1 while neither fields nor a row has come
	held    []byte // rows that came before their fields: uint32 length and DataRow body each
	rows    int64
	batch   bool
	pending bool                // the last statement's completion waits for the end of the reply
	done    upstream.Completion // of the current statement
}

// Results reads a reply to n statements from rd into sink: one result object, or with batch {"results":[...]}. window is
// the read window, all of its capacity; 16 to 64 KiB is right.
//
// The error is an *[Error], or what sink returned, as it is. The last statement's Complete is called only when the reply
// has been read to its end and is whole.
func (s *Scanner) Results(rd io.Reader, window []byte, n int, batch bool, sink upstream.RowSink) error {
	s.reset(rd, window)
	s.sink, s.i, s.n, s.batch, s.pending = sink, 0, n, batch, false
	defer s.release()
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != '{' {
		return s.fault("the reply is no JSON object")
	}
	if batch {
		err = s.batchObject()
	} else {
		err = s.result(true)
	}
	if err == nil && s.i != n {
		err = s.fault("fewer results than statements")
	}
	if err == nil {
		err = s.end()
	}
	if err == nil && s.pending {
		err = sink.Complete(n-1, s.done)
	}
	return err
}

// Complete reports whether the byte at which the scanner stands may be the last of the reply. A reader that knows the
// reply's length asks before it hands out the last byte.
func (s *Scanner) Complete() bool { return s.complete }

// release lets go of what belongs to the reply and to the sink.
func (s *Scanner) release() {
	s.lexer.rd, s.lexer.buf, s.sink = nil, nil, nil
	clear(s.fields)
	if cap(s.fields) > 256 {
		s.fields = nil
	}
	if cap(s.held) > 64<<10 {
		s.held = nil
	}
	if cap(s.scratch) > 64<<10 {
		s.scratch = nil
	}
}

func (s *Scanner) batchObject() error {
	var keys keySet
	item := func(c byte) error {
		if c != '{' {
			return s.fault("a result is no object")
		}
		if s.i == s.n {
			return s.fault("more results than statements")
		}
		return s.result(false)
	}
	err := s.object(true, func(key []byte, c byte) error {
		at, err := keys.add(&s.lexer, key, "results")
		if err != nil {
			return err
		}
		if at < 0 {
			return s.skipLast(c, true)
		}
		if c != '[' {
			return s.fault("results is no list")
		}
		return s.list(item)
	})
	if err == nil && !keys.has(1) {
		err = s.fault("the reply has no results")
	}
	return err
}

// The keys of a result, as indices into resultKeys.
const (
	keyFields = iota
	keyRows
	keyCommand
	keyRowCount
	keyRowAsArray
)

var resultKeys = []string{keyFields: "fields", keyRows: "rows", keyCommand: "command", keyRowCount: "rowCount", keyRowAsArray: "rowAsArray"}

// result takes one result object; its opening brace has been taken.
func (s *Scanner) result(last bool) error {
	var keys keySet
	s.fields, s.held, s.width, s.rows = s.fields[:0], s.held[:0], -1, 0
	s.done = upstream.Completion{}
	err := s.object(last, func(key []byte, c byte) error {
		at, err := keys.add(&s.lexer, key, resultKeys...)
		if err != nil {
			return err
		}
		switch at {
		case keyFields:
			return s.takeFields(c)
		case keyRows:
			if c != '[' {
				return s.fault("rows is no list")
			}
			if !keys.seen(keyFields) {
				return s.list(s.holdRow)
			}
			return s.list(s.row)
		case keyCommand:
			return s.command(c)
		case keyRowCount:
			return s.rowCount(c, last)
		case keyRowAsArray:
			if c != 't' {
				return s.fault("rowAsArray is not true")
			}
			return s.literal("rue")
		}
		return s.skipLast(c, last)
	})
	if err != nil {
		return err
	}
	if !keys.has(keyRowCount + 1) {
		return s.fault("a result lacks fields, rows, command or rowCount")
	}
	// Only these tags count exactly the rows sent; a rule can make the others differ. CREATE TABLE AS says SELECT too, and
	// has neither fields nor rows.
	counts := s.done.Command == "SELECT" || s.done.Command == "FETCH"
	if counts && (len(s.fields) > 0 || s.rows > 0) && (!s.done.HasRows || s.done.Rows != s.rows) {
		return s.fault("rowCount is not the number of rows")
	}
	s.i++
	if s.i == s.n {
		s.pending = true
		return nil
	}
	return s.sink.Complete(s.i-1, s.done)
}

// skipLast skips a value that may be the reply's last: the end of a number shows only in the byte behind it.
func (s *Scanner) skipLast(c byte, last bool) error {
	s.complete = last && c != '[' && c != '{' && c != '"'
	return s.skip(c, 1)
}

func (s *Scanner) command(c byte) error {
	if c != '"' {
		return s.fault("command is no string")
	}
	var err error
	if s.scratch, err = s.str(s.scratch[:0], maxKey); err != nil {
		return err
	}
	switch string(s.scratch) { // no allocation for what nearly all are
	case "SELECT":
		s.done.Command = "SELECT"
	case "INSERT":
		s.done.Command = "INSERT"
	case "UPDATE":
		s.done.Command = "UPDATE"
	case "DELETE":
		s.done.Command = "DELETE"
	default:
		s.done.Command = string(s.scratch)
	}
	return nil
}

func (s *Scanner) rowCount(c byte, last bool) error {
	if c == 'n' {
		return s.literal("ull")
	}
	s.complete = last // as in skipLast
	v, err := s.integer(c, 0, 1<<63-1)
	s.done.Rows, s.done.HasRows = v, err == nil
	return err
}

// row takes one row, its first byte c taken, into the sink.
func (s *Scanner) row(c byte) error {
	buf, err := s.dataRow(s.sink.NextRow(), c)
	if err != nil {
		return err
	}
	s.rows++
	return s.sink.EndRow(buf)
}

// holdRow takes one row that comes before the fields do.
func (s *Scanner) holdRow(c byte) error {
	at := len(s.held)
	held, err := s.dataRow(append(s.held, 0, 0, 0, 0), c)
	if err != nil {
		return err
	}
	s.held = held
	if len(held) > maxHeld {
		return s.fault("too many rows before the fields")
	}
	binary.BigEndian.PutUint32(held[at:], uint32(len(held)-at-4))
	s.rows++
	return nil
}

// dataRow appends one DataRow body to dst. The row must have s.width columns; the first row of a result whose fields have
// not come sets it.
func (s *Scanner) dataRow(dst []byte, c byte) ([]byte, error) {
	if c != '[' {
		return dst, s.fault("a row is no list")
	}
	start := len(dst)
	dst = append(dst, 0, 0)
	cols := 0
	c, err := s.next()
	if err != nil {
		return dst, err
	}
	if c != ']' {
		for {
			switch c {
			case '"':
				if dst, err = s.cell(dst); err != nil {
					return dst, err
				}
			case 'n':
				if err = s.literal("ull"); err != nil {
					return dst, err
				}
				dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			default:
				return dst, s.fault("a cell is neither a string nor null")
			}
			cols++
			// The usual way to the next cell, without a call.
			if s.r+1 < s.w && s.buf[s.r] == ',' && s.buf[s.r+1] == '"' && cols < s.width {
				s.r += 2
				c = '"'
				continue
			}
			if c, err = s.next(); err != nil {
				return dst, err
			}
			if c == ']' {
				break
			}
			if c != ',' {
				return dst, s.fault("a row is broken")
			}
			if cols == maxFields || len(dst)-start > maxRow {
				return dst, s.fault("a row is too large")
			}
			if c, err = s.next(); err != nil {
				return dst, err
			}
		}
	}
	if s.width < 0 {
		s.width = cols
	}
	if cols != s.width {
		return dst, s.fault("a row has another number of columns than the fields")
	}
	binary.BigEndian.PutUint16(dst[start:], uint16(cols))
	return dst, nil
}

// cell appends one text cell, its opening quote taken: length and bytes.
func (s *Scanner) cell(dst []byte) ([]byte, error) {
	// The usual cell lies in the window whole and has no escape.
	window := s.buf[s.r:s.w]
	n, beyondASCII := plain(window)
	if n < len(window) && window[n] == '"' && (beyondASCII == 0 || utf8.Valid(window[:n])) {
		s.r += n + 1
		return append(binary.BigEndian.AppendUint32(dst, uint32(n)), window[:n]...), nil
	}
	at := len(dst)
	dst, err := s.str(append(dst, 0, 0, 0, 0), maxRow)
	if err == nil {
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, err
}
