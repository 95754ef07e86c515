// Package proxy takes a Postgres client from its TCP connection to an authenticated session: it accepts, bounds,
// negotiates TLS, reads the startup packet, asks for the token, verifies it, picks the route, and hands the connection
// over. It owns the cancel registry and the drain, and ends what it started.
//
// It may import session, guc, catalog, wire, the verifier's claims, upstream and pgerr; it knows nothing of HTTP and writes no SQL.
//
// Postgres is the model up to ReadyForQuery, in order and in words. What a peer could learn of users or databases is said
// only behind a good token: the database is looked up, and settings are judged, after AuthenticationOk.
//
// Start with [Server], then read the way of one connection in order: conn.go, startup.go, parameters.go, tls.go,
// authenticate.go, route.go; refuse.go is where those that get no session end.
package proxy
