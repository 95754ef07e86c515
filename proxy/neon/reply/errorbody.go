package reply

import (
	"bytes"
	"io"
	"strconv"
	"strings"
)

const (
	// maxErrorField bounds what is kept of one text of an error, in bytes.
	maxErrorField = 64 << 10
	// maxErrorBody bounds what is read of an error's body: the SQLSTATE stands behind the message, and Postgres repeats in
	// it the whole of a value that it cannot read.
	maxErrorBody = 128 << 20
	// maxWrapped bounds a JSON string that holds the error object.
	maxWrapped = 256 << 10
)

// ErrorBody is the error object of a reply. Texts are bounded and valid UTF-8. Keys that are absent or null leave "".
type ErrorBody struct {
	// Known is false when the body was not an error object, nor a string that is one: HTML, nothing, a cut object. The rest
	// is then zero.
	Known bool

	Message, Code, Severity    string
	Detail, Hint, Where        string
	Position, InternalPosition int32 // 1-based, in characters; 0: none
	InternalQuery              string
	Schema, Table, Column      string
	DataType, Constraint       string
	File, Routine              string
	Line                       int32
}

// Error reads the body of an error from rd; window as in [Scanner.Results]. It takes an object, a bare string (the
// message), and once around either a string that contains an object. A body that is none of these is no fault of the
// caller's to handle: it comes back as unknown.
func (s *Scanner) Error(rd io.Reader, window []byte) ErrorBody {
	s.reset(io.LimitReader(rd, maxErrorBody), window)
	s.lenient = true
	defer s.release()
	b, err := s.errorBody(true)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return ErrorBody{}
	}
	return b
}

func (l *lexer) errorBody(unwrap bool) (ErrorBody, error) {
	c, err := l.next()
	if err != nil {
		return ErrorBody{}, err
	}
	switch {
	case c == '{':
		return l.errorObject()
	case c == '"' && unwrap:
		l.complete = true // its closing quote
		text, err := l.boundedStr(nil, maxWrapped)
		if err != nil {
			return ErrorBody{}, err
		}
		if inner := bytes.TrimLeft(text, " \t\r\n"); len(inner) > 0 && inner[0] == '{' {
			var in lexer
			in.reset(bytes.NewReader(inner), make([]byte, 0, 512))
			in.lenient = true
			b, err := in.errorBody(false)
			if err == nil {
				err = in.end()
			}
			return b, err
		}
		return ErrorBody{Known: true, Message: publicText(text)}, nil
	}
	return ErrorBody{}, l.fault("an error body is neither an object nor a string")
}

// errorKeys are the keys of an error object; msg is what the HTTP layer says for message.
var errorKeys = []string{"message", "msg", "code", "severity", "detail", "hint", "where", "position", "internalPosition",
	"internalQuery", "schema", "table", "column", "dataType", "constraint", "file", "routine", "line"}

func (l *lexer) errorObject() (ErrorBody, error) {
	b := ErrorBody{Known: true}
	var keys keySet
	var msg string
	texts := [...]*string{&b.Message, &msg, &b.Code, &b.Severity, &b.Detail, &b.Hint, &b.Where, nil, nil,
		&b.InternalQuery, &b.Schema, &b.Table, &b.Column, &b.DataType, &b.Constraint, &b.File, &b.Routine, nil}
	err := l.object(true, func(key []byte, c byte) error {
		at, err := keys.add(l, key, errorKeys...)
		if err != nil {
			return err
		}
		l.complete = c != '[' && c != '{' && c != '"' // a number's end shows only in the byte behind it
		if at < 0 {
			return l.skip(c, 1)
		}
		if c != '"' {
			return l.errorNumber(&b, errorKeys[at], c)
		}
		text, err := l.boundedStr(nil, maxErrorField)
		if err != nil {
			return err
		}
		if texts[at] != nil {
			*texts[at] = publicText(text)
			return nil
		}
		b.setNumber(errorKeys[at], string(text))
		return nil
	})
	if b.Message == "" {
		b.Message = msg
	}
	return b, err
}

// errorNumber takes a value that is no string: a number where one is meant, else it is skipped, as null is.
func (l *lexer) errorNumber(b *ErrorBody, key string, c byte) error {
	if c != '-' && (c < '0' || c > '9') {
		return l.skip(c, 1)
	}
	var room [24]byte
	text, err := l.number(room[:0], c)
	if err == nil {
		b.setNumber(key, string(text))
	}
	return err
}

func (b *ErrorBody) setNumber(key, text string) {
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil || v < 0 {
		return
	}
	switch key {
	case "position":
		b.Position = int32(v)
	case "internalPosition":
		b.InternalPosition = int32(v)
	case "line":
		b.Line = int32(v)
	}
}

// publicText makes valid UTF-8 of a text that may be cut in a rune or never was UTF-8.
func publicText(text []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(text), "?"), "\x00", "")
}
