// Package regress gets Postgres' own regression suite, out of Debian's source package.
//
// It is for tests alone and may import nothing of the project. Start with [Suite].
package regress
