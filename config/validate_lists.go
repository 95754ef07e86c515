package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (k *checker) listeners(c *Config) {
	if len(c.Listeners) == 0 {
		k.fault("listeners", "at least one listener is required")
	}
	names, addresses := seen{}, seen{}
	for i, l := range c.Listeners {
		at := fmt.Sprintf("listeners[%d]", i)
		k.listener(at, l)
		if !anyPort(l.Address) && addresses.twice(k, at+".address", l.Address) {
			continue // its name may be the same only because it is made of the address
		}
		k.label(at+".name", l.Name)
		names.twice(k, at+".name", l.Name)
	}
}

func (k *checker) listener(at string, l Listener) {
	network, address := l.Network()
	reachable := false // by others, as far as the address can be read
	switch {
	case network != "unix":
		reachable = k.tcpAddress(at+".address", address) && !l.Loopback()
	case !filepath.IsAbs(address) || len(address) > maxSocketPath:
		k.fault(at+".address", "expected unix: and an absolute path of at most %d bytes", maxSocketPath)
	case l.TLS.Enabled():
		k.fault(at+".tls", "Postgres clients use no TLS on a Unix socket")
	case l.BehindLoadBalancer:
		k.fault(at+".behind_load_balancer", "a Unix socket is not behind a load balancer")
	}
	oneOf(k, at+".plaintext", l.Plaintext, PlaintextNever, PlaintextLoopback, PlaintextAlways)
	oneOf(k, at+".tls.min_version", l.TLS.MinVersion, TLS12, TLS13)
	switch {
	case l.TLS.Cert != "" && l.TLS.Key == "":
		k.fault(at+".tls.key", "is missing: tls.cert is set")
	case l.TLS.Key != "" && l.TLS.Cert == "":
		k.fault(at+".tls.cert", "is missing: tls.key is set")
	case l.TLS.ClientCA != "" && !l.TLS.Enabled():
		k.fault(at+".tls.client_ca", "needs tls.cert and tls.key")
	case !l.TLS.Enabled() && l.Plaintext == PlaintextNever:
		k.fault(at+".tls", "is missing, and plaintext is never: nobody could log in")
	case !l.TLS.Enabled() && l.Plaintext == PlaintextLoopback && reachable:
		k.fault(at+".tls", "is missing, and %s is not a loopback address: tokens would cross the network in plain text", quoted(l.Address))
	}
}

// maxSocketPath is what sockaddr_un holds, without its last NUL.
const maxSocketPath = 107

func (k *checker) issuers(c *Config) {
	if len(c.Issuers) == 0 {
		k.fault("issuers", "at least one issuer is required: the user pool whose tokens are accepted")
	}
	names, values := seen{}, seen{}
	for i, issuer := range c.Issuers {
		at := fmt.Sprintf("issuers[%d]", i)
		k.issuer(at, issuer)
		again := false
		for j, value := range issuer.Issuer {
			where := at + ".issuer"
			if !issuer.derivable() || !slices.Equal(issuer.Issuer, cognitoIssuers(issuer.Region, issuer.UserPoolID)) {
				where = fmt.Sprintf("%s.issuer[%d]", at, j)
				k.webAddress(where, value)
			}
			if !again {
				again = values.twice(k, where, value)
			}
		}
		if again {
			continue
		}
		switch {
		case issuer.Name != issuer.UserPoolID: // else that is said already
			k.label(at+".name", issuer.Name)
		case issuer.Name == "" && len(issuer.Issuer) > 0:
			k.fault(at+".name", "is required: there is no user_pool_id to take it from")
		}
		names.twice(k, at+".name", issuer.Name)
	}
}

var (
	clientPattern = regexp.MustCompile(`^[A-Za-z0-9_+]{1,128}$`) // Cognito's own, for ClientId
	scopePattern  = regexp.MustCompile(`^[!#-\[\]-~]{1,256}$`)   // RFC 6749 section 3.3
)

func (k *checker) issuer(at string, i Issuer) {
	switch {
	case i.UserPoolID == "" && len(i.Issuer) == 0:
		k.fault(at+".user_pool_id", "is required, or issuer with jwks_url or jwks_file")
	case i.UserPoolID != "" && !poolPattern.MatchString(i.UserPoolID):
		k.fault(at+".user_pool_id", "expected a user pool's id like us-east-1_a1B2c3D4e, found %s", quoted(i.UserPoolID))
	case i.UserPoolID == "" && i.Region != "":
		k.fault(at+".region", "has no use without user_pool_id")
	case i.UserPoolID == "":
	case !anyRegionPattern.MatchString(i.Region):
		k.fault(at+".region", "expected an AWS region like us-east-1, found %s", quoted(i.Region))
	case !regionPattern.MatchString(i.Region) && (len(i.Issuer) == 0 || i.JWKSURL == "" && i.JWKSFile == ""):
		k.fault(at+".region", "Cognito's addresses in %s are not known here: set issuer and jwks_url", quoted(i.Region))
	case !strings.HasPrefix(i.UserPoolID, i.Region+"_") && slices.Equal(i.Issuer, cognitoIssuers(i.Region, i.UserPoolID)):
		k.fault(at+".region", "%s is not the region in user_pool_id %s: if it is meant, set issuer", i.Region, quoted(i.UserPoolID))
	}
	switch {
	case i.JWKSURL != "" && i.JWKSFile != "":
		k.fault(at+".jwks_file", "contradicts jwks_url: the keys come from one of them")
	case i.JWKSURL != "":
		k.webAddress(at+".jwks_url", i.JWKSURL)
	case i.JWKSFile == "" && len(i.Issuer) > 0:
		k.fault(at+".jwks_url", "or jwks_file is required: without user_pool_id the address of the keys is not known")
	}
	if len(i.ClientIDs) == 0 {
		k.fault(at+".client_ids", "at least one app client is required: without it tokens of every app of the pool would be accepted")
	}
	k.each(at+".client_ids", i.ClientIDs, clientPattern, "an app client's id")
	k.each(at+".required_scopes", i.RequiredScopes, scopePattern, "a scope without spaces")
	k.each(at+".required_groups", i.RequiredGroups, groupPattern, "a group's name")
	between(k, at+".clock_skew", i.ClockSkew, time.Millisecond, 30*time.Second)
	oneOf(k, at+".token_use", i.TokenUse, TokenUseAccess, TokenUseID, TokenUseAny)
	switch {
	case len(i.RequiredScopes) > 0 && i.TokenUse != TokenUseAccess:
		k.fault(at+".required_scopes", "contradicts token_use %s: only access tokens carry scopes", i.TokenUse)
	case i.AllowM2M && i.TokenUse == TokenUseID:
		k.fault(at+".allow_m2m", "contradicts token_use id: the client credentials grant gives access tokens only")
	case i.AllowM2M && len(i.RequiredGroups) > 0:
		k.fault(at+".allow_m2m", "contradicts required_groups: a program's token carries no groups and would always be refused")
	}
}

