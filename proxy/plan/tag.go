package plan

import (
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// Tag returns the command tag as Postgres sends it (src/include/tcop/cmdtaglist.h) for the statement text, whose plan
// is p. command is the tag's first word and rows its number, if hasRows: all that the upstream gives. An empty command
// asks for the tag of a statement that was answered without the upstream. Settings have the tag of what the client wrote,
// whatever was run for them.
func Tag(p Plan, text, command string, rows int64, hasRows bool) string {
	switch p.Kind {
	case Set, Show, Discard, Prepare, Deallocate:
		return localTag(p)
	}
	switch command {
	case "SELECT", "UPDATE", "DELETE", "MERGE", "FETCH", "MOVE", "COPY":
		if hasRows {
			return counted(command+" ", rows)
		}
		return command
	case "INSERT":
		if hasRows {
			return counted("INSERT 0 ", rows) // 0: the OID of former times
		}
		return command
	case "":
		return localTag(p)
	}
	r := newReader(text, true)
	if !sqlscan.Keyword(text, r.tok, command) {
		// A synonym (END, ABORT, ANALYSE, TABLE), none of which has a longer tag.
		return command
	}
	r.next()
	switch command {
	case "CREATE":
		if p.asQuery {
			return "CREATE TABLE AS"
		}
		for r.acceptAny("OR", "REPLACE", "LOCAL", "GLOBAL", "TEMP", "TEMPORARY", "UNLOGGED", "UNIQUE", "RECURSIVE",
			"TRUSTED", "PROCEDURAL", "CONSTRAINT", "DEFAULT") {
		}
		return r.objectTag(command)
	case "ALTER", "DROP":
		r.accept("PROCEDURAL")
		return r.objectTag(command)
	case "GRANT":
		return r.grantTag(command, "TO")
	case "REVOKE":
		return r.grantTag(command, "FROM")
	case "COMMIT", "ROLLBACK":
		return r.secondWord(command, "PREPARED")
	case "SET":
		if r.assigns() {
			return command
		}
		return r.secondWord(command, "CONSTRAINTS")
	case "DISCARD":
		if r.is("TEMPORARY") {
			return "DISCARD TEMP"
		}
		return r.secondWord(command, "ALL", "PLANS", "SEQUENCES", "TEMP")
	case "PREPARE":
		if _, more := r.peek(); !more || r.nextIs("AS") {
			return command // a statement that is named transaction
		}
		return r.secondWord(command, "TRANSACTION")
	case "DEALLOCATE":
		if _, more := r.peek(); more {
			r.accept("PREPARE")
		}
		return r.secondWord(command, "ALL")
	case "CLOSE":
		return r.secondWord("CLOSE CURSOR", "ALL")
	}
	return wholeTag(command)
}

// counted is the tag with its number.
func counted(tag string, rows int64) string {
	var buf [32]byte // the longest command and a number of 64 bits
	return string(strconv.AppendInt(append(buf[:0], tag...), rows, 10))
}

// wholeTag completes a first word that has one continuation only.
func wholeTag(command string) string {
	switch command {
	case "DECLARE":
		return "DECLARE CURSOR"
	case "IMPORT":
		return "IMPORT FOREIGN SCHEMA"
	case "LOCK", "TRUNCATE":
		return command + " TABLE"
	case "REASSIGN":
		return "REASSIGN OWNED"
	case "REFRESH":
		return "REFRESH MATERIALIZED VIEW"
	case "SECURITY":
		return "SECURITY LABEL"
	case "START":
		return "START TRANSACTION"
	}
	return command
}

// localTag is the tag of what is answered without the upstream.
func localTag(p Plan) string {
	switch p.Kind {
	case TransactionControl:
		return p.Control.Tag
	case Set:
		switch {
		case p.Setting.Reset:
			return "RESET"
		case p.Setting.Form == Constraints:
			return "SET CONSTRAINTS"
		}
		return "SET"
	case Show:
		return "SHOW"
	case Discard:
		return "DISCARD " + p.Discard
	case Prepare:
		return "PREPARE"
	case Deallocate:
		if p.Name == "" {
			return "DEALLOCATE ALL"
		}
		return "DEALLOCATE"
	case Unlisten:
		return "UNLISTEN"
	case CloseCursors:
		return "CLOSE CURSOR ALL"
	}
	return ""
}

// acceptAny accepts one of the keywords.
func (r *reader) acceptAny(upper ...string) bool {
	for _, u := range upper {
		if r.accept(u) {
			return true
		}
	}
	return false
}

// secondWord is the command with the current word behind it, if that is one of words.
func (r *reader) secondWord(command string, words ...string) string {
	for _, w := range words {
		if r.is(w) {
			return command + " " + w
		}
	}
	return command
}

// objectTypes are the kinds of object in tags of CREATE, ALTER and DROP. A longer one stands before its beginning.
var objectTypes = func() (types [][]string) {
	for _, t := range [...]string{
		"ACCESS METHOD", "AGGREGATE", "CAST", "COLLATION", "CONVERSION", "DATABASE", "DEFAULT PRIVILEGES", "DOMAIN",
		"EVENT TRIGGER", "EXTENSION", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "FUNCTION", "INDEX", "LANGUAGE",
		"LARGE OBJECT", "MATERIALIZED VIEW", "OPERATOR CLASS", "OPERATOR FAMILY", "OPERATOR", "OWNED", "POLICY",
		"PROCEDURE", "PUBLICATION", "ROLE", "ROUTINE", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS",
		"SUBSCRIPTION", "SYSTEM", "TABLE", "TABLESPACE", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY",
		"TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE", "USER MAPPING", "VIEW",
	} {
		types = append(types, strings.Fields(t))
	}
	return types
}()

// objectTag is the command with the kind of object that stands here.
func (r *reader) objectTag(command string) string {
	if r.is("GROUP") || r.is("USER") && !r.userMapping() {
		return command + " ROLE"
	}
	for _, words := range objectTypes {
		saved := *r
		if !r.acceptAll(words...) {
			continue
		}
		if words[0] == "OPERATOR" && r.isChar('.') { // CLASS or FAMILY was a schema
			*r = saved
			continue
		}
		return command + " " + strings.Join(words, " ")
	}
	return command
}

// userMapping tells USER MAPPING from a user named mapping.
func (r *reader) userMapping() bool {
	ahead := *r
	return ahead.acceptAll("USER", "MAPPING") && (ahead.is("FOR") || ahead.is("IF"))
}

// grantTag tells privileges ON something from roles, which stand before end.
func (r *reader) grantTag(command, end string) string {
	for ; r.more; r.next() {
		switch {
		case r.depth == 0 && r.is("ON"):
			return command
		case r.is(end):
			return command + " ROLE"
		}
	}
	return command
}
