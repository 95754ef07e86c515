package pgerr

import (
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
)

// maxField bounds one text field of an ErrorResponse, in bytes. Postgres has no such limit, but what stands in an
// upstream's error body is foreign.
const maxField = 64 << 10

// AppendErrorResponse appends the ErrorResponse for err to dst. It is the one place where an error becomes bytes for
// a client: whatever is no *Error is XX000 "internal error" here (see [From]).
func AppendErrorResponse(dst []byte, err error) []byte {
	e := From(err)
	r := pgproto3.ErrorResponse(e.fields())
	out, encErr := r.Encode(dst)
	if encErr != nil {
		panic("BUG: an ErrorResponse of bounded fields does not encode: " + encErr.Error())
	}
	return out
}

// AppendNotice appends a NoticeResponse with e's fields to dst.
func AppendNotice(dst []byte, e *Error) []byte {
	r := pgproto3.NoticeResponse(e.fields())
	out, encErr := r.Encode(dst)
	if encErr != nil {
		panic("BUG: a NoticeResponse of bounded fields does not encode: " + encErr.Error())
	}
	return out
}

func (e *Error) fields() pgproto3.ErrorResponse {
	code := clean(e.Code)
	if len(code) != 5 {
		code = InternalError
	}
	message := clean(e.Message)
	if message == "" {
		message = "missing error text" // as Postgres' send_message_to_frontend
	}
	return pgproto3.ErrorResponse{
		Severity:            string(e.severity()),
		SeverityUnlocalized: string(e.severity()),
		Code:                code,
		Message:             message,
		Detail:              clean(e.Detail),
		Hint:                clean(e.Hint),
		Position:            e.Position,
		InternalPosition:    e.InternalPosition,
		InternalQuery:       clean(e.InternalQuery),
		Where:               clean(e.Where),
		SchemaName:          clean(e.Schema),
		TableName:           clean(e.Table),
		ColumnName:          clean(e.Column),
		DataTypeName:        clean(e.DataType),
		ConstraintName:      clean(e.Constraint),
		File:                clean(e.File),
		Line:                e.Line,
		Routine:             clean(e.Routine),
	}
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
