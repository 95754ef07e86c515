package plan

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
)

// commandTags are the names in cmdtaglist.h of Postgres 15 to 18.
const commandTags = `???
ALTER ACCESS METHOD,ALTER AGGREGATE,ALTER CAST,ALTER COLLATION,ALTER CONSTRAINT,ALTER CONVERSION,ALTER DATABASE
ALTER DEFAULT PRIVILEGES,ALTER DOMAIN,ALTER EVENT TRIGGER,ALTER EXTENSION,ALTER FOREIGN DATA WRAPPER
ALTER FOREIGN TABLE,ALTER FUNCTION,ALTER INDEX,ALTER LANGUAGE,ALTER LARGE OBJECT,ALTER MATERIALIZED VIEW
ALTER OPERATOR,ALTER OPERATOR CLASS,ALTER OPERATOR FAMILY,ALTER POLICY,ALTER PROCEDURE,ALTER PUBLICATION,ALTER ROLE
ALTER ROUTINE,ALTER RULE,ALTER SCHEMA,ALTER SEQUENCE,ALTER SERVER,ALTER STATISTICS,ALTER SUBSCRIPTION,ALTER SYSTEM
ALTER TABLE,ALTER TABLESPACE,ALTER TEXT SEARCH CONFIGURATION,ALTER TEXT SEARCH DICTIONARY,ALTER TEXT SEARCH PARSER
ALTER TEXT SEARCH TEMPLATE,ALTER TRANSFORM,ALTER TRIGGER,ALTER TYPE,ALTER USER MAPPING,ALTER VIEW,ANALYZE,BEGIN
CALL,CHECKPOINT,CLOSE,CLOSE CURSOR,CLOSE CURSOR ALL,CLUSTER,COMMENT,COMMIT,COMMIT PREPARED,COPY,COPY FROM
CREATE ACCESS METHOD,CREATE AGGREGATE,CREATE CAST,CREATE COLLATION,CREATE CONSTRAINT,CREATE CONVERSION
CREATE DATABASE,CREATE DOMAIN,CREATE EVENT TRIGGER,CREATE EXTENSION,CREATE FOREIGN DATA WRAPPER
CREATE FOREIGN TABLE,CREATE FUNCTION,CREATE INDEX,CREATE LANGUAGE,CREATE MATERIALIZED VIEW,CREATE OPERATOR
CREATE OPERATOR CLASS,CREATE OPERATOR FAMILY,CREATE POLICY,CREATE PROCEDURE,CREATE PUBLICATION,CREATE ROLE
CREATE ROUTINE,CREATE RULE,CREATE SCHEMA,CREATE SEQUENCE,CREATE SERVER,CREATE STATISTICS,CREATE SUBSCRIPTION
CREATE TABLE,CREATE TABLE AS,CREATE TABLESPACE,CREATE TEXT SEARCH CONFIGURATION,CREATE TEXT SEARCH DICTIONARY
CREATE TEXT SEARCH PARSER,CREATE TEXT SEARCH TEMPLATE,CREATE TRANSFORM,CREATE TRIGGER,CREATE TYPE
CREATE USER MAPPING,CREATE VIEW,DEALLOCATE,DEALLOCATE ALL,DECLARE CURSOR,DELETE,DISCARD,DISCARD ALL,DISCARD PLANS
DISCARD SEQUENCES,DISCARD TEMP,DO,DROP ACCESS METHOD,DROP AGGREGATE,DROP CAST,DROP COLLATION,DROP CONSTRAINT
DROP CONVERSION,DROP DATABASE,DROP DOMAIN,DROP EVENT TRIGGER,DROP EXTENSION,DROP FOREIGN DATA WRAPPER
DROP FOREIGN TABLE,DROP FUNCTION,DROP INDEX,DROP LANGUAGE,DROP MATERIALIZED VIEW,DROP OPERATOR,DROP OPERATOR CLASS
DROP OPERATOR FAMILY,DROP OWNED,DROP POLICY,DROP PROCEDURE,DROP PUBLICATION,DROP ROLE,DROP ROUTINE,DROP RULE
DROP SCHEMA,DROP SEQUENCE,DROP SERVER,DROP STATISTICS,DROP SUBSCRIPTION,DROP TABLE,DROP TABLESPACE
DROP TEXT SEARCH CONFIGURATION,DROP TEXT SEARCH DICTIONARY,DROP TEXT SEARCH PARSER,DROP TEXT SEARCH TEMPLATE
DROP TRANSFORM,DROP TRIGGER,DROP TYPE,DROP USER MAPPING,DROP VIEW,EXECUTE,EXPLAIN,FETCH,GRANT,GRANT ROLE
IMPORT FOREIGN SCHEMA,INSERT,LISTEN,LOAD,LOCK TABLE,LOGIN,MERGE,MOVE,NOTIFY,PREPARE,PREPARE TRANSACTION
REASSIGN OWNED,REFRESH MATERIALIZED VIEW,REINDEX,RELEASE,RESET,REVOKE,REVOKE ROLE,ROLLBACK,ROLLBACK PREPARED
SAVEPOINT,SECURITY LABEL,SELECT,SELECT FOR KEY SHARE,SELECT FOR NO KEY UPDATE,SELECT FOR SHARE,SELECT FOR UPDATE
SELECT INTO,SET,SET CONSTRAINTS,SHOW,START TRANSACTION,TRUNCATE TABLE,UNLISTEN,UPDATE,VACUUM`

