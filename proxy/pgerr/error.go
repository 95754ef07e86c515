package pgerr

import (
	"context"
	"errors"
	"fmt"
)

// Severity is the S and V field of an ErrorResponse (protocol-error-fields).
type Severity string

const (
	SeverityError   Severity = "ERROR"   // the statement failed, the session goes on
	SeverityFatal   Severity = "FATAL"   // the session ends
	SeverityWarning Severity = "WARNING" // of a NoticeResponse
)

// Error is an error as a Postgres client sees it. Every exported field reaches the client; the cause, set with
// [Error.Because], reaches neither the client nor a log line of Error().
//
// An Error is immutable once it has been returned: the With methods copy.
type Error struct {
	Severity Severity // "" means SeverityError
	Code     string   // SQLSTATE, five characters
	Message  string   // one sentence, no final stop (PostgreSQL error style guide)
	Detail   string
	Hint     string
	Position int32 // 1-based, in characters of the client's query string; 0: none

	// The rest is only ever passed on from Postgres.
	InternalPosition int32 // in characters of InternalQuery
	InternalQuery    string
	Where            string
	Schema           string
	Table            string
	Column           string
	DataType         string
	Constraint       string
	File             string
	Line             int32
	Routine          string

	cause error
}

// New returns an ERROR. The format's operands become public.
func New(code, format string, args ...any) *Error {
	return &Error{Severity: SeverityError, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unsupported is an 0A000 that names the thing and says what to do instead.
func Unsupported(thing, hint string) *Error {
	return &Error{Severity: SeverityError, Code: FeatureNotSupported, Message: thing + " is not supported by pgturnstile", Hint: hint}
}

// Fatal returns a copy with severity FATAL: after it the connection is closed.
func (e *Error) Fatal() *Error {
	c := *e
	c.Severity = SeverityFatal
	return &c
}

// WithDetail returns a copy with that DETAIL.
func (e *Error) WithDetail(format string, args ...any) *Error {
	c := *e
	c.Detail = fmt.Sprintf(format, args...)
	return &c
}

// WithHint returns a copy with that HINT.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Because returns a copy that keeps cause for errors.Is and errors.As. The cause is never printed: it may quote a
// token, a parameter or an address.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error prints severity, SQLSTATE and message: what may stand in a log. DETAIL is left out, it can quote row values.
func (e *Error) Error() string {
	return string(e.severity()) + " " + e.Code + ": " + e.Message
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.cause }

// IsFatal reports whether the connection ends with this error.
func (e *Error) IsFatal() bool { return e.Severity == SeverityFatal }

// Class is the first two characters of the SQLSTATE: a bounded metric label.
func (e *Error) Class() string {
	if len(e.Code) != 5 {
		return "XX"
	}
	return e.Code[:2]
}

func (e *Error) severity() Severity {
	if e.Severity == "" {
		return SeverityError
	}
	return e.Severity
}

// From finds the *Error in err's chain. Any other error becomes XX000 "internal error" with err as its private cause;
// a context's end becomes 57014.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return New(QueryCanceled, "canceling statement due to user request").Because(err)
	}
	return New(InternalError, "internal error").Because(err)
}
