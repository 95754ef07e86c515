package config

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// Derive fills in what is empty and made of other settings: names, an issuer's region, issuer and jwks_url, a route's
// neon_database. [Load] does it; a program that builds a Config itself does it before [Config.Validate].
func (c *Config) Derive() {
	for i := range c.Listeners {
		c.Listeners[i].derive()
	}
	for i := range c.Issuers {
		c.Issuers[i].derive()
	}
	for i := range c.Routes {
		c.Routes[i].derive()
	}
}

func (l *Listener) derive() {
	if l.Name == "" {
		l.Name = l.Address
	}
}

const unixPrefix = "unix:"

// Network returns the arguments of net.Listen.
func (l Listener) Network() (network, address string) {
	if path, ok := strings.CutPrefix(l.Address, unixPrefix); ok {
		return "unix", path
	}
	return "tcp", l.Address
}

// Loopback reports whether only this machine can reach the listener: a Unix socket or a loopback address.
func (l Listener) Loopback() bool {
	network, address := l.Network()
	return network == "unix" || loopbackAddress(address)
}

// AcceptsPlaintext reports whether a token is accepted on it without TLS.
func (l Listener) AcceptsPlaintext() bool {
	return l.Plaintext == PlaintextAlways || l.Plaintext == PlaintextLoopback && l.Loopback()
}

// LimitsPerIP reports whether the limits per IP address count on it.
func (l Listener) LimitsPerIP() bool {
	network, _ := l.Network()
	return network != "unix" && !l.BehindLoadBalancer
}

// Enabled reports whether there is a certificate.
func (t TLS) Enabled() bool { return t.Cert != "" || t.Key != "" }

var (
	// regionPattern is the form of the regions whose host names end in amazonaws.com (the Chinese ones do not).
	regionPattern = regexp.MustCompile(`^(af|ap|ca|eu|il|me|mx|sa|us)(-gov)?-[a-z]{4,12}-[0-9]$`)
	// anyRegionPattern is the form of a region's name.
	anyRegionPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	// poolPattern is Cognito's own, for UserPoolId, but for the length of 55, which stand-ins for Cognito may go beyond.
	poolPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}_[0-9A-Za-z]{1,50}$`)
)

func (i *Issuer) derive() {
	if i.Name == "" {
		i.Name = i.UserPoolID
	}
	if i.Region == "" {
		i.Region, _, _ = strings.Cut(i.UserPoolID, "_")
	}
	if !i.derivable() {
		return
	}
	if len(i.Issuer) == 0 {
		i.Issuer = cognitoIssuers(i.Region, i.UserPoolID)
	}
	if i.JWKSURL == "" && i.JWKSFile == "" {
		i.JWKSURL = cognitoIssuers(i.Region, i.UserPoolID)[0] + "/.well-known/jwks.json"
	}
}

// derivable reports whether region and pool id are fit to be made into host names.
func (i *Issuer) derivable() bool {
	return regionPattern.MatchString(i.Region) && poolPattern.MatchString(i.UserPoolID)
}

// cognitoIssuers returns the two formats that Cognito gives the iss claim of a pool, the older one first.
func cognitoIssuers(region, pool string) []string {
	return []string{
		"https://cognito-idp." + region + ".amazonaws.com/" + pool,
		"https://issuer-cognito-idp." + region + ".amazonaws.com/" + pool,
	}
}

func (r *Route) derive() {
	if r.Name == "" {
		r.Name = r.Database
	}
	if r.NeonDatabase == "" {
		r.NeonDatabase = r.Database
	}
}

// loopbackAddress reports whether host:port is an address of this machine alone.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
