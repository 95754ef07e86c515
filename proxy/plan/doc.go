// Package plan says what one statement is to the proxy: sent as it stands, transaction control, a setting, a prepared
// statement of SQL, answered here, or refused. It reads tokens, builds no tree and rewrites nothing, but says where in the
// text a rewrite would have to be.
//
// It may import sqlscan and pgerr. Start with [Plan], then [Classify]; [Tag] makes the command tag that a client
// expects out of the little that the upstream gives. One file per family: control.go, setting.go with value.go, prepare.go,
// calls.go (set_config and current_setting), query.go, ddl.go, refuse.go.
//
// Two rules hold everywhere. A statement that is not answered here but is no valid grammar is forwarded, so that
// Postgres words the error. And whatever changes a session's state in any valid spelling is never forwarded as it stands
// without a word of it in the plan: where a shortcut is taken, it errs towards refusing.
//
// What the words of a statement do not show is not seen: what a function, a view, a trigger, a DO block, a default or a
// string given to query_to_xml runs, and which rows of pg_settings a set_config() gets its names from.
package plan
