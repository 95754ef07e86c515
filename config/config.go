package config

import "time"

// Config is the whole configuration. The yaml tags are the keys of the file; the same key as an environment variable
// is PGTURNSTILE_ and the path in upper case with __ between the levels, for example
// PGTURNSTILE_ISSUERS__0__USER_POOL_ID. The comment of a field is its documentation.
//
// A Config is a value of its reader: nothing in this package changes it after [Load].
type Config struct {
	// The addresses that clients connect to.
	Listeners []Listener `yaml:"listeners"`
	// The Cognito user pools whose tokens are accepted. At least one is required.
	Issuers []Issuer `yaml:"issuers"`
	// Which user name a client must send: `any` (the token alone decides who it is), or `{claim: NAME}`, a claim of the token that the name must equal.
	UserPolicy UserPolicy `yaml:"user_policy"`
	// Where the statements of a database go. At least one is required; a database without a route is refused with 3D000.
	Routes []Route `yaml:"routes"`
	// Name of the route for databases that have none of their own. Empty: such a database is refused.
	DefaultRoute string `yaml:"default_route"`
	// What one process carries.
	Limits Limits `yaml:"limits"`
	// How long a client may take.
	Timeouts Timeouts `yaml:"timeouts"`
	// What happens between SIGTERM and the end of the process.
	Shutdown Shutdown `yaml:"shutdown"`
	// How the signing keys of the issuers are kept.
	JWKS JWKS `yaml:"jwks"`
	// Age at which what a route's server reports about itself (version, TimeZone, ...) is read again.
	FactsTTL time.Duration `yaml:"facts_ttl"`
	// The log, on standard error.
	Log Log `yaml:"log"`
	// The operators' HTTP listener: /metrics, /livez, /readyz, /startupz.
	Admin Admin `yaml:"admin"`
}

// Listener is one address that clients connect to.
type Listener struct {
	// Name of the listener in metrics and logs. Empty: its address.
	Name string `yaml:"name"`
	// TCP `host:port` (an empty host is every address) or `unix:/path/of/socket`.
	Address string `yaml:"address"`
	// The certificate; needed where tokens cross a network.
	TLS TLS `yaml:"tls"`
	// Whether a token is accepted without TLS: `never`, `loopback` (only on loopback addresses and Unix sockets), `always`.
	Plaintext Plaintext `yaml:"plaintext"`
	// Connections come from a load balancer's addresses: the limits per IP are off here, because all clients share them.
	BehindLoadBalancer bool `yaml:"behind_load_balancer"`
}

// TLS is the certificate of one listener. The files are read again when they change.
type TLS struct {
	// File with the certificate chain, PEM.
	Cert string `yaml:"cert"`
	// File with the private key, PEM.
	Key string `yaml:"key"`
	// Oldest TLS version: `1.2` or `1.3`.
	MinVersion TLSVersion `yaml:"min_version"`
	// File with the certificate authorities, PEM, that a client certificate must come from. Empty: none is asked for.
	ClientCA string `yaml:"client_ca"`
}

// Issuer is one Cognito user pool.
type Issuer struct {
	// Name of the issuer in metrics and logs. Empty: the user pool's id.
	Name string `yaml:"name"`
	// AWS region of the pool. Empty: the one that the pool's id begins with.
	Region string `yaml:"region"`
	// Id of the user pool, like `us-east-1_a1B2c3D4e`. Required unless `issuer` is set.
	UserPoolID string `yaml:"user_pool_id"`
	// Ids of the app clients whose tokens are accepted. At least one is required.
	ClientIDs []string `yaml:"client_ids"`
	// Kind of token that is accepted: `access`, `id` or `any`.
	TokenUse TokenUse `yaml:"token_use"`
	// The user must be in at least one of these groups. Empty: no group is asked for.
	RequiredGroups []string `yaml:"required_groups"`
	// An access token must carry all of these scopes. Empty: no scope is asked for.
	RequiredScopes []string `yaml:"required_scopes"`
	// How far the clocks of issuer and proxy may differ at login, 1ms to 30s. A session ends at the token's expiry in any case.
	ClockSkew time.Duration `yaml:"clock_skew"`
	// Accept tokens of the client credentials grant, which stand for a program and not for a user (`sub` is the client's id).
	AllowM2M bool `yaml:"allow_m2m"`
	// Exact values of `iss`, one or a list. Empty: both of Cognito's formats, made of region and pool id.
	Issuer []string `yaml:"issuer"`
	// Address of the key set, https (http on loopback). Empty: the pool's `/.well-known/jwks.json`.
	JWKSURL string `yaml:"jwks_url"`
	// File with the key set; nothing is fetched then.
	JWKSFile string `yaml:"jwks_file"`
}

