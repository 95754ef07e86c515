package neon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// answerWith runs one statement against a fake that answers so.
func answerWith(t *testing.T, status int, body string, req *upstream.Request) *upstream.Error {
	t.Helper()
	client := newClient(t, "", func(cfg *Config) {
		cfg.RoundTripper = roundTripper(func(call) (int, string, error) { return status, body, nil })
	})
	err := client.Run(t.Context(), req, &collector{t: t})
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return e
}

const requestIDLine = "neon-request-id: 11111111-2222-3333-4444-555555555555"

func TestPostgresErrorIsPassedOnWhole(t *testing.T) {
	body := `{"message":"m\u00e9","code":"23505","detail":"d","hint":"h","position":"12","internalPosition":"3","internalQuery":"q","severity":"ERROR",` +
		`"where":"unnamed portal parameter $1 = 'x'","table":"t","column":"c","schema":"s","dataType":"dt","constraint":"co","file":"f.c","line":"77","routine":"r"}`
	for _, wrapped := range []string{body, `"` + strings.ReplaceAll(strings.ReplaceAll(body, `\`, `\\`), `"`, `\"`) + `"`} {
		e := answerWith(t, 400, wrapped, single("select 1"))
		want := pgerr.Error{Severity: pgerr.SeverityError, Code: "23505", Message: "mé", Detail: "d", Hint: "h", Position: 12, InternalPosition: 3, InternalQuery: "q",
			Where: "unnamed portal parameter $1 = 'x'", Schema: "s", Table: "t", Column: "c", DataType: "dt", Constraint: "co", File: "f.c", Line: 77, Routine: "r"}
		if *e.PG != want {
			t.Errorf("%+v\nwant %+v", *e.PG, want)
		}
		if e.Outcome != upstream.Failed || e.MayHaveRun() || e.RequestID != "11111111-2222-3333-4444-555555555555" {
			t.Errorf("%+v", e)
		}
	}
}

func TestFatalOfABackendIsNotTheSessions(t *testing.T) {
	for code, c := range map[string]struct {
		status  int
		outcome upstream.Outcome
		hint    bool
	}{
		"57P01": {400, upstream.Failed, true},
		"57P02": {400, upstream.Unknown, true},
		"53300": {500, upstream.NotRun, false},
		"28000": {500, upstream.NotRun, false},
		"3D000": {400, upstream.NotRun, false},
		"57P03": {500, upstream.NotRun, true},
	} {
		e := answerWith(t, c.status, fmt.Sprintf(`{"message":"m","code":"%s","severity":"FATAL"}`, code), single("select 1"))
		check(t, e, code, c.outcome)
		if (e.PG.Hint != "") != c.hint || !strings.Contains(e.PG.Detail, requestIDLine) {
			t.Errorf("%s: %+v", code, e.PG)
		}
	}
	// The same states raised by SQL are the statement's own, and so is a message of Neon's.
	e := answerWith(t, 400, `{"message":"jwk not found","code":"P0001","severity":"ERROR"}`, single("select 1"))
	check(t, e, "P0001", upstream.Failed)
	if e.KeyUnknown {
		t.Error("a message that SQL raised was taken for Neon's")
	}
	for _, code := range []string{"57P01", "08006", "53300", "28000"} {
		e := answerWith(t, 400, fmt.Sprintf(`{"message":"lookalike","code":"%s","severity":"ERROR"}`, code), single("select 1"))
		check(t, e, code, upstream.Failed)
		if e.PG.Detail != "" || e.PG.Hint != "" {
			t.Errorf("%s: %+v", code, e.PG)
		}
	}
}

func TestOwnErrors(t *testing.T) {
	for _, c := range []struct {
		status  int
		message string
		code    string
		outcome upstream.Outcome
		text    string // in the public message
		hint    string // in the hint
		key     bool
	}{
		{400, "jwk not found", "57P03", upstream.NotRun, "does not know the key", "key rotation", true},
		{400, "password authentication failed for user 'jwk not found'", "57P03", upstream.NotRun, "does not know the key", "key rotation", true},
		{400, "missing key id", "28000", upstream.NotRun, "missing key id", "", false},
		{400, "Provided authentication token is not a valid JWT encoding", "28000", upstream.NotRun, "not a valid JWT", "", false},
		{400, "invalid JWT token audience", "28000", upstream.NotRun, "audience", "access tokens", false},
		{400, "JWT token has expired (exp=1795534026)", "28000", upstream.NotRun, "exp=1795534026", "new token", false},
		{400, "JWT token is not yet ready to use (nbf=1795534146)", "28000", upstream.NotRun, "nbf=", "", false},
		{400, "signature error: signature error: verification error", "28000", upstream.NotRun, "verification error", "JWKS URL", false},
		{400, "unsupported key type Okp(Ed25519)", "28000", upstream.NotRun, "Ed25519", "JWKS URL", false},
		{400, "invalid type: string \\\"a\\\\\\\"b\\\", expected a borrowed string at line 1 column 55", "28000", upstream.NotRun, "claim", "", false},
		{400, "failed to fetch auth rules: JWKs settings for this role were not configured", "28000", upstream.NotRun, "not configured", "JWKS URL", false},
		{400, "missing authentication credentials: required authorization bearer token in JWT format", "28000", upstream.NotRun, "bearer", "route", false},
		{500, "db error: ERROR: Token used after it has expired", "28000", upstream.NotRun, "the token: Token used after", "new token", false},
		{500, "db error: ERROR: something\\nDETAIL: more", "28000", upstream.NotRun, "the token: something", "", false},
		{400, "invalid isolation level", "08P01", upstream.NotRun, "isolation", "", false},
		{400, "missing hostname", "08001", upstream.NotRun, "hostname", "route", false},
		{400, "invalid connection string: empty host", "08001", upstream.NotRun, "empty host", "route", false},
		{400, "error serializing parameter 0: value too large to transmit", "54000", upstream.NotRun, "32767", "", false},
		{400, "error encoding message to server: string contains embedded null", "22021", upstream.NotRun, "0x00", "", false},
		{413, "request is too large (max is 1000 bytes)", "54000", upstream.NotRun, "1000 bytes", "shorter", false},
		{507, "response is too large (max is 1000 bytes)", "54000", upstream.Unknown, "1000 bytes", "LIMIT", false},
		{500, "could not set up the JWT authorization database extension", "3D000", upstream.NotRun, "JWT authorization", "pg_session_jwt", false},
		{400, "connection closed", "08007", upstream.Unknown, "connection closed", "", false},
		{500, "connection closed", "08007", upstream.Unknown, "connection closed", "", false},
		{500, "error parsing response from server: invalid message length: expected buffer to be empty", "08007", upstream.Unknown, "out of step", "", false},
		{500, "could not parse postgres response", "08007", upstream.Unknown, "could not parse", "UTF8", false},
		{500, "Unable to parse the response message from server", "08007", upstream.Unknown, "Unable to parse", "", false},
		{400, "Query cancelled, connection was terminated", "57014", upstream.Unknown, "canceling", "", false},
		{400, "some new sentence", "08006", upstream.Unknown, "HTTP status 400: some new sentence", "", false},
		{500, "some new sentence", "08006", upstream.Unknown, "HTTP status 500: some new sentence", "", false},
		{401, "no", "28000", upstream.NotRun, "401", "JWKS URL", false},
		{404, "", "08001", upstream.NotRun, "404", "route", false},
		{307, "", "08001", upstream.NotRun, "307", "route", false},
		{504, "", "08006", upstream.Unknown, "504", "", false},
	} {
		for _, shape := range []string{`{"message":"%s","code":"","severity":"","detail":null}`, `{"msg":"%s","code":null}`, `{"message":"%s"}`} {
			e := answerWith(t, c.status, fmt.Sprintf(shape, c.message), single("select 1"))
			check(t, e, c.code, c.outcome)
			if !strings.Contains(e.PG.Message, c.text) || !strings.Contains(e.PG.Hint, c.hint) || e.KeyUnknown != c.key {
				t.Errorf("%s: %+v", c.message, e)
			}
			if !strings.HasSuffix(e.PG.Detail, requestIDLine) {
				t.Errorf("%s: detail %q", c.message, e.PG.Detail)
			}
		}
	}
}

// TestTooLargeBatchIsUndone: the same 507 means a commit for a single statement and a rollback for a batch.
func TestTooLargeBatchIsUndone(t *testing.T) {
	for _, body := range []string{errorBody("response is too large (max is 1000 bytes)"), "", `"{\"message\":\"response is too large (max is 5 bytes)\",\"code\":\"\"}"`} {
		check(t, answerWith(t, 507, body, single("select 1")), "54000", upstream.Unknown)
		check(t, answerWith(t, 507, body, batch("select 1")), "54000", upstream.Failed)
	}
}

func TestErrorShapes(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   string
		text   string
	}{
		"bare string":           {400, `"query is not supported"`, "08001", "query is not supported"},
		"empty":                 {502, ``, "08006", "HTTP status 502"},
		"HTML":                  {502, `<html><body>Bad gateway</body></html>`, "08006", "HTTP status 502"},
		"plain text":            {500, `upstream connect error`, "08006", "HTTP status 500"},
		"cut object":            {400, `{"message":"x","code":"22012"`, "08006", "HTTP status 400"},
		"wrapped twice":         {500, `"\"{\\\"message\\\":\\\"x\\\"}\""`, "08006", "HTTP status 500: \""},
		"wrapped and cut":       {500, `"{\"message\":\"x"`, "08006", "HTTP status 500"},
		"code twice":            {400, `{"message":"x","code":"22012","code":"22013"}`, "08006", "HTTP status 400"},
		"list":                  {400, `[]`, "08006", "HTTP status 400"},
		"number":                {400, `17`, "08006", "HTTP status 400"},
		"no UTF-8":              {400, "{\"message\":\"a\xffb\",\"code\":\"22012\"}", "22012", "a?b"},
		"NUL":                   {400, `{"message":"a\u0000b","code":"22012"}`, "22012", "ab"},
		"odd code":              {400, `{"message":"x","code":"abc"}`, "08006", "HTTP status 400: x"},
		"code of success":       {400, `{"message":"x","code":"00000"}`, "08006", "HTTP status 400: x"},
		"position as a number":  {400, `{"message":"x","code":"22012","position":4}`, "22012", "x"},
		"odd types":             {400, `{"message":"x","code":"22012","detail":{"a":[1]},"hint":7,"position":"x","line":-1}`, "22012", "x"},
		"message over the size": {400, `{"message":"` + strings.Repeat("x", 1<<20) + `","code":"22012"}`, "22012", "xxx"},
		"a long value repeated": {400, `{"message":"` + strings.Repeat("x", 9<<20) + `","code":"22012"}`, "22012", "xxx"},
		"trailing garbage":      {400, `{"message":"x","code":"22012"}{}`, "08006", "HTTP status 400"},
		"nested too deep":       {400, `{"message":"x","code":"22012","y":` + strings.Repeat("[", 1000), "08006", "HTTP status 400"},
	} {
		e := answerWith(t, c.status, c.body, single("select 1"))
		if e.PG.Code != c.code || !strings.Contains(e.PG.Message, c.text) {
			t.Errorf("%s: %+v", name, e.PG)
		}
		if len(e.PG.Message) > 70<<10 {
			t.Errorf("%s: a message of %d bytes", name, len(e.PG.Message))
		}
	}
}

// TestTokenIsNotRepeated: whatever Neon says, the bearer is not shown.
func TestTokenIsNotRepeated(t *testing.T) {
	for _, body := range []string{`{"message":"bad a.b.c","code":""}`, `{"message":"bad a.b.c","detail":"a.b.c","hint":"a.b.c","code":"22012"}`, `"a.b.c"`,
		`{"message":"signature error: a.b.c","code":""}`} {
		e := answerWith(t, 400, body, single("select 1"))
		if strings.Contains(fmt.Sprintf("%+v %v", *e.PG, e), "a.b.c") {
			t.Errorf("%+v", *e.PG)
		}
	}
}

// TestRulesHaveWhatAClientNeeds looks at the table itself.
func TestRulesHaveWhatAClientNeeds(t *testing.T) {
	for _, r := range rules {
		if !isSQLState(r.code) || r.say == "" || r.text == "" {
			t.Errorf("%+v", r.text)
		}
		if r.retry != retryNever && r.outcome != upstream.NotRun {
			t.Errorf("%s is sent again though it may have run", r.text)
		}
		if r.token && r.outcome != upstream.NotRun {
			t.Errorf("%s: a refused token runs nothing", r.text)
		}
		if first := findRule(r.text); first == nil || first.code != r.code || first.outcome != r.outcome {
			t.Errorf("%s is hidden behind %+v", r.text, first)
		}
	}
}