// tagsOfNoQuery are those that no query's completion carries, and why.
var tagsOfNoQuery = map[string]string{
	"???":                      "stands for no command",
	"ALTER ACCESS METHOD":      "gram.y has no such statement",
	"ALTER CAST":               "gram.y has no such statement",
	"ALTER CONSTRAINT":         "gram.y has no such statement",
	"ALTER TRANSFORM":          "gram.y has no such statement",
	"CLOSE":                    "CLOSE says CLOSE CURSOR or CLOSE CURSOR ALL",
	"COPY FROM":                "only for messages about read-only transactions",
	"CREATE CONSTRAINT":        "gram.y has no such statement",
	"CREATE ROUTINE":           "gram.y has no such statement",
	"DISCARD":                  "DISCARD always says what",
	"DROP CONSTRAINT":          "gram.y has no such statement",
	"EXECUTE":                  "EXECUTE completes with the tag of the prepared statement",
	"LOGIN":                    "an event of event triggers (17)",
	"SECURITY LABEL":           "needs a label provider, and Debian packages none that loads without SELinux: see TestTagLabels",
	"SELECT FOR KEY SHARE":     "completes as SELECT",
	"SELECT FOR NO KEY UPDATE": "completes as SELECT",
	"SELECT FOR SHARE":         "completes as SELECT",
	"SELECT FOR UPDATE":        "completes as SELECT",
	"SELECT INTO":              "completes as SELECT",
}

// tagName is a tag without its numbers.
func tagName(tag string) string {
	return strings.TrimRight(tag, " 0123456789")
}

// upstreamCompletion is what the upstream makes of a tag: its first word, and its last number if it has one.
func upstreamCompletion(tag string) (command string, rows int64, hasRows bool) {
	words := strings.Fields(tag)
	rows, err := strconv.ParseInt(words[len(words)-1], 10, 64)
	return words[0], rows, err == nil
}

// TestTag runs the statements of testdata/tags.tsv in their order on a real server and compares its tags.
func TestTag(t *testing.T) {
	server, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{
		"max_prepared_transactions":       "2",
		"allow_in_place_tablespaces":      "on",
		"max_logical_replication_workers": "0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	conn, err := pgconn.Connect(t.Context(), server.DSN("postgres", postgres.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))

	data, err := os.ReadFile("testdata/tags.tsv")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "{port}", strconv.Itoa(server.Port()))
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		name, sql, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		seen[name] = true
		results, err := conn.Exec(t.Context(), sql).ReadAll()
		if err != nil {
			t.Errorf("%q: %v", sql, err)
			continue
		}
		real := results[0].CommandTag.String()
		if tagName(real) != name {
			t.Errorf("%q: Postgres says %q, the table %q", sql, real, name)
		}
		p := classify(sql)
		command, rows, hasRows := upstreamCompletion(real)
		if got := Tag(p, sql, command, rows, hasRows); got != real {
			t.Errorf("%q: %q, Postgres says %q", sql, got, real)
		}
		if p.Kind != Forward && p.Kind != Refuse && p.Kind != Execute { // EXECUTE has the tag of what it executes
			if got := Tag(p, sql, "", 0, false); got != real {
				t.Errorf("%q: answered here with %q, Postgres says %q", sql, got, real)
			}
		}
	}
	for name := range strings.FieldsFuncSeq(commandTags, func(c rune) bool { return c == ',' || c == '\n' }) {
		if why := tagsOfNoQuery[name]; seen[name] == (why != "") {
			t.Errorf("%s: in the table: %v, reason not to be there: %q", name, seen[name], why)
		}
		delete(seen, name)
	}
	for name := range seen {
		t.Errorf("%s is in the table, but no command tag", name)
	}
}

// TestTagLabels has what TestTag cannot run.
func TestTagLabels(t *testing.T) {
	for _, c := range []struct {
		id, sql, command string
		rows             int64
		hasRows          bool
		want             string
	}{
		{"security label", "SECURITY LABEL ON TABLE t IS 'x'", "SECURITY", 0, false, "SECURITY LABEL"},
		{"no count", "select 1", "SELECT", 0, false, "SELECT"},
		{"insert without a count", "insert into t values (1)", "INSERT", 0, false, "INSERT"},
		{"empty query", "-- ping", "", 0, false, ""},
		{"a first word that the text does not have", "select 1", "CREATE", 0, false, "CREATE"},
		{"comments", "/* x */ create -- y\n unique /* z */ index on t (a);", "CREATE", 0, false, "CREATE INDEX"},
		{"unknown object", "CREATE THING t", "CREATE", 0, false, "CREATE"},
		{"a reset that was run as a set", "RESET work_mem", "SET", 0, false, "RESET"},
		{"an insert behind execute", "EXECUTE p(1)", "INSERT", 1, true, "INSERT 0 1"},
		{"constraints, run", "SET CONSTRAINTS ALL DEFERRED", "SET", 0, false, "SET CONSTRAINTS"},
		{"a setting named constraints, run", "SET constraints = 1", "SET", 0, false, "SET"},
		{"large count", "select 1", "SELECT", 1 << 40, true, "SELECT 1099511627776"},
	} {
		if got := Tag(classify(c.sql), c.sql, c.command, c.rows, c.hasRows); got != c.want {
			t.Errorf("%s: %q, want %q", c.id, got, c.want)
		}
	}
}
