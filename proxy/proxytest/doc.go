// Package proxytest holds the proxy to its oracle: the same wire script runs on a real Postgres and through the whole proxy,
// and the transcripts of what came back are compared. A difference is a defect, or it stands with its reason in a file
// beside the script. Sessions are also generated, and recorded ones replayed (testdata/traces). Real clients (psql, psycopg2,
// node-postgres, pgx and more) run against both in the same way.
//
// It is for tests alone and may import devstack and whatever that stands on. Start with [Script] and testdata/*.wire, then
// [Run] and [Compare].
package proxytest
