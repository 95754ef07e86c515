// Package postgres starts and stops a private PostgreSQL server: for tests that need the real thing, and for
// `pgturnstile dev`. It finds the installed binaries, makes a data directory of its own, listens on a free loopback port
// and on a Unix socket, and leaves nothing behind.
//
// It imports nothing of this project; of others, pgconn to see that the server answers. Start with [Start].
package postgres