// Route is where the statements of one database go.
type Route struct {
	// Name of the route in metrics and logs, and for `default_route`. Empty: the database.
	Name string `yaml:"name"`
	// The database that a client asks for.
	Database string `yaml:"database"`
	// Host of the Neon compute as its connection string has it, like `ep-cool-darkness-123456.us-east-2.aws.neon.tech`.
	NeonHost string `yaml:"neon_host"`
	// The database on Neon. Empty: the same name.
	NeonDatabase string `yaml:"neon_database"`
	// The Postgres role that statements run as: `authenticated`, `anonymous`, or one that the project's JWKS setting allows.
	Role string `yaml:"role"`
	// Address that requests are sent to, https (http on loopback), for tests and private deployments. Empty: Neon's, made of neon_host.
	Endpoint string `yaml:"endpoint"`
	// Longest request to the upstream.
	MaxRequestBytes Size `yaml:"max_request_bytes"`
	// Longest reply from the upstream, at most 512MB; one that is longer fails.
	MaxReplyBytes Size `yaml:"max_reply_bytes"`
	// How long one statement may run.
	StatementTimeout time.Duration `yaml:"statement_timeout"`
	// Requests to the upstream at the same time; the smallest Neon compute has about 100 connections.
	RequestsInFlight int `yaml:"requests_in_flight"`
	// How long a statement waits for its turn when all requests are in flight; then 53300.
	QueueWait time.Duration `yaml:"queue_wait"`
	// How long an idle connection to the upstream is kept; below the time after which the upstream closes it.
	UpstreamIdleTimeout time.Duration `yaml:"upstream_idle_timeout"`
}

// Limits is what one process carries. A limit per IP does not count on Unix sockets, nor behind a load balancer.
type Limits struct {
	// Client connections of the process.
	MaxConnections int `yaml:"max_connections"`
	// Client connections from one IP address (IPv6: one /64). 0: no limit of its own.
	MaxConnectionsPerIP int `yaml:"max_connections_per_ip"`
	// Connections that have not logged in yet.
	MaxUnauthenticated int `yaml:"max_unauthenticated"`
	// Connections from one IP address (IPv6: one /64) that have not logged in yet. 0: no limit of its own.
	MaxUnauthenticatedPerIP int `yaml:"max_unauthenticated_per_ip"`
	// Longest message from a client (a statement, or the parameters of one).
	MaxMessageBytes Size `yaml:"max_message_bytes"`
	// Longest token.
	MaxTokenBytes Size `yaml:"max_token_bytes"`
}

// Timeouts is how long a client may take.
type Timeouts struct {
	// From the connection to the accepted token: TLS, startup and password together.
	Login time.Duration `yaml:"login"`
	// How long a write to a client may make no progress.
	ClientWrite time.Duration `yaml:"client_write"`
}

// Shutdown is what happens between SIGTERM and the end of the process. A second signal ends it at once.
type Shutdown struct {
	// How long connections are still accepted while /readyz says 503, for a load balancer to notice.
	MinDrain time.Duration `yaml:"min_drain"`
	// How long running statements may take to end, after min_drain.
	MaxDrain time.Duration `yaml:"max_drain"`
}

// JWKS is how the signing keys of the issuers are kept.
type JWKS struct {
	// Age at which a key set counts as old; it is fetched again before that, in the background.
	TTL time.Duration `yaml:"ttl"`
	// Age up to which the last good key set serves while fetching fails; then logins fail with 57P03.
	StaleLimit time.Duration `yaml:"stale_limit"`
}

// Log is the log on standard error. It never holds a token, a statement or a parameter.
type Log struct {
	// Least level that is written: `debug`, `info`, `warn`, `error`.
	Level LogLevel `yaml:"level"`
	// `json`, or `text` for reading in a terminal.
	Format LogFormat `yaml:"format"`
}

// Admin is the operators' HTTP listener.
type Admin struct {
	// TCP `host:port`. Empty: no such listener.
	Address string `yaml:"address"`
	// Serve Go's profiles under /debug/pprof/; only on a loopback address.
	PProf bool `yaml:"pprof"`
	// Bearer token that /metrics asks for, where the address is reachable by others. Empty: none.
	MetricsToken Secret `yaml:"metrics_token"`
}
