package cognito

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks/strictjson"
)

// Claims are what a verified token says. The same token gives the same *Claims while the verifier remembers it; all but the
// generations is immutable.
type Claims struct {
	Subject   string
	Issuer    string // iss, as in the token
	IssuerID  string // the issuer's config name
	ClientID  string // client_id of an access token, aud of an id token
	TokenUse  string // access or id
	Username  string // username or cognito:username; "" in a machine's token
	KeyID     string
	ID        string   // jti
	OriginID  string   // origin_jti
	Groups    []string // not to be changed
	Scopes    []string // not to be changed
	IssuedAt  time.Time
	NotBefore time.Time // zero if absent
	ExpiresAt time.Time

	payload []byte // the JSON object, for Lookup
	issuer  *issuer
	// What the token was last verified against.
	keyGeneration, policyGeneration atomic.Uint64
}

// Stale reports whether the issuer's keys or its policy have changed since the token was verified. If so, Verify it again before
// the next statement; then it is fresh again, for every holder of these claims. It costs two atomic loads on each side.
func (c *Claims) Stale() bool {
	return c.keyGeneration.Load() != c.issuer.keys.Generation() || c.policyGeneration.Load() != c.issuer.policy.Load().generation
}

// String names the user and nothing else of the token, however the claims are printed.
func (c *Claims) String() string {
	return fmt.Sprintf("claims of sub %s by issuer %s", quote(c.Subject), c.IssuerID)
}

// GoString is String: %#v would print the token's payload.
func (c *Claims) GoString() string { return c.String() }

// Lookup returns a claim whose value is a string.
func (c *Claims) Lookup(name string) (string, bool) {
	members, err := strictjson.Object(c.payload, strictjson.Limits{})
	if err != nil {
		panic("BUG: the payload of a verified token does not parse")
	}
	for _, m := range members {
		if m.Name == name {
			return m.Text()
		}
	}
	return "", false
}

// claims takes a token, whose signature is valid, for claims and checks them against the policy.
func (p *parsed) claims(iss *issuer, policy *policy, now time.Time) (*Claims, *Error) {
	c := &Claims{
		Subject:  p.text("sub"),
		Issuer:   p.text("iss"),
		IssuerID: iss.name,
		TokenUse: p.text("token_use"),
		KeyID:    p.keyID,
		ID:       p.text("jti"),
		OriginID: p.text("origin_jti"),
		payload:  bytes.Clone(p.payload), // without the rest of the token
		issuer:   iss,
	}
	for _, check := range []func(*Claims, *Policy) *Error{p.checkUse, p.checkClient, p.checkSubject} {
		if err := check(c, &policy.Policy); err != nil {
			return nil, err
		}
	}
	if err := p.readDates(c); err != nil {
		return nil, err
	}
	if err := c.checkDates(now, policy.ClockSkew); err != nil {
		return nil, err
	}
	if err := c.checkLifetime(now, policy.ClockSkew); err != nil {
		return nil, err
	}
	if err := p.checkGroups(c, &policy.Policy); err != nil {
		return nil, err
	}
	if err := p.checkScopes(c, &policy.Policy); err != nil {
		return nil, err
	}
	return c, nil
}

func (p *parsed) checkUse(c *Claims, policy *Policy) *Error {
	if slices.Contains(policy.TokenUse, c.TokenUse) {
		return nil
	}
	wanted := strings.Join(policy.TokenUse, " or ")
	if c.TokenUse == "" {
		return refused(TokenUse, "the token is not an %s token (it has no token_use)", wanted)
	}
	return refused(TokenUse, "the token is not an %s token (token_use=%s)", wanted, quote(c.TokenUse)).
		withHint("Use the " + wanted + " token of the same sign-in.")
}

// checkClient looks at client_id in an access token and at aud in an id token, never at the other's.
func (p *parsed) checkClient(c *Claims, policy *Policy) *Error {
	claim := "client_id"
	if c.TokenUse == UseID {
		claim = "aud"
	}
	c.ClientID = p.text(claim)
	if c.ClientID == "" {
		return refused(Client, "the token does not name its app client in %s", claim)
	}
	if !slices.Contains(policy.ClientIDs, c.ClientID) {
		return refused(Client, "the token was issued for another app client")
	}
	return nil
}

