//go:build !race

package cognito_test

// burst is how many random kids a second the storm brings.
const burst = 10_000
