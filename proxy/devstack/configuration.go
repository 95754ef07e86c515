package devstack

import (
	"net"
	"strconv"

	"github.com/pgturnstile/pgturnstile/config"
)

// neonHost is the name under which Neon's stand-in knows the project. Nothing looks it up: the route's endpoint says where
// requests go.
const neonHost = "ep-dev-000001.us-east-2.aws.neon.tech"

// configuration is what a configuration file for this stack's proxy would say, checked as one is.
func (s *Stack) configuration(o Options) (*config.Config, error) {
	c := config.Default()
	listener := config.DefaultListener()
	listener.Name = "main"
	listener.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port))
	listener.TLS.Cert, listener.TLS.Key = s.files.cert, s.files.key
	c.Listeners = []config.Listener{listener}
	c.Admin.Address = "127.0.0.1:0"

	issuer := config.DefaultIssuer()
	issuer.Name = "dev"
	issuer.Region, issuer.UserPoolID = s.issuer.Region(), s.issuer.PoolID()
	issuer.Issuer = []string{s.issuer.Issuer()}
	issuer.ClientIDs = []string{s.issuer.ClientID()}
	issuer.JWKSURL = s.issuer.JWKSURL()
	c.Issuers = []config.Issuer{issuer}

	c.Routes = []config.Route{s.Route(Database, Role)}
	if o.DefaultRoute {
		c.DefaultRoute = Database
	}
	if o.Config != nil {
		o.Config(c, s)
	}
	c.Derive()
	return c, c.Validate()
}

// Route returns a route to the stand-in: for that startup database, to [Database], as role.
func (s *Stack) Route(database, role string) config.Route {
	r := config.DefaultRoute()
	r.Name, r.Database = database, database
	r.NeonHost, r.NeonDatabase, r.Role = neonHost, Database, role
	r.Endpoint = s.neon.URL()
	return r
}
