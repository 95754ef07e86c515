package proxytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPgx runs pgx in the two modes that do not ask for a description before they bind.
func TestPgx(t *testing.T) {
	s := startStack(t)
	for name, mode := range map[string]pgx.QueryExecMode{
		"simple protocol": pgx.QueryExecModeSimpleProtocol,
		"exec":            pgx.QueryExecModeExec,
	} {
		t.Run(name, func(t *testing.T) {
			s.fresh(t, clientSchema)
			compareOutputs(t, pgxOutput(t, s.directConfig(t, "alice"), mode), pgxOutput(t, s.proxyConfig(t, "alice"), mode))
		})
	}
}

// TestPgxDescribing: the default mode asks for the description of a statement before it binds. It must be told, not left waiting.
func TestPgxDescribing(t *testing.T) {
	s := startStack(t)
	conn := connectPgx(t, s.proxyConfig(t, "alice"), pgx.QueryExecModeCacheStatement)
	_, err := conn.Exec(t.Context(), "select $1::int", 1)
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || e.Code != "0A000" || e.Hint == "" {
		t.Errorf("a Describe of a statement: %v, want 0A000 with a hint", err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "select 1", pgx.QueryExecModeExec).Scan(&n); err != nil || n != 1 {
		t.Errorf("the session afterwards: %d, %v", n, err)
	}
}

func connectPgx(t *testing.T, config *pgx.ConnConfig, mode pgx.QueryExecMode) *pgx.Conn {
	t.Helper()
	config.DefaultQueryExecMode = mode
	ctx, cancel := context.WithTimeout(t.Context(), clientPatience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// pgxOutput prints what a program that uses pgx sees.
func pgxOutput(t *testing.T, config *pgx.ConnConfig, mode pgx.QueryExecMode) string {
	conn := connectPgx(t, config, mode)
	var out strings.Builder
	for _, name := range []string{"server_version", "client_encoding", "TimeZone", "standard_conforming_strings"} {
		fmt.Fprintln(&out, name, conn.PgConn().ParameterStatus(name))
	}
	run := func(title, sql string, args ...any) {
		fmt.Fprint(&out, title, ": ")
		rows, err := conn.Query(t.Context(), sql, args...)
		if err == nil {
			for rows.Next() {
				values, err := rows.Values()
				fmt.Fprintf(&out, "%v %v; ", values, err)
			}
			for _, f := range rows.FieldDescriptions() {
				fmt.Fprintf(&out, "%s:%d:%d:%d ", f.Name, f.DataTypeOID, f.TypeModifier, f.Format)
			}
			fmt.Fprint(&out, rows.CommandTag())
			err = rows.Err()
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok {
			fmt.Fprintf(&out, " %s %s %q %q %q %d %s", e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position, e.ConstraintName)
		} else if err != nil {
			fmt.Fprint(&out, " ", err)
		}
		fmt.Fprintf(&out, " [%c]\n", conn.PgConn().TxStatus())
	}
	run("no parameters", "select 1, 'two', null::text")
	run("parameters", "select $1::int4, $2::text, $3::bool, $4::float8", 42, "ä 'quoted' \\ 😀", true, 1.5)
	run("null and empty", "select $1::text, $2::text", nil, "")
	run("time", "select $1::timestamptz", time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC))
	run("bytes", "select $1::bytea", []byte{0, 1, 255})
	run("arrays", "select $1::int4[], $2::text[]", []int32{1, 2}, []string{"a", `b"c`})
	run("json", "select $1::jsonb", `{"a": [1, null]}`)
	run("negative", "select 3 -$1::int4", -2)
	run("insert", "insert into w.t values ($1, $2)", 1, "one")
	run("returning", "insert into w.t values ($1, $2), (3, null) returning id, name", 2, "two")
	run("select", "select id, name from w.t where id >= $1 order by id", 1)
	run("update", "update w.t set name = $1", "same")
	run("no rows", "select id from w.t where id = $1", 99)
	run("no columns", "select from w.t")
	run("empty", "")
	run("ping", "-- ping")
	run("ddl", "create table w.made (a int)")
	run("own row", "insert into todos (task) values ($1) returning user_id, task", "mine")
	run("cleanup", "delete from todos")
	run("syntax", "selec 1")
	run("column", "select 'ä', nope from w.t")
	run("parameter", "select $1::int4", "x")
	run("unique", "insert into w.t values ($1)", 1)
	run("division", "select 1 / $1::int4", 0)
	run("rls", "insert into todos (user_id, task) values ($1, 'x')", "mallory")
	run("set", "set application_name = 'pgx test'")
	fmt.Fprintln(&out, "application_name", conn.PgConn().ParameterStatus("application_name"))

	batch := &pgx.Batch{}
	for i := range 3 {
		batch.Queue("insert into w.t values ($1, 'batch')", 10+i)
	}
	batch.Queue("select count(*)::text from w.t")
	results := conn.SendBatch(t.Context(), batch)
	for range 3 {
		tag, err := results.Exec()
		fmt.Fprintln(&out, "batch", tag, err)
	}
	var count string
	err := results.QueryRow().Scan(&count)
	fmt.Fprintln(&out, "batch", count, err, results.Close())

	all, err := conn.Query(t.Context(), "select g, repeat('x', 100) from generate_series(1, 10000) g")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := pgx.CollectRows(all, func(row pgx.CollectableRow) (int, error) {
		var g int
		var x string
		err := row.Scan(&g, &x)
		return g + len(x), err
	})
	fmt.Fprintln(&out, "many rows", len(sum), slices.Max(sum), err)

	if mode == pgx.QueryExecModeSimpleProtocol {
		parts, err := conn.PgConn().Exec(t.Context(), "select 1; select 2, 3; begin; insert into w.t values (50, 'b'); commit").ReadAll()
		for _, r := range parts {
			fmt.Fprintf(&out, "several %q %s\n", r.Rows, r.CommandTag)
		}
		fmt.Fprintln(&out, "several", err)
	}
	return out.String()
}
