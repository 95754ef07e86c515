package neontest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest/rustjson"
)

//go:embed identity.sql
var identitySQL string

// installLock keeps two installations apart, whoever runs them.
const installLock = 5847261

// Install creates the schema auth with what pg_session_jwt provides, for sessions that a [Server] opens. conn is a
// superuser's. It may be repeated. Roles need USAGE on the schema, which the server grants when it first sees a role.
func Install(ctx context.Context, conn *pgconn.PgConn) error {
	sql := fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d);\n%s\nCOMMIT", installLock, identitySQL)
	if err := conn.Exec(ctx, sql).Close(); err != nil {
		return fmt.Errorf("neontest: install the auth schema: %w", err)
	}
	return nil
}

// prepareRole installs the functions in a database and lets role use them. An empty database is whatever the connection
// names.
func prepareRole(ctx context.Context, conn *pgconn.PgConn, role string) error {
	if err := Install(ctx, conn); err != nil {
		return err
	}
	sql := fmt.Sprintf("GRANT USAGE ON SCHEMA auth TO %s; %s", pgx.Identifier{role}.Sanitize(), forgetSQL)
	if err := conn.Exec(ctx, sql).Close(); err != nil {
		return fmt.Errorf("neontest: grant the auth schema: %w", err)
	}
	return nil
}

// forgetSQL forgets backends that are gone. A row that is left does no harm: its start time is no living backend's.
const forgetSQL = `DELETE FROM auth.backend b
  WHERE NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) s WHERE s.pid = b.pid AND s.backend_start = b.started)`

// registerSQL makes a backend known with its key.
const registerSQL = `INSERT INTO auth.backend (pid, started, ipad, opad)
  SELECT s.pid, s.backend_start, $2::bytea, $3::bytea FROM pg_stat_get_activity($1::int) s
  ON CONFLICT (pid) DO UPDATE SET started = EXCLUDED.started, ipad = EXCLUDED.ipad, opad = EXCLUDED.opad, jti = 0, token = NULL`

func newKey() []byte {
	key := make([]byte, sha512.Size)
	_, _ = rand.Read(key) // never fails
	return key
}

// sessionSettings are what a connection of the endpoint starts with: no session, and something that names the key as
// the original does, in the form of a public one, which this is not.
func sessionSettings(key []byte) map[string]string {
	print := sha256.Sum256(key)
	return map[string]string{
		"client_encoding":          "UTF8",
		"request.jwt.claims":       "", // which the extension makes known, as the next
		"pg_session_jwt.audit_log": "",
		"pg_session_jwt.jwt":       " ",
		"pg_session_jwt.jwk":       `{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(print[:]) + `"}`,
	}
}

// register tells Postgres the key of the backend pid. conn is a superuser's, in the same database.
func register(ctx context.Context, conn *pgconn.PgConn, pid uint32, key []byte) error {
	pad := func(with byte) []byte {
		padded := make([]byte, sha512.BlockSize)
		copy(padded, key)
		for i := range padded {
			padded[i] ^= with
		}
		return fmt.Appendf(nil, `\x%x`, padded)
	}
	params := [][]byte{strconv.AppendUint(nil, uint64(pid), 10), pad(0x36), pad(0x5c)}
	result := conn.ExecParams(ctx, registerSQL, params, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("neontest: register a backend: %w", result.Err)
	}
	return nil
}

// sessionToken signs the claims of a verified token for one backend, with its number jti. What Neon's program or
// pg_session_jwt would refuse is refused in their words.
func sessionToken(payload []byte, jti int64, key []byte) (string, *failure) {
	members, err := rustjson.NewDecoder(payload).BorrowedMembers()
	if err != nil {
		return "", refusal("%s", err)
	}
	number := strconv.AppendInt(nil, jti, 10)
	replaced := false
	for i := range members {
		if members[i].Name == "jti" {
			members[i].Raw, replaced = number, true
		}
	}
	if !replaced {
		members = append(members, rustjson.RawMember{Name: "jti", Raw: number})
	}
	text := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(rustjson.AppendString(text, m.Name), ':'), m.Raw...)
	}
	text = append(text, '}')
	inPostgres := func(format string, args ...any) (string, *failure) {
		return "", refusal("db error: ERROR: "+format, args...).as(http.StatusInternalServerError)
	}
	claims, err := rustjson.NewStreamDecoder(text).Value()
	if err != nil {
		return inPostgres("could not parse JWT component\nDETAIL: %s", err)
	}
	for _, date := range []struct{ name, what string }{{"nbf", "Not Before"}, {"exp", "Expiration"}} {
		if v := lastMember(claims, date.name); v != nil && (v.Kind != rustjson.Uint || v.Uint > math.MaxInt64) {
			return inPostgres("'%s' (%s) must be an integer representing seconds since unix epoch", date.name, date.what)
		}
	}
	b64 := base64.RawURLEncoding
	// The header says EdDSA, as the original's does: nobody reads it. A backslash is written so that \u0000 is always a NUL,
	// see identity.sql.
	written := bytes.ReplaceAll(rustjson.Append(nil, claims), []byte(`\\`), []byte(`\u005c`))
	signed := b64.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + "." + b64.EncodeToString(written)
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte(signed))
	return signed + "." + b64.EncodeToString(mac.Sum(nil)), nil
}

func lastMember(v rustjson.Value, name string) (found *rustjson.Value) {
	for i := range v.Pairs {
		if v.Pairs[i].Name == name {
			found = &v.Pairs[i].Value
		}
	}
	return found
}

// rustUUID reads the forms of a UUID that Rust's uuid crate takes, "" for anything else. It returns the hyphenated form in
// lower case.
func rustUUID(s string) string {
	bare := strings.TrimPrefix(s, "urn:uuid:")
	if len(bare) < len(s) && len(bare) != 36 {
		return ""
	}
	s = strings.ToLower(bare)
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	digits := s
	if len(s) == 36 {
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return ""
		}
		digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
