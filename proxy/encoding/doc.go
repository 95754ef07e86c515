// Package encoding converts between UTF-8 and the character sets that client_encoding can name, exactly as a PostgreSQL
// server of encoding UTF8 does: the same characters, and the same errors for bytes and characters that have no place in
// the other set.
//
// It imports pgerr and golang.org/x/text, whose tables it takes where they are Postgres' own; what differs is written down
// in exceptions.go, generated from a real server, and the tests compare everything with one. Start with [Lookup].
package encoding
