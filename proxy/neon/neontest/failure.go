package neontest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

// failure is an answer that is no result. With pg set it is Postgres' error.
type failure struct {
	status  int // HTTP; 0 is 400
	message string
	pg      *pgError
	cause   error
}

func (f *failure) Error() string {
	if f.pg != nil {
		return "db error: " + f.pg.display()
	}
	return f.message
}

func (f *failure) Unwrap() error { return f.cause }

// as answers f with another HTTP status, as far as f has none of its own.
func (f *failure) as(status int) *failure {
	if f.status != 0 {
		return f
	}
	g := *f
	g.status = status
	return &g
}

func refusal(format string, args ...any) *failure {
	return &failure{message: fmt.Sprintf(format, args...)}
}

func parseFailure(reason string) *failure {
	return &failure{message: "error parsing response from server: " + reason}
}

var (
	errConnectionClosed   = &failure{message: "connection closed"}
	errUnexpectedMessage  = &failure{message: "unexpected message from server"}
	errUnreadableResponse = &failure{message: "could not parse postgres response", status: http.StatusInternalServerError}
	errSetup              = &failure{message: "could not set up the JWT authorization database extension", status: http.StatusInternalServerError}

	// errNoAnswer: the connection is closed without one.
	errNoAnswer = errors.New("no answer")
)

// pgError is an ErrorResponse. A field that is absent is nil.
type pgError struct {
	severity, code, message                string
	detail, hint, position                 *string
	internalPosition, internalQuery, where *string
	schema, table, column, dataType        *string
	constraint, file, line, routine        *string
}

func (e *pgError) display() string {
	s := e.severity + ": " + e.message
	if e.detail != nil {
		s += "\nDETAIL: " + *e.detail
	}
	if e.hint != nil {
		s += "\nHINT: " + *e.hint
	}
	return s
}

// dbFailure reads an ErrorResponse. One that is not UTF-8 throughout becomes an error of reading.
func dbFailure(body []byte) *failure {
	e := &pgError{}
	for len(body) > 0 && body[0] != 0 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			return parseFailure("unexpected EOF")
		}
		code, raw := body[0], body[1:1+end]
		body = body[2+end:]
		value, err := textOf(raw)
		if err != nil {
			return err.(*failure) // textOf returns no other
		}
		switch code {
		case 'S':
			e.severity = value
		case 'C':
			e.code = value
		case 'M':
			e.message = value
		case 'D':
			e.detail = &value
		case 'H':
			e.hint = &value
		case 'P':
			e.position = &value
		case 'p':
			e.internalPosition = &value
		case 'q':
			e.internalQuery = &value
		case 'W':
			e.where = &value
		case 's':
			e.schema = &value
		case 't':
			e.table = &value
		case 'c':
			e.column = &value
		case 'd':
			e.dataType = &value
		case 'n':
			e.constraint = &value
		case 'F':
			e.file = &value
		case 'L':
			e.line = &value
		case 'R':
			e.routine = &value
		}
	}
	// A position in the statement itself hides one in a statement that it ran, and a query without position is not told.
	if e.position != nil {
		e.internalPosition = nil
	}
	if e.internalPosition == nil {
		e.internalQuery = nil
	}
	likeExtension(e)
	return &failure{pg: e}
}

// body is the answer's body.
func (f *failure) body() []byte {
	e := f.pg
	if e == nil {
		e = &pgError{message: f.message}
	}
	buf := []byte{'{'}
	text := func(name, value string) {
		if len(buf) > 1 {
			buf = append(buf, ',')
		}
		buf = append(rustjson.AppendString(buf, name), ':')
		buf = rustjson.AppendString(buf, value)
	}
	optional := func(name string, value *string) {
		if value != nil {
			text(name, *value)
			return
		}
		buf = append(rustjson.AppendString(append(buf, ','), name), ":null"...)
	}
	text("message", e.message)
	text("code", e.code)
	optional("detail", e.detail)
	optional("hint", e.hint)
	optional("position", e.position)
	optional("internalPosition", e.internalPosition)
	optional("internalQuery", e.internalQuery)
	text("severity", e.severity)
	optional("where", e.where)
	optional("table", e.table)
	optional("column", e.column)
	optional("schema", e.schema)
	optional("dataType", e.dataType)
	optional("constraint", e.constraint)
	optional("file", e.file)
	optional("line", e.line)
	optional("routine", e.routine)
	return append(buf, '}')
}

func (f *failure) statusCode() int {
	if f.status == 0 {
		return http.StatusBadRequest
	}
	return f.status
}

// asFailure gives every error an answer.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{message: err.Error(), status: http.StatusInternalServerError, cause: err}
}

// invalidUTF8 says where b stops being UTF-8, in the words of Rust's Utf8Error.
func invalidUTF8(b []byte) string {
	at := 0
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	if n := invalidLength(b[at:]); n > 0 {
		return "invalid utf-8 sequence of " + strconv.Itoa(n) + " bytes from index " + strconv.Itoa(at)
	}
	return "incomplete utf-8 byte sequence from index " + strconv.Itoa(at)
}

// invalidLength is the length of the longest start of a valid sequence that b begins with, at least 1; 0 if b ends
// within it.
func invalidLength(b []byte) int {
	need := 0
	low, high := byte(0x80), byte(0xBF)
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c >= 0xE0 && c <= 0xEF:
		need = 2
		if c == 0xE0 {
			low = 0xA0
		} else if c == 0xED {
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 3
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	}
	for i := 1; i <= need; i++ {
		if i == len(b) {
			return 0
		}
		if b[i] < low || b[i] > high {
			return i
		}
		low, high = 0x80, 0xBF
	}
	return 1
}
