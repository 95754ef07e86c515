// Package reply decodes the body of one answer of Neon's SQL-over-HTTP: results, cell by cell from the reader into a
// RowSink's DataRow bodies as they arrive, or an error object. It holds one row and one read window, whatever the size
// of the answer, and takes nothing that is not exactly the contract's shape: a reply that is cut, padded or out of
// shape is an error, never a shorter result.
//
// It imports upstream alone and knows no HTTP. Start with [Scanner.Results], then [Scanner.Error].
package reply
