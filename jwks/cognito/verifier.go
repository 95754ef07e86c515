package cognito

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/jwks"
)

// Verifier verifies tokens of several issuers. Its methods may be called from any goroutine.
type Verifier struct {
	issuers  []*issuer
	byClaim  map[string]*issuer // by iss; immutable
	maxToken int
	now      func() time.Time
	tokens   *tokenCache
}

// issuer is one user pool.
type issuer struct {
	name   string
	keys   *jwks.Cache
	policy atomic.Pointer[policy]
}

// policy is immutable; its generation tells it from the one before.
type policy struct {
	Policy
	generation uint64
}

// New returns a verifier whose issuers' keys are being fetched. Errors are faults of the configuration. The owner calls Close.
func New(reg prometheus.Registerer, log *zap.Logger, c Config) (*Verifier, error) {
	if c.MaxToken == 0 {
		c.MaxToken = defaultMaxToken
	}
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxToken < 0 || c.CacheSize < 0 {
		return nil, errors.New("cognito: negative limit")
	}
	if len(c.Issuers) == 0 {
		return nil, errors.New("cognito: at least one issuer is needed")
	}
	v := &Verifier{byClaim: make(map[string]*issuer), maxToken: c.MaxToken, now: c.Now, tokens: newTokenCache(c.CacheSize)}
	metrics := jwks.NewMetrics(reg)
	names := make(map[string]bool)
	for _, config := range c.Issuers {
		if err := v.add(metrics, log, config, names); err != nil {
			v.Close()
			return nil, fmt.Errorf("cognito: %w", err)
		}
	}
	return v, nil
}

func (v *Verifier) add(metrics *jwks.Metrics, log *zap.Logger, config IssuerConfig, names map[string]bool) error {
	config, err := config.complete()
	if err != nil {
		return err
	}
	if names[config.Name] {
		return fmt.Errorf("two issuers are named %s", config.Name)
	}
	names[config.Name] = true
	iss := &issuer{name: config.Name}
	iss.policy.Store(&policy{Policy: config.Policy})
	for _, claim := range config.Issuers {
		if other := v.byClaim[claim]; other != nil {
			return fmt.Errorf("issuer %s: %s is in the list twice", config.Name, claim)
		}
		v.byClaim[claim] = iss
	}
	if iss.keys, err = jwks.New(metrics, log, config.Keys); err != nil {
		return fmt.Errorf("issuer %s: %w", config.Name, err)
	}
	v.issuers = append(v.issuers, iss)
	return nil
}

// Close ends the background refreshes and waits for them.
func (v *Verifier) Close() {
	for _, iss := range v.issuers {
		iss.keys.Close()
	}
}

// SetPolicy replaces the policy of the issuer of that config name. Claims verified before are stale from now on.
func (v *Verifier) SetPolicy(name string, p Policy) error {
	p, err := p.complete()
	if err != nil {
		return fmt.Errorf("cognito: issuer %s: %w", name, err)
	}
	for _, iss := range v.issuers {
		if iss.name == name {
			for {
				old := iss.policy.Load()
				if iss.policy.CompareAndSwap(old, &policy{Policy: p, generation: old.generation + 1}) {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("cognito: no issuer is named %s", name)
}

// Status returns the key set's state of every issuer by config name.
func (v *Verifier) Status() map[string]jwks.Status {
	states := make(map[string]jwks.Status, len(v.issuers))
	for _, iss := range v.issuers {
		states[iss.name] = iss.keys.Status()
	}
	return states
}

// Ready returns nil if the keys of every issuer can be used, stale ones within their limit included.
func (v *Verifier) Ready() error {
	for _, iss := range v.issuers {
		if s := iss.keys.Status(); !s.Usable {
			return fmt.Errorf("cognito: no usable keys of issuer %s", iss.name)
		}
	}
	return nil
}

// Verify returns what the token says if it is a valid token of a configured issuer that the issuer's policy lets in. It may wait for
// one fetch of keys, but no longer than ctx. What pasting adds is taken off (see Bare). The error is an *Error.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	given := len(token)
	token = Bare(token)
	if len(token) > v.maxToken {
		return nil, tooLong(len(token), v.maxToken)
	}
	text := []byte(token)
	key := tokenKey(sha256.Sum256(text))
	if c := v.tokens.get(key, v.now()); c != nil && !c.Stale() {
		if err := c.checkDates(v.now(), c.issuer.policy.Load().ClockSkew); err != nil {
			return nil, err
		}
		return c, nil
	}
	c, err := v.verify(ctx, text, key)
	if err != nil {
		if err.code == codeInvalidPassword {
			err.hint = hintFor(token, given, err)
		}
		return nil, err
	}
	return c, nil
}

// verify does the three steps.
func (v *Verifier) verify(ctx context.Context, token []byte, key tokenKey) (*Claims, *Error) {
	p, err := parse(token)
	if err != nil {
		return nil, err
	}
	// An issuer that is not ours is turned away before any key is looked for: it must cause no fetch.
	iss := v.byClaim[p.text("iss")]
	if iss == nil {
		return nil, invalid(Issuer)
	}
	public, err := iss.checkSignature(ctx, token, p)
	if err != nil {
		return nil, err
	}
	policy, now := iss.policy.Load(), v.now()
	c, err := p.claims(iss, policy, now)
	if err != nil {
		return nil, err
	}
	return v.tokens.put(key, c, public.Generation(), policy.generation, now), nil
}

// checkSignature returns the key that signed the token.
func (iss *issuer) checkSignature(ctx context.Context, token []byte, p *parsed) (*jwks.Key, *Error) {
	public, err := iss.keys.Key(ctx, p.keyID)
	switch {
	case err == nil:
	case errors.Is(err, jwks.ErrUnknownKey):
		return nil, invalid(KeyUnknown)
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, unavailable(err)
	default:
		return nil, timedOut(err)
	}
	payload, err := public.Verify(token)
	if err != nil {
		return nil, invalid(Signature)
	}
	if !bytes.Equal(payload, p.payload) { // two readings of one token
		return nil, invalid(Malformed)
	}
	return public, nil
}

// Bare takes off what pasting adds to a token: ASCII white space around it and one "Bearer ". [Verifier.Verify] does so itself; it is
// for whoever sends on what was verified.
func Bare(password string) string {
	const space, scheme = " \t\r\n\v\f", "Bearer "
	token := strings.Trim(password, space)
	if len(token) >= len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
		token = strings.TrimLeft(token[len(scheme):], space)
	}
	return token
}

// hintFor guesses why a token failed from its length and shape alone, which the sender knows. It is asked only after the token has
// failed: a good token may have any length.
func hintFor(token string, given int, err *Error) string {
	for _, length := range []int{len(token), given} {
		switch length {
		case 1023, 1024, 4095, 990: // macOS' terminal, Linux' terminal, and drivers' buffers
			return hintAnotherTool
		}
	}
	if err.Reason != Malformed {
		return ""
	}
	switch dots := strings.Count(token, "."); {
	case strings.HasPrefix(token, "eyJ") && dots < 2: // begins as a token and is cut
		return hintAnotherTool
	default:
		return hintShape
	}
}
