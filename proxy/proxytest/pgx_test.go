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

// TestPgxDescribing: three modes ask what a statement takes and gives before they bind. With strings as arguments and text results
// they work.
func TestPgxDescribing(t *testing.T) {
	s := startStack(t)
	for name, mode := range map[string]pgx.QueryExecMode{
		"describe exec":   pgx.QueryExecModeDescribeExec,
		"cache describe":  pgx.QueryExecModeCacheDescribe,
		"cache statement": pgx.QueryExecModeCacheStatement,
	} {
		t.Run(name, func(t *testing.T) {
			s.fresh(t, clientSchema)
			compareOutputs(t, pgxTextOutput(t, s.directConfig(t, "alice"), mode), pgxTextOutput(t, s.proxyConfig(t, "alice"), mode))
		})
	}
}

// TestPgxRefused: the default mode sends numbers and asks for them in binary. It must be told, and the session live on.
func TestPgxRefused(t *testing.T) {
	s := startStack(t)
	conn := connectPgx(t, s.proxyConfig(t, "alice"), pgx.QueryExecModeCacheStatement)
	for _, c := range []struct {
		name, sql, message string
		args               []any
	}{
		{"a number", "select $1::int::text", "the binary format of parameters is not supported by pgturnstile", []any{1}},
		{"a result", "select 1, $1::text", "the binary format of results is not supported by pgturnstile", []any{"x"}},
		{"several results", "select $1::timestamptz, 'text'", "the binary format of results is not supported by pgturnstile", []any{"now"}},
		{"a cursor", "declare c cursor for select 1", "DECLARE CURSOR is not supported by pgturnstile", nil},
		{"a block", "begin", "a transaction block that stays open after its query is not supported by pgturnstile", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := conn.Exec(t.Context(), c.sql, c.args...)
			e, ok := errors.AsType[*pgconn.PgError](err)
			if !ok || e.Code != "0A000" || e.Hint == "" || e.Message != c.message {
				t.Errorf("%v, want 0A000 and a hint: %s", err, c.message)
			}
			var answer string
			if err := conn.QueryRow(t.Context(), "select $1::text", "well").Scan(&answer); err != nil || answer != "well" {
				t.Errorf("the session afterwards: %q, %v", answer, err)
			}
		})
	}
	t.Run("COPY", func(t *testing.T) {
		_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"todos"}, []string{"task"}, pgx.CopyFromRows([][]any{{"x"}}))
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "0A000" || e.Message != "COPY is not supported by pgturnstile" {
			t.Errorf("%v, want 0A000", err)
		}
	})
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

