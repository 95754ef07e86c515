package proxytest

import (
	"context"
	database "database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

// pqTargets are connection strings to both sides.
func (s *stack) pqTargets(t *testing.T, user, options string) (direct, proxy string) {
	t.Helper()
	host, port := s.HostPort()
	c := s.oracle.config
	direct = fmt.Sprintf("host=%s port=%d user=authenticated dbname=%s sslmode=disable options='-c proxytest.sub=%s' %s", c.Host, c.Port, c.Database, user, options)
	proxy = fmt.Sprintf("host=%s port=%s user=authenticated dbname=neondb sslmode=verify-full sslrootcert=%s password=%s %s", host, port, s.CAFile(), s.token(t, user), options)
	return direct, proxy
}

// TestLibPQ runs lib/pq in the two ways in which it asks for text results.
func TestLibPQ(t *testing.T) {
	s := startStack(t)
	for name, options := range map[string]string{
		"prepared results as text": "disable_prepared_binary_result=yes",
		"binary parameters":        "binary_parameters=yes",
	} {
		t.Run(name, func(t *testing.T) {
			s.fresh(t, schemaOf("lib_pq"))
			direct, proxy := s.pqTargets(t, "alice", options)
			var want, got string
			var both sync.WaitGroup
			both.Go(func() { want = pqOutput(t, direct, options) })
			both.Go(func() { got = pqOutput(t, proxy, options) })
			both.Wait()
			compareOutputs(t, want, got)
			if !strings.HasSuffix(want, "\nend\n") {
				t.Errorf("the program did not come to its end:\n%s", want)
			}
		})
	}
}

// pqOutput prints what a program that uses lib/pq sees.
func pqOutput(t *testing.T, dsn, options string) string {
	var out strings.Builder
	db, err := database.Open("postgres", dsn)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), clientPatience)
	defer cancel()
	db.SetMaxOpenConns(1)
	fail := func(title string, err error) {
		if e, ok := errors.AsType[*pq.Error](err); ok {
			fmt.Fprintf(&out, "%s: %s %s %q %q %q at %s %s %s %s %s %s %s\n", title, e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position, e.Schema, e.Table, e.Column, e.DataTypeName, e.Constraint, e.Code.Name())
		} else {
			fmt.Fprintf(&out, "%s: %v\n", title, err)
		}
	}
	show := func(title string, rows *database.Rows, err error) {
		if err != nil {
			fail(title, err)
			return
		}
		defer func() { _ = rows.Close() }()
		fmt.Fprintf(&out, "%s:", title)
		types, err := rows.ColumnTypes()
		for _, c := range types {
			length, hasLength := c.Length()
			precision, scale, hasScale := c.DecimalSize()
			name := c.DatabaseTypeName()
			fmt.Fprintf(&out, " %s:%s:%v:%v:%v:%v:%v", c.Name(), name, length, hasLength, precision, scale, hasScale)
		}
		for rows.Next() {
			values, into := make([]any, len(types)), make([]any, len(types))
			for i := range values {
				into[i] = &values[i]
			}
			err = errors.Join(err, rows.Scan(into...))
			fmt.Fprintf(&out, " %#v", values)
		}
		fmt.Fprintf(&out, " %v\n", err)
		if err := rows.Err(); err != nil {
			fail(title, err)
		}
	}
	query := func(title, text string, args ...any) {
		rows, err := db.QueryContext(ctx, text, args...)
		show(title, rows, err)
	}
	exec := func(title, text string, args ...any) {
		r, err := db.ExecContext(ctx, text, args...)
		if err != nil {
			fail(title, err)
			return
		}
		n, err := r.RowsAffected()
		fmt.Fprintln(&out, title, n, err)
	}
	fmt.Fprintln(&out, "ping", db.PingContext(ctx))
	query("datestyle at startup", "show datestyle")
	query("simple", "select 1 as a, null as b, 'x' as c, true as t, 1.5::float8 as f, 2.50::numeric(8,2) as n")
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.FixedZone("", 3600))
	query("parameters", "select $1::int4 as i, $2::text as t, $3::bool as b, $4::float8 as f, $5::int8 as l", 42, "ä 'quoted' \\ 😀", true, 1.5, int64(1)<<40)
	query("time", "select $1::timestamptz as t, $1::timestamp as l, $1::date as d", at)
	if !strings.Contains(options, "binary_parameters") { // there they are binary
		query("bytes", "select $1::bytea as b, length($1::bytea) as n", []byte{0, 1, 255, '\\'})
	}
	query("arrays", "select $1::text[] as t, $2::int[] as i", pq.Array([]string{"a", `b"c`, ""}), pq.Array([]int64{1, 2}))
	query("null and empty", "select $1::text as n, $2::text as e", nil, "")
	query("null types", "select $1::text as s, $2::int as i", database.NullString{}, database.NullInt64{Int64: 7, Valid: true})
	query("inferred", "select id, name from lib_pq.parent where id >= $1 and name <> $2 order by id", 2, "x")
	query("types", "select id, v, n, at, m, am from lib_pq.none where v = $1", "x")
	exec("create", "create table lib_pq.none (id bigserial, v varchar(10), n numeric(10,2), at timestamptz(3), m lib_pq.mood, am bytea)")
	query("types", "select id, v, n, at, m, am from lib_pq.none where v = $1", "x")
	exec("insert", "insert into lib_pq.none (v, n, at, m) values ($1, $2, $3, $4), ('y', 2, null, 'sad')", "x", "12.50", at, "happy")
	var id int
	var when time.Time
	var n string
	err = db.QueryRowContext(ctx, "select id, at, n from lib_pq.none where v = $1", "x").Scan(&id, &when, &n)
	fmt.Fprintln(&out, "scanned", id, when.UTC(), n, err)
	err = db.QueryRowContext(ctx, "insert into lib_pq.t values ($1, $2) returning id", 1, "one").Scan(&id)
	fmt.Fprintln(&out, "returning", id, err)
	err = db.QueryRowContext(ctx, "select id from lib_pq.t where id = $1", 99).Scan(&id)
	fmt.Fprintln(&out, "no rows", err)
	var raw []byte
	err = db.QueryRowContext(ctx, `select '\x00ff5c'::bytea where $1`, true).Scan(&raw)
	fmt.Fprintf(&out, "bytea %x %v\n", raw, err)
	exec("update", "update lib_pq.none set n = $1 where n < $2", 3, 10)
	exec("delete", "delete from lib_pq.t")
	exec("several", "insert into lib_pq.t values (5, 'm'); insert into lib_pq.t values (6, 'm')")

	st, err := db.PrepareContext(ctx, "select name from lib_pq.parent where id = $1")
	if err != nil {
		fail("prepare", err)
		return out.String()
	}
	for i := range 4 {
		rows, err := st.QueryContext(ctx, i)
		show("prepared", rows, err)
	}
	rows, err := st.QueryContext(ctx, "x")
	show("a wrong value", rows, err)
	rows, err = st.QueryContext(ctx, 2)
	show("prepared, again", rows, err)
	fmt.Fprintln(&out, "closed", st.Close())
	_, err = db.PrepareContext(ctx, "select nope from lib_pq.parent where id = $1")
	fail("prepare a wrong statement", err)
	ins, err := db.PrepareContext(ctx, "insert into lib_pq.t values ($1, $2)")
	if err != nil {
		fail("prepare an insert", err)
		return out.String()
	}
	for i := range 3 {
		_, err := ins.ExecContext(ctx, i+10, "p")
		fmt.Fprintln(&out, "prepared insert", err)
	}
	_, err = ins.ExecContext(ctx, 10, "again")
	fail("prepared insert, unique", err)
	fmt.Fprintln(&out, ins.Close())

	query("syntax", "selec $1", 1)
	query("column", "select 'ä', nope from lib_pq.t")
	query("table", "select * from lib_pq.nope where id = $1", 1)
	query("bad value", "select $1::int", "x")
	query("division", "select 1 / $1::int", 0)
	exec("unique", "insert into lib_pq.parent values ($1, 'x')", 1)
	exec("check", "insert into lib_pq.child (n) values ($1)", -1)
	exec("foreign key", "insert into lib_pq.child (parent_id) values ($1)", 99)
	exec("not null", "insert into lib_pq.parent values ($1)", 50)
	exec("enum", "insert into lib_pq.none (m) values ($1)", "angry")
	exec("rls", "insert into todos (user_id, task) values ($1, 'x')", "mallory")
	query("too few", "select $1::int, $2::int", 1)
	query("well again", "select 'ok'")
	query("own row", "insert into todos (task) values ($1) returning user_id, task", "mine")
	exec("cleanup", "delete from todos")

	exec("set", "set search_path = lib_pq")
	query("in that path", "select name from parent where id = $1", 1)
	exec("zone", "set time zone 'America/New_York'")
	err = db.QueryRowContext(ctx, "select $1::timestamptz", at).Scan(&when)
	fmt.Fprintln(&out, "in that zone", when, err)
	query("set_config", "select set_config($1, $2, false)", "application_name", "lib/pq")
	query("show", "show application_name")
	exec("discard", "discard all")
	query("after it", "select name from parent where id = $1", 1)
	query("many rows", "select count(*), sum(g) from generate_series(1, $1::int) g", 5000)
	if m, err := pqRows(ctx, db, "select g, repeat('x', 1000) from generate_series(1, $1::int) g", 5000); err != nil || len(m) != 5000 {
		fmt.Fprintln(&out, "many rows", len(m), err)
	} else {
		fmt.Fprintln(&out, "many rows", len(m), slices.Max(m))
	}
	out.WriteString("end\n")
	return out.String()
}

