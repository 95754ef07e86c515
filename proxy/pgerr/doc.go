// Package pgerr is the one error value that a client can see: an SQLSTATE, one public sentence, and where there is a
// remedy a hint. What caused it stays private.
//
// It imports nothing of this module. Start with [Error], then [AppendErrorResponse], the only place where an error
// becomes bytes on the wire.
package pgerr