var groupPattern = regexp.MustCompile(`^[^\x00-\x20\x7f]{1,128}$`) // Cognito's own: letters, marks, symbols, numbers, punctuation

// each checks the entries of a list of texts.
func (k *checker) each(at string, list []string, pattern *regexp.Regexp, what string) {
	for i, text := range list {
		if !pattern.MatchString(text) || !printable(text) {
			k.fault(fmt.Sprintf("%s[%d]", at, i), "expected %s, found %s", what, quoted(text))
		}
	}
}

var claimPattern = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,64}$`)

func (k *checker) userPolicy(c *Config) {
	const at = "user_policy.claim"
	switch claim := c.UserPolicy.Claim; {
	case claim == "":
	case !claimPattern.MatchString(claim):
		k.fault(at, "expected the name of a claim, found %s", quoted(claim))
	case slices.Contains([]string{"exp", "iat", "nbf", "auth_time", "version", "cognito:groups", "cognito:roles", "identities", "email_verified"}, claim):
		k.fault(at, "%s is not a text claim: no user name can equal it", claim)
	}
}

func (k *checker) routes(c *Config) {
	if len(c.Routes) == 0 {
		k.fault("routes", "at least one route is required: which database stands where on Neon")
	}
	names, databases := seen{}, seen{}
	for i, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		k.route(at, r)
		if databases.twice(k, at+".database", r.Database) {
			continue // its name may be the same only because it is made of the database
		}
		if r.Name != r.Database { // else that is said already
			k.label(at+".name", r.Name)
		}
		names.twice(k, at+".name", r.Name)
	}
	if _, known := names[c.DefaultRoute]; c.DefaultRoute != "" && !known {
		k.fault("default_route", "there is no route called %s", quoted(c.DefaultRoute))
	}
}

const neonDomain = ".neon.tech"

func (k *checker) route(at string, r Route) {
	k.identifier(at+".database", r.Database)
	if r.NeonDatabase != r.Database { // else that is said already
		k.identifier(at+".neon_database", r.NeonDatabase)
	}
	k.identifier(at+".role", r.Role)
	first, rest, _ := strings.Cut(r.NeonHost, ".")
	switch {
	case r.NeonHost == "":
		k.fault(at+".neon_host", "is required: the host in Neon's connection string")
	case len(r.NeonHost) > 253 || !hostPattern.MatchString(r.NeonHost) || rest == "" || strings.Trim(r.NeonHost, "0123456789.") == "":
		k.fault(at+".neon_host", "expected a host name alone, like ep-cool-darkness-123456.us-east-2.aws.neon.tech, found %s", quoted(r.NeonHost))
	case slices.Contains([]string{"api", "apiauth", "apirest"}, first):
		k.fault(at+".neon_host", "is the address of Neon's API: take the compute's host from the connection string, it begins with ep-")
	case r.Endpoint == "" && (!strings.HasSuffix(r.NeonHost, neonDomain) || "."+rest == neonDomain):
		k.fault(at+".neon_host", "is no compute's host below neon.tech: tokens are sent elsewhere only where endpoint says so")
	}
	if r.Endpoint != "" {
		k.webAddress(at+".endpoint", r.Endpoint)
	}
	between(k, at+".max_request_bytes", r.MaxRequestBytes, Kilobyte, Gigabyte)
	between(k, at+".max_reply_bytes", r.MaxReplyBytes, Kilobyte, 512*Megabyte) // a DataRow's lengths must fit their 32 bits
	between(k, at+".statement_timeout", r.StatementTimeout, 10*time.Millisecond, 24*time.Hour)
	between(k, at+".requests_in_flight", r.RequestsInFlight, 1, 10_000)
	between(k, at+".queue_wait", r.QueueWait, time.Millisecond, time.Hour)
	between(k, at+".upstream_idle_timeout", r.UpstreamIdleTimeout, time.Second, time.Hour)
}

// seen holds the values that must differ within a list, and where each stands.
type seen map[string]string

// twice reports whether value stands in s already, which is a fault, and keeps it. The empty value never counts.
func (s seen) twice(k *checker, path, value string) bool {
	if value == "" {
		return false
	}
	if first, again := s[value]; again {
		k.fault(path, "%s stands in %s already", quoted(value), first)
		return true
	}
	s[value] = path
	return false
}
