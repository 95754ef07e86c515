package proxytest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// clientSchema is what the programs in testdata/clients work on, beside the guide's todos.
const clientSchema = freshSchema + `
CREATE TABLE parent (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO parent VALUES (1, 'one'), (2, 'zwei ä'), (3, 'three 😀');
CREATE TABLE child (id serial PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE, n numeric(10,2) DEFAULT 0 CHECK (n >= 0), tags text[]);
CREATE INDEX child_parent ON child (parent_id) WHERE n > 0;
COMMENT ON TABLE parent IS 'has children';
CREATE VIEW v AS SELECT p.name, count(c.id) FROM parent p LEFT JOIN child c ON c.parent_id = p.id GROUP BY p.name;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE TABLE t (id int PRIMARY KEY, name text);
GRANT ALL ON ALL TABLES IN SCHEMA w TO authenticated;`

// clientPatience bounds one run of a client.
const clientPatience = 2 * time.Minute

// output runs a client in env, and returns what it printed on both streams.
func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cleanEnv(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		out.WriteString("\n(" + err.Error() + ")\n")
	}
	return out.String()
}

// cleanEnv is our environment without what would lead a client elsewhere.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C.UTF-8", "PSQLRC=/dev/null", "PSQL_HISTORY=/dev/null", "PGCONNECT_TIMEOUT=20", "NODE_NO_WARNINGS=1")
}

// program returns the path of a client, which must be there: deploy/test.sh installs them all.
func program(t *testing.T, variable, name string) string {
	t.Helper()
	if fromEnv := os.Getenv(variable); fromEnv != "" {
		name = fromEnv
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: deploy/test.sh installs what the tests need", err)
	}
	return path
}

// compareOutputs fails with the lines around the first difference.
func compareOutputs(t *testing.T, expected, proxy string) {
	t.Helper()
	want, got := strings.Split(expected, "\n"), strings.Split(proxy, "\n")
	for i := range max(len(want), len(got)) {
		if i < len(want) && i < len(got) && want[i] == got[i] {
			continue
		}
		around := func(lines []string) string {
			return strings.Join(lines[min(len(lines), max(0, i-5)):min(len(lines), i+8)], "\n")
		}
		t.Errorf("line %d differs\nexpected:\n%s\n\nproxy:\n%s", i+1, around(want), around(got))
		return
	}
}

// TestPsql runs what a person types, and compares what is printed.
func TestPsql(t *testing.T) {
	s := startStack(t)
	psql := program(t, "", "psql")
	for name, args := range map[string][]string{
		"a session":          {"-X", "-f", "testdata/clients/psql.sql"},
		"commands":           {"-X", "-c", `\d todos`, "-c", "select 1 as a; select 2 as b", "-c", `\dt`},
		"unaligned":          {"-XAt", "-F", ",", "-c", "select 1, null, 'x'"},
		"stop at an error":   {"-X", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0", "-c", "select 'not reached'"},
		"a variable in text": {"-X", "-v", "who=al'ice", "-c", `\echo :'who'`},
	} {
		t.Run(name, func(t *testing.T) {
			s.fresh(t, clientSchema)
			compareOutputs(t, output(t, s.oracle.Env("alice"), psql, args...), output(t, s.env(t, "alice"), psql, args...))
		})
	}
}

// TestPsqlRefused holds the sentences that a person reads to what was reviewed.
func TestPsqlRefused(t *testing.T) {
	s := startStack(t)
	s.fresh(t, clientSchema)
	want, err := os.ReadFile("testdata/clients/psql_refused.expected")
	if err != nil {
		t.Fatal(err)
	}
	got := output(t, s.env(t, "alice"), program(t, "", "psql"), "-X", "-f", "testdata/clients/psql_refused.sql")
	compareOutputs(t, string(want), got)
}

func TestPsycopg2(t *testing.T) {
	s := startStack(t)
	s.fresh(t, clientSchema)
	python := program(t, "PGTURNSTILE_TEST_PYTHON", "python3")
	direct := output(t, s.oracle.Env("alice"), python, "testdata/clients/psycopg2_client.py")
	if strings.Contains(direct, "No module named") {
		t.Fatalf("%sdeploy/test.sh installs what the tests need", direct)
	}
	compareOutputs(t, direct, output(t, s.env(t, "alice"), python, "testdata/clients/psycopg2_client.py"))
	if !strings.HasSuffix(direct, "closed 1\n") {
		t.Errorf("the program did not come to its end:\n%s", direct)
	}
}

func TestNodePostgres(t *testing.T) {
	s := startStack(t)
	s.fresh(t, clientSchema)
	node := program(t, "", "node")
	direct := output(t, s.oracle.Env("alice"), node, "testdata/clients/node_pg_client.js")
	if strings.Contains(direct, "Cannot find module") {
		t.Fatalf("%sdeploy/test.sh installs what the tests need", direct)
	}
	compareOutputs(t, direct, output(t, s.env(t, "alice"), node, "testdata/clients/node_pg_client.js"))
	if !strings.HasSuffix(direct, "pool true 1 alice\n") {
		t.Errorf("the program did not come to its end:\n%s", direct)
	}
}
