// Package wire frames the Postgres protocol on the server's side of one client connection: the startup packet read
// exactly, before TLS is decided; then messages in, bounded per type before anything is allocated for them, and an output
// buffer that is written when its owner says so. Texts are UTF-8 on this side of it, whatever the client's encoding is.
//
// It imports pgerr and encoding, and pgproto3 for the message types alone. Start with [ReadStartup], then [Conn.Receive] and
// [Conn.Send].
package wire
