package assembly

import (
	"crypto/tls"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/jwks"
	"github.com/pgturnstile/pgturnstile/jwks/cognito"
	"github.com/pgturnstile/pgturnstile/proxy"
	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/neon"
	"github.com/pgturnstile/pgturnstile/proxy/session"
)

// What each word of the configuration is in the package that it is for.
var (
	plaintexts = map[config.Plaintext]proxy.Plaintext{
		config.PlaintextNever:    proxy.PlaintextNever,
		config.PlaintextLoopback: proxy.PlaintextLoopback,
		config.PlaintextAlways:   proxy.PlaintextAlways,
	}
	tlsVersions = map[config.TLSVersion]uint16{config.TLS12: tls.VersionTLS12, config.TLS13: tls.VersionTLS13}
	tokenUses   = map[config.TokenUse][]string{
		config.TokenUseAccess: {cognito.UseAccess},
		config.TokenUseID:     {cognito.UseID},
		config.TokenUseAny:    {cognito.UseAccess, cognito.UseID},
	}
)

func newVerifier(reg prometheus.Registerer, log *zap.Logger, c *config.Config) (*cognito.Verifier, error) {
	issuers := make([]cognito.IssuerConfig, 0, len(c.Issuers))
	for _, i := range c.Issuers {
		issuer := cognito.IssuerConfig{
			Name:    i.Name,
			Issuers: i.Issuer,
			Keys:    jwks.Config{URL: i.JWKSURL, File: i.JWKSFile, TTL: c.JWKS.TTL, StaleLimit: c.JWKS.StaleLimit},
			Policy: cognito.Policy{
				TokenUse: tokenUses[i.TokenUse], ClientIDs: i.ClientIDs, Groups: i.RequiredGroups, Scopes: i.RequiredScopes,
				ClockSkew: i.ClockSkew, AllowM2M: i.AllowM2M,
			},
		}
		issuer.Region, issuer.UserPoolID = i.Region, i.UserPoolID
		issuers = append(issuers, issuer)
	}
	return cognito.New(reg, log, cognito.Config{Issuers: issuers, MaxToken: int(c.Limits.MaxTokenBytes)})
}

// maxTypes bounds the types of its own that a route keeps of a database.
const maxTypes = 10_000

func newRoutes(reg prometheus.Registerer, log *zap.Logger, c *config.Config) ([]proxy.Route, error) {
	routes := make([]proxy.Route, 0, len(c.Routes))
	for _, r := range c.Routes {
		client, err := neon.New(reg, log, neon.Config{
			Name: r.Name, Host: r.NeonHost, Endpoint: r.Endpoint, Database: r.NeonDatabase, Role: r.Role,
			MaxRequest: int64(r.MaxRequestBytes), MaxReply: int64(r.MaxReplyBytes),
			InFlight: r.RequestsInFlight, QueueWait: r.QueueWait, IdleTimeout: r.UpstreamIdleTimeout,
		})
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", r.Name, err)
		}
		types := catalog.NewTypes(c.FactsTTL, maxTypes)
		routes = append(routes, proxy.Route{
			Route: session.Route{
				Name: r.Name, Role: r.Role, StatementLimit: r.StatementTimeout, MaxRequest: int64(r.MaxRequestBytes),
				Types: types, Describer: describe.New(reg, types, describe.Options{Route: r.Name, Role: r.Role}),
			},
			Database: r.Database,
			Upstream: client,
			Facts:    catalog.NewCache(client, c.FactsTTL, log),
		})
	}
	return routes, nil
}

func tlsFiles(t config.TLS) proxy.TLSFiles {
	return proxy.TLSFiles{Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, MinVersion: tlsVersions[t.MinVersion]}
}
