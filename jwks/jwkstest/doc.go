// Package jwkstest is a Cognito-shaped issuer for tests and development: it publishes a key set and a discovery document as a
// user pool does, mints access and id tokens with Cognito's claims, rotates its keys, and misbehaves on demand.
//
// It imports nothing of this module. Start with [New] and [Issuer.Mint]; faults.go has what it can do wrong, forge.go the tokens
// that must be refused.
package jwkstest
