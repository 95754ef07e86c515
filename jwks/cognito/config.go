package cognito

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pgturnstile/pgturnstile/jwks"
)

// Config is what New needs.
type Config struct {
	Issuers   []IssuerConfig
	MaxToken  int // bytes; longer ones are refused before parsing; default 16384
	CacheSize int // verified tokens that are remembered; default 10000
	// Now is the wall clock that exp, nbf and iat are compared with. nil: time.Now.
	Now func() time.Time
}

// IssuerConfig is one user pool.
type IssuerConfig struct {
	Name string // config name: the label of metrics and logs

	// Either Region and UserPoolID, from which the issuers and the key set's address follow, or those themselves.
	Region, UserPoolID string
	Issuers            []string // exact values of iss; default: IssuerURLs(Region, UserPoolID)
	// Keys says where the key set comes from; its Issuer is set to Name, its URL, if neither URL nor File is given, follows from the pool.
	Keys jwks.Config

	Policy Policy
}

// Policy is what a pool's valid tokens must say to be let in.
type Policy struct {
	TokenUse  []string      // "access" and/or "id"; default access
	ClientIDs []string      // app clients, compared exactly; at least one
	Groups    []string      // cognito:groups must hold one of them; none: not looked at
	Scopes    []string      // scope must hold all of them as whole words; none: not looked at
	ClockSkew time.Duration // tolerance for exp, nbf and iat at login; default 5 s, at most 30 s
	AllowM2M  bool          // let tokens of the client-credentials grant in, whose sub is the app client
}

// Token uses.
const (
	UseAccess = "access"
	UseID     = "id"
)

const (
	defaultMaxToken  = 16 << 10
	defaultCacheSize = 10_000
	defaultSkew      = 5 * time.Second
	neonSkew         = 30 * time.Second // at exp + 30 s, and with nbf 30 s ahead, Neon refuses
	maxSkew          = neonSkew
	maxLifetime      = 24 * time.Hour // the longest that Cognito can be set to
)

// IssuerURLs returns both forms of iss that Cognito uses for a pool: the original, and the newer one that it recommends.
func IssuerURLs(region, userPoolID string) []string {
	return []string{
		"https://cognito-idp." + region + ".amazonaws.com/" + userPoolID,
		"https://issuer-cognito-idp." + region + ".amazonaws.com/" + userPoolID,
	}
}

// KeySetURL returns where a pool's keys are published.
func KeySetURL(region, userPoolID string) string {
	return IssuerURLs(region, userPoolID)[0] + "/.well-known/jwks.json"
}

// They become part of an address.
var (
	regionForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	poolForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// complete returns c with what follows from other keys filled in, or the fault.
func (c IssuerConfig) complete() (IssuerConfig, error) {
	if c.Name == "" {
		return c, errors.New("an issuer needs a name")
	}
	if c.Region != "" || c.UserPoolID != "" {
		if !regionForm.MatchString(c.Region) || !poolForm.MatchString(c.UserPoolID) {
			return c, fmt.Errorf("issuer %s: region and user pool id are needed together and in Cognito's form", c.Name)
		}
		if len(c.Issuers) == 0 {
			c.Issuers = IssuerURLs(c.Region, c.UserPoolID)
		}
		if c.Keys.URL == "" && c.Keys.File == "" {
			c.Keys.URL = KeySetURL(c.Region, c.UserPoolID)
		}
	}
	if len(c.Issuers) == 0 || slices.Contains(c.Issuers, "") {
		return c, fmt.Errorf("issuer %s: a region and user pool id, or the issuer itself, is needed", c.Name)
	}
	c.Keys.Issuer = c.Name
	var err error
	if c.Policy, err = c.Policy.complete(); err != nil {
		return c, fmt.Errorf("issuer %s: %w", c.Name, err)
	}
	return c, nil
}

func (p Policy) complete() (Policy, error) {
	if len(p.TokenUse) == 0 {
		p.TokenUse = []string{UseAccess}
	}
	for _, use := range p.TokenUse {
		if use != UseAccess && use != UseID {
			return p, fmt.Errorf("token_use %q: access or id", use)
		}
	}
	if p.ClockSkew == 0 {
		p.ClockSkew = defaultSkew
	}
	switch {
	case len(p.ClientIDs) == 0 || slices.Contains(p.ClientIDs, ""):
		return p, errors.New("at least one app client id is needed")
	case slices.Contains(p.Groups, ""):
		return p, errors.New("a required group is empty")
	case p.ClockSkew < 0 || p.ClockSkew > maxSkew:
		return p, fmt.Errorf("clock skew %s: 0 to %s", p.ClockSkew, maxSkew)
	case len(p.Scopes) > 0 && slices.Contains(p.TokenUse, UseID):
		return p, errors.New("id tokens have no scopes: required scopes need token_use access alone")
	}
	for _, scope := range p.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
			return p, fmt.Errorf("required scope %q: one word", scope)
		}
	}
	// The caller's slices may change.
	p.TokenUse, p.ClientIDs = slices.Clone(p.TokenUse), slices.Clone(p.ClientIDs)
	p.Groups, p.Scopes = slices.Clone(p.Groups), slices.Clone(p.Scopes)
	return p, nil
}