func (p *parsed) checkSubject(c *Claims, policy *Policy) *Error {
	c.Username = p.text("username")
	if c.TokenUse == UseID {
		c.Username = p.text("cognito:username")
	}
	if c.Subject == "" {
		return refused(Subject, "the token has no sub")
	}
	if len(c.Subject) > maxSubject {
		return refused(Subject, "the token's sub is too long (%d bytes, the limit is %d)", len(c.Subject), maxSubject)
	}
	// A NUL would cut auth.user_id() on Neon: "a\u0000b" would become "a".
	if hasControl(c.Subject) {
		return refused(Subject, "the token's sub holds a control character")
	}
	if c.TokenUse == UseAccess && c.Subject == c.ClientID && !policy.AllowM2M {
		return refused(Subject, "the token belongs to an app client, not to a user (sub=client_id)").
			withHint("Sign in as a user, or have the operator set allow_m2m for this issuer.")
	}
	return nil
}

// maxSubject is far over Cognito's 36 bytes and below what would burden every log line and policy.
const maxSubject = 256

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r >= 0x7F && r < 0xA0 })
}

func (p *parsed) date(name string) time.Time {
	m, there := p.member(name)
	if !there {
		return time.Time{}
	}
	seconds, _ := m.Integer()
	return time.Unix(seconds, 0)
}

func (p *parsed) readDates(c *Claims) *Error {
	if _, there := p.member("exp"); !there {
		return refused(Lifetime, "the token has no exp")
	}
	c.ExpiresAt, c.NotBefore, c.IssuedAt = p.date("exp"), p.date("nbf"), p.date("iat")
	return nil
}

// checkDates compares with the clock; a remembered token passes here again at each use.
func (c *Claims) checkDates(now time.Time, skew time.Duration) *Error {
	switch {
	case !now.Before(c.ExpiresAt.Add(skew)):
		return refused(Expired, "the token expired at %s", timestamp(c.ExpiresAt)).withHint(hintNewToken)
	case c.NotBefore.After(now.Add(skew)), !c.NotBefore.Before(now.Add(neonSkew)):
		return refused(NotYetValid, "the token is not valid before %s", timestamp(c.NotBefore))
	case c.IssuedAt.After(now.Add(skew)):
		return refused(NotYetValid, "the token was issued in the future, at %s", timestamp(c.IssuedAt))
	}
	return nil
}

// checkLifetime bounds the token's life, which also refuses an exp in milliseconds. A token without iat, which Cognito does not
// issue, counts as issued now.
func (c *Claims) checkLifetime(now time.Time, skew time.Duration) *Error {
	from := c.IssuedAt
	if from.IsZero() {
		from = now.Add(skew)
	}
	if c.ExpiresAt.Sub(from) > maxLifetime {
		return refused(Lifetime, "the token's lifetime is over 24 hours")
	}
	if c.IssuedAt.After(c.ExpiresAt) {
		return refused(Lifetime, "the token expires before it was issued")
	}
	return nil
}

func (p *parsed) checkGroups(c *Claims, policy *Policy) *Error {
	m, there := p.member("cognito:groups")
	if there {
		var ok bool
		if c.Groups, ok = m.Texts(); !ok {
			return refused(Group, "the token's cognito:groups is not a list of names")
		}
	}
	if len(policy.Groups) == 0 || slices.ContainsFunc(c.Groups, func(group string) bool { return slices.Contains(policy.Groups, group) }) {
		return nil
	}
	return refused(Group, "the token's user is in none of the groups that may connect")
}

func (p *parsed) checkScopes(c *Claims, policy *Policy) *Error {
	m, there := p.member("scope")
	if there {
		text, ok := m.Text()
		if !ok {
			return refused(Scope, "the token's scope is not a string")
		}
		// RFC 6749 section 3.3: words separated by a space, no other character separates.
		c.Scopes = slices.DeleteFunc(strings.Split(text, " "), func(word string) bool { return word == "" })
	}
	for _, scope := range policy.Scopes {
		if !slices.Contains(c.Scopes, scope) {
			return refused(Scope, "the token lacks a scope that is needed to connect")
		}
	}
	return nil
}
