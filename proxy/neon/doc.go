// Package neon is the upstream that speaks Neon's SQL-over-HTTP: one POST per request with the caller's token, its
// answer streamed into a RowSink, every refusal and every loss on the way mapped to an SQLSTATE and to what is known about
// the request's effects. A request is sent again only when nothing of it can have run.
//
// It imports upstream, pgerr and its own sub-package reply, and is the only package that knows HTTP. Start with
// [Client.Run], then attempt.go; rules.go is the table of Neon's own messages.
package neon
