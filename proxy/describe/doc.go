// Package describe finds the parameter types and the row description of a statement without running or planning it, and
// keeps what it found. It asks the server in statements of its own, each as one transaction:
//
//   - W wraps a query so that only its shape is left: its fields are the fields, and one more column holds the types that its
//     parameters were given.
//   - P prepares a statement under a name, reads its parameter types from pg_prepared_statements and drops it again. Its error is
//     the one that Postgres has for the statement.
//   - R turns what a data-modifying statement returns into a query, which is then described as W does.
//   - The grammar check sends the statement behind another one in a single string, which Postgres reads whole and then refuses
//     for being several.
//
// It may import plan, splice, catalog, sqlscan, upstream and pgerr. Start with [Describer.Describe], then statement.go (what
// the words say), wrapper.go (W), prepare.go (P), rewrite.go (R), utility.go and call.go; cache.go is the cache.
package describe
