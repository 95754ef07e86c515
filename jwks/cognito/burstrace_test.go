//go:build race

package cognito_test

// burst is how many random kids a second the storm brings. The race detector makes a refusal fifteen times as dear; package jwks
// has the whole storm with it, on the cache alone.
const burst = 200
