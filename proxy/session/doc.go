// Package session is one authenticated client: the protocol after login, its prepared statements and portals, its
// settings, and the cycles of statements that it sends upstream.
//
// What a client asks between two ReadyForQuery is a cycle: a list of steps, each a reply that waits for its turn or a
// statement. When an answer is due (Sync, Flush, the end of a simple Query) the steps are cut into groups at transaction commands;
// a group is one request to the upstream.
//
// Settings change as the members of a group are answered, because only the server knows what a SET came to. What Parse was
// given is asked about when the client waits for it, and Describe of a statement is answered without running anything.
//
// It may import wire, encoding, describe, plan, splice, sqlscan, guc, catalog and upstream. Start with [Session.Run], then
// cycle.go, run.go, group.go and batch.go; parse.go and describe.go for what is asked, settings.go for SET.
package session
