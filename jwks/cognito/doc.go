// Package cognito decides whether a token is a valid token of one of the configured Cognito user pools and app clients.
//
// It does so in three steps: a strict parser of its own (parse.go), one signature check with exactly one key and RS256 (package
// jwks), then the claims (claims.go). What differs between readers is refused in the first step; so is what Neon would refuse, since
// nothing may pass here that fails there.
//
// Refusals are *[Error] with a closed set of [Reason]s. Before a valid signature they say nothing but one sentence; after it they
// name what the caller's own token says. No error, label or log line holds any byte of a token.
//
// It imports jwks and jwks/strictjson. Start with [New] and [Verifier.Verify].
package cognito
