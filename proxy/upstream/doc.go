// Package upstream is the seam between a session and whatever runs its statements: requests, results as they stream,
// the error that answers "may it have run?", and the token that never prints itself. Interfaces and values only; the
// one transport so far is proxy/neon.
//
// It imports pgerr alone. Start with [Upstream], then [RowSink].
package upstream
