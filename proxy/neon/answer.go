package neon

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/neon/reply"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// refusal is an answer that is no result: the error, and whether and why the request may be sent again.
type refusal struct {
	err   *upstream.Error
	retry retryReason
	token bool // Neon refused the token
}

// answer is what an error is decided by: a non-empty SQLSTATE, then the message, then the HTTP status.
type answer struct {
	status    int
	body      reply.ErrorBody
	requestID string
	batch     bool
	token     string // never to be repeated, whoever says it
}

func (a *answer) refusal() refusal {
	message := a.public(a.body.Message)
	if isSQLState(a.body.Code) {
		return a.postgres(message)
	}
	if r := findRule(message); r != nil {
		return a.ruled(r, message)
	}
	return a.byStatus(message)
}

// postgres passes on an error of the database, whole. The session's client keeps its session whatever became of the
// connection behind, so the severity is always ERROR.
func (a *answer) postgres(message string) refusal {
	b := &a.body
	e := pgerr.New(b.Code, "%s", message)
	e.Detail, e.Hint, e.Where = a.public(b.Detail), a.public(b.Hint), a.public(b.Where)
	e.Position, e.InternalPosition, e.InternalQuery = b.Position, b.InternalPosition, a.public(b.InternalQuery)
	e.Schema, e.Table, e.Column, e.DataType, e.Constraint = b.Schema, b.Table, b.Column, b.DataType, b.Constraint
	e.File, e.Line, e.Routine = b.File, b.Line, b.Routine

	fatal := b.Severity == "FATAL" || b.Severity == "PANIC"
	outcome := upstream.Failed
	switch b.Code {
	case "40003", pgerr.TransactionResolutionUnknown: // statement_completion_unknown
		outcome = upstream.Unknown
	case "57P02": // crash_shutdown: perhaps behind the commit
		if fatal {
			outcome = upstream.Unknown
		}
	case pgerr.TooManyConnections, pgerr.InvalidAuthorization, pgerr.InvalidPassword, pgerr.InvalidCatalogName,
		pgerr.CannotConnectNow, pgerr.InsufficientPrivilege:
		if fatal { // the backend refused the connection
			outcome = upstream.NotRun
		}
	case pgerr.ProtocolViolation:
		if message == cancelled {
			outcome = upstream.Unknown
		}
	}
	if fatal && e.Hint == "" && strings.HasPrefix(b.Code, "57") {
		e = e.WithHint("The database connection behind this statement has ended; the session goes on.")
	}
	if outcome == upstream.Unknown || fatal {
		e = a.withDetail(e, outcome)
	}
	return refusal{err: &upstream.Error{PG: e, Outcome: outcome, RequestID: a.requestID}}
}

// ruled tells one of Neon's own errors.
func (a *answer) ruled(r *rule, message string) refusal {
	words, detail := strings.TrimPrefix(message, sessionError), ""
	if r.text == sessionError {
		words, detail, _ = strings.Cut(words, "\nDETAIL: ")
	}
	say := r.say
	if strings.HasSuffix(say, ": ") {
		say += words
	}
	outcome := r.outcome
	if a.batch && r.text == "response is too large" {
		outcome = upstream.Failed // a batch is rolled back; a single statement has committed
	}
	e := pgerr.New(r.code, "%s", say)
	e.Hint, e.Detail = r.hint, detail
	return refusal{
		err:   &upstream.Error{PG: a.withDetail(e, outcome), Outcome: outcome, RequestID: a.requestID, KeyUnknown: r.keyless},
		retry: r.retry,
		token: r.token,
	}
}

// byStatus decides where neither an SQLSTATE nor a known message does.
func (a *answer) byStatus(message string) refusal {
	say := "Neon answered with HTTP status " + strconv.Itoa(a.status)
	if message != "" {
		say += ": " + message
	}
	f := refusal{err: &upstream.Error{Outcome: upstream.Unknown, RequestID: a.requestID}}
	code, hint := pgerr.ConnectionFailure, ""
	switch a.status {
	case http.StatusTooManyRequests:
		f.err.Outcome, f.retry, code, hint = upstream.NotRun, retryStatus429, pgerr.TooManyConnections, hintAgain
	case http.StatusServiceUnavailable:
		f.err.Outcome, f.retry, code, hint = upstream.NotRun, retryStatus503, pgerr.CannotConnectNow, hintAgain
	case http.StatusUnauthorized, http.StatusForbidden:
		f.err.Outcome, f.token, code, hint = upstream.NotRun, a.status == http.StatusUnauthorized, pgerr.InvalidAuthorization, hintProvider
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		f.err.Outcome, code, hint = upstream.NotRun, pgerr.UnableToConnect, hintRoute
	case http.StatusRequestEntityTooLarge:
		f.err.Outcome, code, hint = upstream.NotRun, pgerr.ProgramLimitExceeded, hintSmaller
	case http.StatusInsufficientStorage:
		code, hint = pgerr.ProgramLimitExceeded, hintLimit
		if a.batch {
			f.err.Outcome = upstream.Failed
		}
	}
	e := pgerr.New(code, "%s", say)
	e.Hint = hint
	f.err.PG = a.withDetail(e, f.err.Outcome)
	return f
}

func (a *answer) withDetail(e *pgerr.Error, o upstream.Outcome) *pgerr.Error {
	return withDetail(e, o, a.requestID)
}

// unknownDetail is said of every request whose effects are not known.
const unknownDetail = "outcome unknown: the statement may have run and its effects may have stayed"

// withDetail adds to e's detail what is known of the request.
func withDetail(e *pgerr.Error, o upstream.Outcome, requestID string) *pgerr.Error {
	detail := e.Detail
	add := func(s string) {
		if detail != "" {
			detail += "\n"
		}
		detail += s
	}
	if o == upstream.Unknown {
		add(unknownDetail)
	}
	if requestID != "" {
		add("neon-request-id: " + requestID)
	}
	if detail == e.Detail {
		return e
	}
	return e.WithDetail("%s", detail)
}

// public returns text unless it repeats the token.
func (a *answer) public(text string) string {
	if a.token != "" && strings.Contains(text, a.token) {
		return strings.ReplaceAll(text, a.token, "[redacted]")
	}
	return text
}

func isSQLState(code string) bool {
	if len(code) != 5 || code == "00000" {
		return false
	}
	for i := range len(code) {
		if c := code[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// requestID takes neon-request-id, which may stand there twice, if it is what a UUID is made of.
func requestID(h http.Header) string {
	id := h.Get("Neon-Request-Id")
	if len(id) > 64 {
		return ""
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return ""
		}
	}
	return id
}
