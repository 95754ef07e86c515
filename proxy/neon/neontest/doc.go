// Package neontest is a stand-in for Neon's SQL-over-HTTP endpoint, for tests and for `pgturnstile dev`: a server that
// answers as Neon's own software does, over a real Postgres, and that misbehaves on demand ([Server.Fault]).
//
// It checks tokens, runs statements and forms answers by the same rules, texts included; what was recorded of the original
// is in testdata, and the conformance test replays it. testdata/predicted.jsonl is the same for what was not
// recorded and follows from the published source. In place of the extension pg_session_jwt, which need not be there,
// [Install] makes the functions auth.user_id(), auth.uid(), auth.session(), auth.jwt() and auth.organization(), which SQL
// cannot deceive (identity.sql says why).
//
// The conformance test can be turned to other recordings and to another endpoint by environment variables:
//
//	PGTURNSTILE_CONFORMANCE_EXCHANGES          a file like testdata/exchanges.jsonl
//	PGTURNSTILE_CONFORMANCE_ENDPOINT_NORMAL    where to send the exchanges, as scheme://host:port; without it, a server
//	                                           of this package is started
//	PGTURNSTILE_CONFORMANCE_ENDPOINT_SMALL     the same with limits of 1000 bytes for request and answer
//	PGTURNSTILE_CONFORMANCE_ENDPOINT_DOWN      the same with a JWKS that answers 503
//	PGTURNSTILE_CONFORMANCE_ENDPOINT_NOCONFIG  the same without any provider
//	PGTURNSTILE_CONFORMANCE_KEYS               a folder with the private keys of the endpoint's providers: rsa-1.pem,
//	                                           rsa-2.pem, rsa-noalg.pem, rsa-512.pem, rsa-enc.pem, ec-1.pem, ec-384.pem,
//	                                           okp-1.pem, oct-1.pem (the bytes of the secret), aud-1.pem, and stranger.pem,
//	                                           which no provider knows
//	PGTURNSTILE_CONFORMANCE_ADMIN_DSN          a superuser of the endpoint's Postgres, database neondb, for an exchange's setup
//
// An exchange whose endpoint is not given is skipped, and said so. PGTURNSTILE_TEST_POSTGRES_BIN is the directory of the
// PostgreSQL binaries for the tests, where another installation than the newest is meant; the suite was run with 15.18, 15.20,
// 16.14, 17.10 and 18.4.
//
// It imports nothing else of this project. Start reading with [Server] and handler.go, then statement.go and jwt.go.
package neontest