// pgxTextOutput prints what a program sees that gives strings and asks for text.
func pgxTextOutput(t *testing.T, config *pgx.ConnConfig, mode pgx.QueryExecMode) string {
	conn := connectPgx(t, config, mode)
	var out strings.Builder
	run := func(title, sql string, args ...any) {
		fmt.Fprint(&out, title, ": ")
		rows, err := conn.Query(t.Context(), sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
		if err == nil {
			for rows.Next() {
				fmt.Fprintf(&out, "%q; ", rows.RawValues())
			}
			for _, f := range rows.FieldDescriptions() {
				fmt.Fprintf(&out, "%s:%d:%d:%d:%d:%v ", f.Name, min(f.DataTypeOID, 16384), f.DataTypeSize, f.TypeModifier, f.TableAttributeNumber, f.TableOID != 0)
			}
			fmt.Fprint(&out, rows.CommandTag())
			err = rows.Err()
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok {
			fmt.Fprintf(&out, " %s %s %q %q %q %d %q %s", e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position, e.Where, e.ConstraintName)
		} else if err != nil {
			fmt.Fprint(&out, " ", err)
		}
		fmt.Fprintf(&out, " [%c]\n", conn.PgConn().TxStatus())
	}
	fmt.Fprintln(&out, "ping", conn.Ping(t.Context()))
	run("no parameters", "select 1, 'two', null::text")
	run("parameters", "select $1::int4, $2::text, $3::bool, $4::float8, $5::timestamptz", "42", "ä 'quoted' \\ 😀", "true", "1.5", "2026-01-02 03:04:05.678+00")
	run("null and empty", "select $1::text, $2::text", nil, "")
	run("bytes, arrays, json", "select $1::bytea, $2::int4[], $3::text[], $4::jsonb", `\x0001ff`, "{1,2,NULL}", `{a,"b\"c"}`, `{"a": [1, null]}`)
	run("inferred", "select id, name from w.parent where id >= $1 and name <> $2 order by id", "2", "x")
	run("types", "select n, tags, parent_id, 'x'::varchar(7), n * $1, null::w.mood from w.child where parent_id = $2", "2", "1")
	run("insert", "insert into w.t values ($1, $2)", "1", "one")
	run("returning", "insert into w.t values ($1, $2), (3, null) returning id, name", "2", "two")
	run("values", "values ($1::int, $2), (2, 'b')", "1", "a")
	run("with", "with gone as (delete from w.t where id = $1 returning *) select name from gone", "3")
	run("update", "update w.t set name = $1", "same")
	run("no rows", "select id from w.t where id = $1", "99")
	run("no columns", "select from w.t where id > $1", "0")
	run("empty", "")
	run("show", "show datestyle")
	run("explain", "explain (costs off) select * from w.t where id = $1", "1")
	run("ddl", "create table w.made (a int)")
	for i := range 3 {
		run("again", "select name from w.parent where id = $1", fmt.Sprint(i+1))
	}
	run("own row", "insert into todos (task) values ($1) returning user_id, task", "mine")
	run("cleanup", "delete from todos")
	run("syntax", "selec 1")
	run("column", "select 'ä', nope from w.t where id = $1", "1")
	run("a value", "select $1::int4", "x")
	run("no type", "select $1 + $2", "x", "y")
	run("unique", "insert into w.t values ($1)", "1")
	run("check", "insert into w.child (n) values ($1)", "-1")
	run("division", "select 1 / $1::int4", "0")
	run("rls", "insert into todos (user_id, task) values ($1, 'x')", "mallory")
	run("well again", "select $1 || '!'", "well")
	run("set", "set search_path = w")
	run("in that path", "select name from parent where id = $1", "1")
	run("a changed column", "alter table made add column b text default 'b'")
	run("both", "select * from made where a > $1", "0")
	run("a changed column", "alter table made drop column b")
	run("one", "select * from made where a > $1", "0")
	run("one", "select * from made where a > $1", "0")

	batch := &pgx.Batch{}
	for i := range 3 {
		batch.Queue("insert into w.t values ($1, $2)", fmt.Sprint(i+10), "batch")
	}
	batch.Queue("select name from w.t where id = $1", "11")
	results := conn.SendBatch(t.Context(), batch)
	for range 3 {
		tag, err := results.Exec()
		fmt.Fprintln(&out, "batch", tag, err)
	}
	var name string
	err := results.QueryRow().Scan(&name)
	fmt.Fprintln(&out, "batch", name, err, results.Close())
	failing := &pgx.Batch{}
	failing.Queue("insert into w.t values ($1, $2)", "20", "undone")
	failing.Queue("insert into w.t values ($1, $2)", "10", "again")
	fmt.Fprintln(&out, "a failing batch", conn.SendBatch(t.Context(), failing).Close())
	run("undone", "select count(*)::text from w.t where id = $1", "20")

	if _, err := conn.Prepare(t.Context(), "by id", "select name from w.parent where id = $1"); err != nil {
		fmt.Fprintln(&out, "prepare", err)
	}
	run("by name", "by id", "2")
	fmt.Fprintln(&out, "deallocate", conn.Deallocate(t.Context(), "by id"), conn.DeallocateAll(t.Context()))
	run("after it", "select name from w.parent where id = $1", "3")
	return out.String()
}
