package neon

import (
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// retryReason says why nothing of a request ran, so that it may be sent again; it is the label of a counter.
type retryReason string

const (
	retryNever        retryReason = ""
	retryDial         retryReason = "dial"
	retryNotWritten   retryReason = "not_written"
	retryConnect      retryReason = "connect"
	retryPermit       retryReason = "permit"
	retryControlPlane retryReason = "control_plane"
	retryStatus429    retryReason = "status_429"
	retryStatus503    retryReason = "status_503"
)

var retryReasons = []retryReason{retryDial, retryNotWritten, retryConnect, retryPermit, retryControlPlane, retryStatus429, retryStatus503}

// rule says what one of Neon's own messages means. Neon gives these without an SQLSTATE.
type rule struct {
	text  string
	match func(message, text string) bool

	code    string
	say     string // the public sentence; a final ": " is followed by Neon's own words
	hint    string
	outcome upstream.Outcome
	retry   retryReason
	token   bool // Neon refused the token
	keyless bool // ... because it does not know its key
}

func exact(message, text string) bool { return message == text }

const (
	sayToken   = "Neon refused the token: "
	sayRequest = "Neon refused the request: "
	sayConnect = "Neon could not connect to the database: "
	sayLost    = "Neon lost the answer of the database: "

	hintRoute     = "Check the route's host, database, role and endpoint."
	hintProvider  = "The JWKS URL of the user pool must be registered in Neon for the route's role."
	hintRotation  = "After a key rotation Neon can take 5 minutes to learn the new key. If it stays, check that the user pool's JWKS URL is registered in Neon for the route's role."
	hintAudience  = "Remove the JWT audience from the provider in Neon, or use tokens with that audience: Cognito's access tokens have none."
	hintNewToken  = "Get a new token and connect again."
	hintSmaller   = "Send fewer or shorter statements and parameters at once."
	hintLimit     = "Use LIMIT, or fetch the result in parts."
	hintAgain     = "Try again later."
	hintExtension = "Check that the route's database exists and that the extension pg_session_jwt can be installed in it."
	hintEncoding  = "client_encoding of the role and the database must be UTF8."
)

// rules is looked through from the top; the first match holds. The texts are Neon's, word by word.
var rules = []rule{
	// The token was refused before anything else.
	{text: "jwk not found", match: strings.HasSuffix, code: pgerr.CannotConnectNow, say: "Neon does not know the key that signed the token, or not yet", hint: hintRotation, outcome: upstream.NotRun, token: true, keyless: true},
	{text: "password authentication failed for user 'jwk not found'", match: exact, code: pgerr.CannotConnectNow, say: "Neon does not know the key that signed the token, or not yet", hint: hintRotation, outcome: upstream.NotRun, token: true, keyless: true},
	{text: "missing key id", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, outcome: upstream.NotRun, token: true},
	{text: "Provided authentication token is not a valid JWT encoding", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, outcome: upstream.NotRun, token: true},
	{text: "invalid JWT token audience", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintAudience, outcome: upstream.NotRun, token: true},
	{text: "JWT token has expired", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintNewToken, outcome: upstream.NotRun, token: true},
	{text: "JWT token is not yet ready to use", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, outcome: upstream.NotRun, token: true},
	{text: "signature error", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "signature algorithm not supported", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, outcome: upstream.NotRun, token: true},
	{text: "invalid RSA signing algorithm", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, outcome: upstream.NotRun, token: true},
	{text: "invalid RSA key", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "invalid P256 key", match: exact, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "unsupported key type", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "unsupported EC key type", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "invalid type: string", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: "Neon refused the token: the name of a claim needs a JSON escape", outcome: upstream.NotRun, token: true},
	{text: "failed to fetch auth rules", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintProvider, outcome: upstream.NotRun, token: true},
	{text: "missing authentication credentials", match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintRoute, outcome: upstream.NotRun, token: true},
	// pg_session_jwt refused the token before the statement.
	{text: sessionError, match: strings.HasPrefix, code: pgerr.InvalidAuthorization, say: sayToken, hint: hintNewToken, outcome: upstream.NotRun, token: true},

	// The request was refused before anything ran.
	{text: "query is not supported", match: exact, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "invalid isolation level", match: exact, code: pgerr.ProtocolViolation, say: sayRequest, outcome: upstream.NotRun},
	{text: "could not parse the HTTP request body", match: strings.HasPrefix, code: pgerr.ProtocolViolation, say: "Neon could not parse the request", outcome: upstream.NotRun},
	{text: "missing hostname", match: exact, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "missing username", match: exact, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "missing database name", match: exact, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "invalid username", match: strings.HasPrefix, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "incorrect scheme", match: exact, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "invalid connection string", match: strings.HasPrefix, code: pgerr.UnableToConnect, say: sayRequest, hint: hintRoute, outcome: upstream.NotRun},
	{text: "error serializing parameter", match: strings.HasPrefix, code: pgerr.ProgramLimitExceeded, say: "a parameter is too large, or there are more than 32767 of them", outcome: upstream.NotRun},
	{text: "error encoding message to server: string contains embedded null", match: exact, code: pgerr.CharacterNotInRepertoire, say: "invalid byte sequence for encoding \"UTF8\": 0x00", outcome: upstream.NotRun},
	{text: "request is too large", match: strings.HasPrefix, code: pgerr.ProgramLimitExceeded, say: sayRequest, hint: hintSmaller, outcome: upstream.NotRun},

	// The database was not reached.
	{text: "could not set up the JWT authorization database extension", match: exact, code: pgerr.InvalidCatalogName, say: "Neon could not set up the database for JWT authorization", hint: hintExtension, outcome: upstream.NotRun},
	{text: "Could not establish HTTP connection to the database", match: strings.HasPrefix, code: pgerr.UnableToConnect, say: "Neon could not connect to the database", hint: hintAgain, outcome: upstream.NotRun, retry: retryConnect},
	{text: "error connecting to server", match: strings.HasPrefix, code: pgerr.UnableToConnect, say: sayConnect, hint: hintAgain, outcome: upstream.NotRun, retry: retryConnect},
	{text: "Too many connections to this endpoint", match: strings.HasPrefix, code: pgerr.TooManyConnections, say: "too many connections to the Neon endpoint", hint: hintAgain, outcome: upstream.NotRun, retry: retryPermit},
	{text: "Failed to acquire permit to connect to the database", match: strings.HasPrefix, code: pgerr.TooManyConnections, say: "too many connection attempts to the database", hint: hintAgain, outcome: upstream.NotRun, retry: retryPermit},
	{text: "Control plane request failed", match: strings.HasPrefix, code: pgerr.CannotConnectNow, say: sayConnect, hint: "Check that the Neon endpoint exists, is enabled and within its quotas.", outcome: upstream.NotRun, retry: retryControlPlane},

	// The answer is lost: whatever the statement did may have stayed.
	{text: "response is too large", match: strings.HasPrefix, code: pgerr.ProgramLimitExceeded, say: "the result is too large for Neon: ", hint: hintLimit, outcome: upstream.Unknown},
	{text: "connection closed", match: exact, code: pgerr.TransactionResolutionUnknown, say: sayLost, outcome: upstream.Unknown},
	{text: "error parsing response from server", match: strings.HasPrefix, code: pgerr.TransactionResolutionUnknown, say: "Neon and the database were out of step", outcome: upstream.Unknown},
	{text: "could not parse postgres response", match: exact, code: pgerr.TransactionResolutionUnknown, say: sayLost, hint: hintEncoding, outcome: upstream.Unknown},
	{text: "Unable to parse the response message from server", match: exact, code: pgerr.TransactionResolutionUnknown, say: sayLost, outcome: upstream.Unknown},
	{text: cancelled, match: exact, code: pgerr.QueryCanceled, say: "canceling statement: Neon dropped its connection to the database", outcome: upstream.Unknown},
}

// sessionError is the head of an error that the database raised while the session's identity was set up.
const sessionError = "db error: ERROR: "

// cancelled is what a client that has gone is told.
const cancelled = "Query cancelled, connection was terminated"

func findRule(message string) *rule {
	for i := range rules {
		if r := &rules[i]; r.match(message, r.text) {
			return r
		}
	}
	return nil
}
