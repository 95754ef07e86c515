package cognito

import (
	"fmt"
	"regexp"
	"time"
)

// SQLSTATEs of refusals.
const (
	codeInvalidPassword      = "28P01" // before a valid signature
	codeInvalidAuthorization = "28000" // after it
	codeCannotConnectNow     = "57P03"
)

// Error is a refusal. It never holds a byte of the token; what it names of the claims comes from a token whose signature was valid.
type Error struct {
	Reason  Reason
	code    string
	message string
	hint    string
	cause   error
}

// Message is one sentence for the client.
func (e *Error) Message() string { return e.message }

// Hint is what the user can do, "" if nothing is known.
func (e *Error) Hint() string { return e.hint }

// SQLSTATE is 28P01 before a valid signature, 28000 after it, 57P03 if the keys are unavailable.
func (e *Error) SQLSTATE() string { return e.code }

// Error prints reason and message. The cause is left out: it may name an address.
func (e *Error) Error() string { return "cognito: " + string(e.Reason) + ": " + e.message }

// Unwrap gives the private cause, for the operator's log: why keys are unavailable.
func (e *Error) Unwrap() error { return e.cause }

// invalidSentence is the one sentence for whatever fails before a valid signature, so that nobody learns which key ids exist or
// how far a forgery came.
const invalidSentence = "JWT authentication failed: the token is not valid"

// invalid is a refusal before a valid signature.
func invalid(r Reason) *Error {
	return &Error{Reason: r, code: codeInvalidPassword, message: invalidSentence}
}

// refused is a refusal after a valid signature. The operands are the caller's own facts.
func refused(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, code: codeInvalidAuthorization, message: "JWT authentication failed: " + fmt.Sprintf(format, args...)}
}

func (e *Error) withHint(hint string) *Error {
	e.hint = hint
	return e
}

const (
	hintNewToken    = "Get a new token and reconnect."
	hintAnotherTool = "The password may have been cut: psql's prompt takes 4095 bytes on Linux and 1023 on macOS, some tools less. " +
		"Set PGPASSWORD or use a password file instead."
	hintShape = "The password must be the token alone: three parts separated by dots, without quotes."
)

func tooLong(length, limit int) *Error {
	return &Error{Reason: TooLong, code: codeInvalidPassword,
		message: fmt.Sprintf("JWT authentication failed: token too long (%d bytes, the limit is %d)", length, limit)}
}

func unavailable(cause error) *Error {
	return &Error{Reason: KeysUnavailable, code: codeCannotConnectNow, cause: cause,
		message: "the keys that verify tokens are temporarily unavailable", hint: "Try again in a few seconds."}
}

func timedOut(cause error) *Error {
	return &Error{Reason: Timeout, code: codeCannotConnectNow, cause: cause,
		message: "the token was not verified in time", hint: "Try again in a few seconds."}
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// quote makes a claim's value fit for a message: a plain word as it is, anything else quoted, escaped, at most 64 bytes of it.
func quote(value string) string {
	const most = 64
	if plainWord.MatchString(value) {
		return value
	}
	if len(value) > most {
		return fmt.Sprintf("%+q...", value[:most])
	}
	return fmt.Sprintf("%+q", value)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
