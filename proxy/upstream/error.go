package upstream

import (
	"errors"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
)

// Outcome says what is known about the effects of a failed request.
type Outcome uint8

const (
	// Unknown: the request may have run, wholly or not at all. Never retried.
	Unknown Outcome = iota
	// NotRun: nothing of it was executed. It may be sent again.
	NotRun
	// Failed: Postgres ran it and answered with an error; a batch or a single statement was rolled back.
	Failed
)

func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case NotRun:
		return "not run"
	case Failed:
		return "failed"
	default:
		return "BUG: outcome"
	}
}

// Error is why a request failed. PG is what the client is told.
type Error struct {
	PG      *pgerr.Error
	Outcome Outcome
	// RequestID is the upstream's own name of the request, "" if none came: for logs and for PG.Detail.
	RequestID string
	// KeyUnknown: the upstream does not know the key that signed the token, or not yet. Nothing ran.
	KeyUnknown bool
}

func (e *Error) Error() string { return e.PG.Error() }

// Unwrap gives the *pgerr.Error, whose chain holds the cause.
func (e *Error) Unwrap() error { return e.PG }

// MayHaveRun reports whether the effects of the request may have stayed.
func (e *Error) MayHaveRun() bool { return e.Outcome == Unknown }

// MayHaveRun reports whether the request behind err may have had effects that stayed. An error that is no *Error came
// from a sink or a bug, in mid-run: it may have.
func MayHaveRun(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.MayHaveRun()
	}
	return err != nil
}
