// Package proxy takes a Postgres client from its TCP connection to an authenticated session: it accepts, bounds,
// negotiates TLS, reads the startup packet, asks for the token, verifies it, picks the route, and hands the connection
// over. It owns the cancel registry and the drain, and ends what it started.
//
// It may import session, wire, the verifier's claims, upstream and pgerr; it knows nothing of HTTP and runs no SQL but the
// one that tries a signing key.
//
// Start with [Server], then read the way of one connection in order: conn.go, startup.go, authenticate.go, route.go.
package proxy
