package pgerr

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxField bounds one text field of an ErrorResponse, in bytes. Postgres has no such limit, but what stands in an
// upstream's error body is foreign.
const maxField = 64 << 10

// AppendErrorResponse appends the ErrorResponse for err to dst. It is the one place where an error becomes bytes for
// a client: whatever is no *Error is XX000 "internal error" here (see [From]).
func AppendErrorResponse(dst []byte, err error) []byte { return From(err).append(dst, 'E') }

// AppendNotice appends a NoticeResponse with e's fields to dst.
func AppendNotice(dst []byte, e *Error) []byte { return e.append(dst, 'N') }

// append encodes e as the message of that type, its fields in the order of send_message_to_frontend
// (src/backend/utils/error/elog.c). S, V, C and M are always there, the message even if it is empty; the others if they are set.
func (e *Error) append(dst []byte, typ byte) []byte {
	start := len(dst)
	dst = append(dst, typ, 0, 0, 0, 0)
	code := clean(e.Code)
	if len(code) != 5 {
		code = InternalError
	}
	dst = appendField(dst, 'S', string(e.severity()))
	dst = appendField(dst, 'V', string(e.severity()))
	dst = appendField(dst, 'C', code)
	dst = appendField(dst, 'M', clean(e.Message))
	for _, f := range []struct {
		code  byte
		value string
	}{
		{'D', e.Detail}, {'H', e.Hint}, {'W', e.Where}, {'s', e.Schema}, {'t', e.Table}, {'c', e.Column}, {'d', e.DataType},
		{'n', e.Constraint}, {'P', number(e.Position)}, {'p', number(e.InternalPosition)}, {'q', e.InternalQuery}, {'F', e.File},
		{'L', number(e.Line)}, {'R', e.Routine},
	} {
		if f.value != "" {
			dst = appendField(dst, f.code, clean(f.value))
		}
	}
	dst = append(dst, 0)
	binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	return dst
}

func appendField(dst []byte, code byte, value string) []byte {
	return append(append(append(dst, code), value...), 0)
}

// number is a position or line; 0 is none.
func number(n int32) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}

// clean makes s fit for a protocol string: valid UTF-8, no NUL (it would end the field and forge the next one), bounded.
func clean(s string) string {
	if len(s) > maxField {
		s = s[:maxField]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if len(s) > 0 { // the rune that the cut may have split
			s = s[:len(s)-1]
		}
	}
	s = strings.ToValidUTF8(s, "?")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return s
}
