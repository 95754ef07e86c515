package config

import (
	"fmt"
	"strings"
)

// Warnings returns what works and is likely not meant. c must be valid.
func (c *Config) Warnings() []Fault {
	w := &warnings{}
	for i, l := range c.Listeners {
		at := fmt.Sprintf("listeners[%d]", i)
		if l.Plaintext == PlaintextAlways && !l.Loopback() {
			w.add(at+".plaintext", "is always: whoever can read the network reads the tokens of clients that use no TLS")
		}
		if l.BehindLoadBalancer && (c.Limits.MaxConnectionsPerIP > 0 || c.Limits.MaxUnauthenticatedPerIP > 0) {
			w.add(at+".behind_load_balancer", "the limits per IP do not count here: every client has the load balancer's address")
		}
	}
	for i, issuer := range c.Issuers {
		at := fmt.Sprintf("issuers[%d]", i)
		switch claim := c.UserPolicy.Claim; {
		case claim == "username" && issuer.TokenUse == TokenUseID:
			w.add("user_policy.claim", "id tokens of %s have no claim username; theirs is cognito:username", issuer.Name)
		case claim == "cognito:username" && issuer.TokenUse == TokenUseAccess:
			w.add("user_policy.claim", "access tokens of %s have no claim cognito:username; theirs is username", issuer.Name)
		case claim == "username" && issuer.AllowM2M:
			w.add(at+".allow_m2m", "a program's token has no claim username: user_policy will refuse it")
		}
		if issuer.TokenUse != TokenUseAccess {
			w.add(at+".token_use", "id tokens are made for the app that asked for them, and live in browsers: access tokens are the ones to send to a server")
		}
	}
	c.warnRoutes(w)
	if c.Admin.Address != "" && !loopbackAddress(c.Admin.Address) && c.Admin.MetricsToken.Reveal() == "" {
		w.add("admin.address", "is not a loopback address and metrics_token is empty: whoever reaches it reads the metrics")
	}
	return w.list
}

func (c *Config) warnRoutes(w *warnings) {
	folded := map[string]string{}
	for i, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		if r.Role != "authenticated" && r.Role != "anonymous" {
			w.add(at+".role", "Neon accepts tokens for the roles authenticated and anonymous unless the project says otherwise; see that Row-Level Security holds for %s", quoted(r.Role))
		}
		if r.Endpoint == "" && !strings.HasPrefix(r.NeonHost, "ep-") {
			w.add(at+".neon_host", "hosts of Neon computes begin with ep-")
		}
		if r.Database != r.NeonDatabase {
			for j, other := range c.Routes {
				// The same data for another role, such as visitors', is meant so.
				meant := other.NeonDatabase == r.NeonDatabase && other.NeonHost == r.NeonHost && other.Role != r.Role
				if j != i && other.Database == r.NeonDatabase && !meant {
					w.add(at+".neon_database", "clients that ask for %s get %s, which is also the name of a database with another route", quoted(r.Database), quoted(r.NeonDatabase))
				}
			}
		}
		if first, again := folded[strings.ToLower(r.Database)]; again {
			w.add(at+".database", "differs from %s only in upper and lower case", first)
		}
		folded[strings.ToLower(r.Database)] = at + ".database"
	}
	if c.DefaultRoute != "" {
		w.add("default_route", "every database that has no route, also one that was misspelt, lands in %s", quoted(c.DefaultRoute))
	}
}

type warnings struct{ list []Fault }

func (w *warnings) add(path, format string, args ...any) {
	w.list = append(w.list, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}
