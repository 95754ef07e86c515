// Package devstack starts and stops as one what a statement passes on its way: PostgreSQL, Neon's stand-in, a
// Cognito-like issuer, and the proxy in front of them, assembled as `pgturnstile serve` assembles it. `pgturnstile dev` is
// a shell around it, and whole-proxy tests run on it.
//
// It stands below cmd alone and may import everything else. Start with [Start]; guide.sql is the example that the
// database holds.
package devstack
