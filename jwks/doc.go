// Package jwks caches one issuer's key set: it fetches it, keeps the usable RSA keys, refreshes them before they grow old, and
// answers "which key has this id?" without letting an attacker's made-up ids reach the issuer.
//
// Fetches are single flight. A key that the issuer no longer publishes is gone with the next good refresh, and
// [Cache.Generation] changes with it, so that whoever remembers a verified token knows to verify it again. The last good set serves
// through an outage up to a limit, then the cache fails closed.
//
// It imports nothing of this module but strictjson; jwx stands behind jwx.go alone. Start with [New] and [Cache.Key], then
// lookup.go (when a lookup may fetch) and refresh.go (when the cache fetches by itself).
package jwks
