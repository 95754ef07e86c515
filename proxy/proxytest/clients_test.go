package proxytest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
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

// schemaOf is clientSchema under another name, for a client that runs beside others.
func schemaOf(client string) string {
	return regexp.MustCompile(`\bw\b`).ReplaceAllLiteralString(clientSchema, client)
}

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

// outputs runs a client directly and through the proxy, both at once: they share nothing but the server.
func (s *stack) outputs(t *testing.T, user string, env []string, name string, args ...string) (direct, proxy string) {
	t.Helper()
	directEnv, proxyEnv := append(s.oracle.Env(user), env...), append(s.env(t, user), env...)
	var both sync.WaitGroup
	both.Go(func() { direct = output(t, directEnv, name, args...) })
	both.Go(func() { proxy = output(t, proxyEnv, name, args...) })
	both.Wait()
	return direct, proxy
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

// interpreters run the programs in testdata/clients.
var interpreters = map[string]func(t *testing.T) []string{
	".py":  func(t *testing.T) []string { return []string{program(t, "PGTURNSTILE_TEST_PYTHON", "python3")} },
	".js":  func(t *testing.T) []string { return []string{program(t, "", "node")} },
	".rb":  func(t *testing.T) []string { return []string{program(t, "", "ruby")} },
	".php": func(t *testing.T) []string { return []string{program(t, "", "php")} },
	".pl":  func(t *testing.T) []string { return []string{program(t, "", "perl")} },
	// One file, compiled as it starts. The compiler that optimises costs more than it gains here.
	".java": func(t *testing.T) []string {
		return []string{program(t, "", "java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC"}
	},
}

// missing is what interpreters say when a driver is not installed.
var missing = regexp.MustCompile(`No module named|Cannot find module|No suitable driver|error: package .* does not exist|Can't open lib|cannot load such file|could not find driver|undefined function pg_|Can't locate `)

// TestClients runs programs as users of these drivers write them, directly and through the proxy: both must print the same.
// Each works in a schema and as a user of its own name. What it gets told where the proxy refuses was reviewed.
func TestClients(t *testing.T) {
	s := startStack(t)
	for _, file := range []string{
		"psycopg2_client.py", "psycopg3_client.py", "pg8000_client.py", "sqlalchemy_client.py", "django_client.py", "psqlodbc_client.py",
		"node_pg_client.js", "postgres_js_client.js", "drizzle_client.js", "knex_client.js", "sequelize_client.js", "pgjdbc_client.java",
		"activerecord_client.rb", "sequel_client.rb", "php_client.php", "dbd_pg_client.pl",
	} {
		name := strings.TrimSuffix(file, "_client"+filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.fresh(t, schemaOf(name))
			command := append(interpreters[filepath.Ext(file)](t), filepath.Join("testdata/clients", file))
			direct, proxy := s.outputs(t, name, nil, command[0], command[1:]...)
			if missing.MatchString(direct) {
				t.Fatalf("%s\ndeploy/test.sh installs what the tests need", direct)
			}
			compareOutputs(t, direct, proxy)
			if !strings.HasSuffix(direct, "end\n") {
				t.Errorf("the program did not come to its end:\n%s", direct)
			}
		})
	}
}

// TestClientsRefused holds what the drivers' users read where the proxy refuses to what was reviewed.
func TestClientsRefused(t *testing.T) {
	s := startStack(t)
	for _, file := range []string{"psycopg3_refused.py", "asyncpg_refused.py", "node_pg_refused.js", "postgres_js_refused.js", "pgjdbc_refused.java", "psqlodbc_refused.py"} {
		name := strings.TrimSuffix(file, "_refused"+filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.fresh(t, schemaOf(name))
			command := append(interpreters[filepath.Ext(file)](t), filepath.Join("testdata/clients", file))
			got := output(t, s.env(t, name), command[0], command[1:]...)
			if missing.MatchString(got) {
				t.Fatalf("%s\ndeploy/test.sh installs what the tests need", got)
			}
			want, err := os.ReadFile("testdata/clients/" + name + "_refused.expected")
			if err != nil {
				t.Fatal(err)
			}
			compareOutputs(t, string(want), got)
		})
	}
}
