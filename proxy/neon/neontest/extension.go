package neontest

import "strings"

// Errors of pg_session_jwt name the place in its own source; here they are raised in PL/pgSQL, which adds the place there.
// This makes them look as they do with the extension.

// extensionSource is where the extension raises an error, by message.
var extensionSource = map[string]struct{ line, routine string }{
	"Missing runtime parameter: pg_session_jwt.jwk":       {"89", "pg_session_jwt::auth::get_jwk_guc::{{closure}}"},
	"invalid JWT signature encoding":                      {"126", "pg_session_jwt::auth::verify_signature::{{closure}}"},
	"invalid JWT signature":                               {"135", "pg_session_jwt::auth::verify_signature::{{closure}}"},
	"Token ID must be strictly monotonically increasing.": {"155", "pg_session_jwt::auth::verify_token_id::{{closure}}"},
	"invalid JWT encoding":                                {"261", "pg_session_jwt::auth::validate_jwt::{{closure}}::{{closure}}"},
	"invalid subject claim in the JWT":                    {"361", "pg_session_jwt::auth::user_id"},
}

// likeExtension takes the lines about the functions of identity.sql out of an error's context. Nobody but a superuser can make
// another function in the schema auth, so nothing else is taken out.
func likeExtension(e *pgError) {
	if e.where == nil || !strings.Contains(*e.where, "PL/pgSQL function auth.") {
		return
	}
	var kept []string
	lines := strings.Split(*e.where, "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "PL/pgSQL function auth.") && line != `SQL statement "SELECT auth.jwt_session_init(jwt)"` {
			kept = append(kept, line)
		}
	}
	if source, ok := extensionSource[e.message]; ok && strings.HasPrefix(lines[0], "PL/pgSQL function auth.") {
		file := "lib.rs"
		e.file, e.line, e.routine = &file, &source.line, &source.routine
	}
	if e.where = nil; len(kept) > 0 {
		where := strings.Join(kept, "\n")
		e.where = &where
	}
}
