package proxy

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// maxPassword is PG_MAX_AUTH_TOKEN_LENGTH (src/include/libpq/auth.h), in bytes: the verifier's own limit is tighter and
// has a better sentence.
const maxPassword = 65535

// authResult is a label of auth_attempts_total.
type authResult string

const (
	authOK     authResult = "ok"
	authFailed authResult = "failed" // the client's fault
	authError  authResult = "error"  // it could not be decided
)

// Labels of auth_failures_total beside the verifier's reasons.
const (
	noPasswordMessage cognito.Reason = "protocol" // another message, or a broken one
	undecided         cognito.Reason = "internal" // the verifier failed without a reason
)

// authenticate asks for the token and has it verified. It buffers AuthenticationOk: what comes next sends it.
func (c *conn) authenticate(ctx context.Context) (*cognito.Claims, upstream.Token, *ending) {
	var none upstream.Token
	c.setState(stateAuth)
	c.wire.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := c.wire.Flush(); err != nil {
		return nil, none, c.interrupted(ctx, err)
	}
	password, err := c.wire.ReadPassword(maxPassword)
	if err != nil {
		return nil, none, c.noPassword(ctx, err)
	}
	if password == "" {
		return nil, none, c.denied(authFailed, cognito.Malformed, 0, pgerr.New(pgerr.InvalidPassword, "empty password returned by client").
			WithHint("The password is a Cognito token: set PGPASSWORD."))
	}
	began := time.Now()
	claims, err := c.server.opts.Verifier.Verify(ctx, password)
	took := time.Since(began)
	if err != nil {
		return nil, none, c.refused(ctx, err, took)
	}
	c.fields = append(c.fields, claimFields(claims)...)
	if e := c.server.opts.UserPolicy.check(c.startup.user, claims); e != nil {
		return nil, none, c.denied(authFailed, cognito.UserMismatch, took, e)
	}
	c.server.metrics.authenticated(authOK, "", took)
	c.server.metrics.tokenLifetime.Observe(time.Until(claims.ExpiresAt).Seconds())
	c.record(zap.InfoLevel, "authenticated", "connection authenticated", zap.String("auth_method", "password"),
		zap.String("auth_result", string(authOK)), zap.Int64("duration_ms", time.Since(c.opened).Milliseconds()))
	c.wire.Send(&pgproto3.AuthenticationOk{})
	token, release := c.server.tokens.take(claims, password)
	c.atEnd = append(c.atEnd, release)
	return claims, token, nil
}

// sharedTokens keeps one copy of a token for all connections that came in with it: the verifier gives the same claims for
// the same token while it remembers it. Safe for concurrent use; the zero value is empty.
type sharedTokens struct {
	mu   sync.Mutex
	held map[*cognito.Claims]*sharedToken // no entry without a connection
}

type sharedToken struct {
	token upstream.Token
	users int
}

// take returns the token of that password, whose claims these are, to be held until release.
func (t *sharedTokens) take(claims *cognito.Claims, password string) (token upstream.Token, release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.held[claims]
	if s == nil {
		s = &sharedToken{token: upstream.NewToken(strings.Clone(cognito.Bare(password)))}
		if t.held == nil {
			t.held = make(map[*cognito.Claims]*sharedToken)
		}
		t.held[claims] = s
	}
	s.users++
	return s.token, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(t.held, claims)
		}
	}
}

// noPassword is the ending for an error of ReadPassword. A client that closes instead is no failure: psql does so to ask
// its user, pg_isready because it knows enough.
func (c *conn) noPassword(ctx context.Context, err error) *ending {
	if e, ok := errors.AsType[*pgerr.Error](err); ok {
		return c.denied(authFailed, noPasswordMessage, 0, e)
	}
	end := c.interrupted(ctx, err)
	if end.reason == reasonTimeout {
		return c.denied(authFailed, cognito.Timeout, 0, end.tell)
	}
	return end
}

// refused is the ending for an error of Verify.
func (c *conn) refused(ctx context.Context, err error, took time.Duration) *ending {
	if context.Cause(ctx) != nil { // then it says nothing about the token
		end := c.interrupted(ctx, err)
		if end.reason == reasonTimeout {
			return c.denied(authError, cognito.Timeout, took, end.tell)
		}
		return end
	}
	e, why := publicError(err)
	result := authFailed
	if e.Code == pgerr.CannotConnectNow || e.Code == pgerr.InternalError {
		result = authError
	}
	return c.denied(result, why, took, e)
}

// denied counts and logs a login that failed; why is of a closed vocabulary.
func (c *conn) denied(result authResult, why cognito.Reason, took time.Duration, e *pgerr.Error) *ending {
	c.server.metrics.authenticated(result, why, took)
	c.fields = append(c.fields, zap.String("auth_method", "password"), zap.String("auth_result", string(result)))
	return &ending{reason: reasonAuth, tell: e, why: why}
}

// publicError makes what a client sees of a verifier's error, and the label of auth_failures_total.
func publicError(err error) (*pgerr.Error, cognito.Reason) {
	e, ok := errors.AsType[*cognito.Error](err)
	if !ok {
		return pgerr.New(pgerr.InternalError, "the token could not be verified").Because(err), undecided
	}
	public := pgerr.New(e.SQLSTATE(), "%s", e.Message()).Because(err)
	if hint := e.Hint(); hint != "" {
		public = public.WithHint("%s", hint)
	}
	return public, e.Reason
}

// check applies the policy to a verified token.
func (p UserPolicy) check(user string, claims *cognito.Claims) *pgerr.Error {
	if p.Claim == "" {
		return nil
	}
	if value, ok := claims.Lookup(p.Claim); ok && value == user {
		return nil
	}
	return pgerr.New(pgerr.InvalidAuthorization, `user "%s" is not the token's "%s"`, user, p.Claim).
		WithHint("Connect with the user name that the token was issued to.")
}

// recheck returns what a session asks before each cycle: whether the token would still be accepted. One goroutine uses it.
func (s *Server) recheck(claims *cognito.Claims, token upstream.Token) func(ctx context.Context) *pgerr.Error {
	return func(ctx context.Context) *pgerr.Error {
		if !claims.Stale() {
			return nil
		}
		fresh, err := s.opts.Verifier.Verify(ctx, token.Reveal())
		if err != nil {
			e, _ := publicError(err)
			return e.Fatal()
		}
		claims = fresh
		return nil
	}
}

// claimFields are the log fields of a verified token. The issuer and the key id are the config's and Cognito's, the rest
// may hold what a user once typed.
func claimFields(claims *cognito.Claims) []zap.Field {
	return []zap.Field{
		foreign("issuer", claims.Issuer), foreign("sub", claims.Subject), foreign("client_id", claims.ClientID),
		foreign("token_use", claims.TokenUse), foreign("jti", claims.ID), foreign("origin_jti", claims.OriginID),
		foreign("kid", claims.KeyID), zap.Time("exp", claims.ExpiresAt),
	}
}