func pqRows(ctx context.Context, db *database.DB, text string, args ...any) (numbers []int, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var x string
		if err := rows.Scan(&n, &x); err != nil {
			return nil, err
		}
		numbers = append(numbers, n+len(x))
	}
	return numbers, rows.Err()
}

// TestLibPQRefused is what lib/pq cannot do yet: each must be told by name, and leave a session that works.
func TestLibPQRefused(t *testing.T) {
	s := startStack(t)
	s.fresh(t, schemaOf("lib_pq"))
	for _, c := range []struct {
		name, options, text, message string
		args                         []any
	}{
		{"int4", "", "select 1 where $1", "the binary format of results", []any{true}},
		{"int8", "", "select id from todos where task = $1", "the binary format of results", []any{"x"}},
		{"int2", "", "select 1::int2 where $1", "the binary format of results", []any{true}},
		{"bytea", "", `select '\x00'::bytea where $1`, "the binary format of results", []any{true}},
		{"uuid", "", "select gen_random_uuid(), 'text' where $1", "the binary format of results", []any{true}},
		{"an int4 among others", "", "select 'text', id from lib_pq.parent where id = $1", "the binary format of results", []any{1}},
		{"[]byte as a binary parameter", "binary_parameters=yes", "select $1::bytea", "the binary format of parameters", []any{[]byte{0}}},
		{"COPY", "", "copy lib_pq.t from stdin", "COPY", nil},
		{"BEGIN", "", "begin", "a transaction block that stays open after its query", nil},
		{"LISTEN", "", "listen somebody", "LISTEN", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, dsn := s.pqTargets(t, "alice", c.options)
			db, err := database.Open("postgres", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, err = conn.ExecContext(t.Context(), c.text, c.args...)
			e, ok := errors.AsType[*pq.Error](err)
			if !ok || e.Code != "0A000" || e.Hint == "" || e.Message != c.message+" is not supported by pgturnstile" {
				t.Errorf("%v, want 0A000 and a hint: %s is not supported by pgturnstile", err, c.message)
			}
			// Text columns are asked for as text.
			var name string
			if err := conn.QueryRowContext(t.Context(), "select name from lib_pq.parent where id = $1", 1).Scan(&name); err != nil || name != "one" {
				t.Errorf("the session afterwards: %q, %v", name, err)
			}
		})
	}
}
