package describe_test

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/describe"
	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/pgerr"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// pair is a Describer with real Postgres beside it.
type pair struct {
	t      *testing.T
	ctx    context.Context
	oracle *oracle
	ask    *asker
	d      *describe.Describer
}

func newPair(t *testing.T, user string) *pair {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	types := catalog.NewTypes(time.Hour, 10000)
	return &pair{t, ctx, newOracle(t, user), newAsker(t, user), describe.New(nil, types, describe.Options{})}
}

// before runs sql at the start of the oracle's session and of every request.
func (p *pair) before(sql string) {
	p.ask.head = sql
	p.oracle.simple(p.t, sql)
}

// same expects what Postgres says of sql.
func (p *pair) same(sql string, oids ...uint32) told {
	p.t.Helper()
	return p.sameAs(query(sql, oids))
}

func (p *pair) sameAs(q describe.Query) told {
	p.t.Helper()
	want, got := p.oracle.describe(p.t, q.Text, q.Declared), tell(p.ctx, p.d, p.ask, q)
	if !reflect.DeepEqual(got, want) {
		p.t.Errorf("%.200s %v\n got %s\nwant %s", q.Text, q.Declared, show(got), show(want))
	}
	return got
}

// refused expects that sql is parsed with these parameters and that its Describe fails with code.
func (p *pair) refused(code string, params []uint32, sql string, oids ...uint32) {
	p.t.Helper()
	d, err := p.d.Describe(p.ctx, p.ask, query(sql, oids))
	switch {
	case err != nil:
		p.t.Errorf("%s: %v", sql, err)
	case d.Err == nil || d.Err.Code != code || d.Err.Position != 0 || d.Fields != nil:
		p.t.Errorf("%s: %+v, want %s at Describe", sql, d, code)
	case !reflect.DeepEqual(append([]uint32{}, d.Params...), append([]uint32{}, params...)):
		p.t.Errorf("%s: parameters %v, want %v", sql, d.Params, params)
	}
}

// failing expects an error of Parse.
func (p *pair) failing(code, message string, q describe.Query) {
	p.t.Helper()
	_, err := p.d.Describe(p.ctx, p.ask, q)
	if e, ok := errors.AsType[*pgerr.Error](err); !ok || e.Code != code || e.Message != message {
		p.t.Errorf("%.100s: %v, want %s: %s", q.Text, err, code, message)
	}
}

func TestWhatTheRoleMayNotDo(t *testing.T) {
	p := newPair(t, "reader")
	p.same("SELECT id, name FROM author WHERE id = $1")
	p.same("SELECT * FROM secret WHERE id = $1")
	p.same("UPDATE secret SET body = $1 RETURNING *")
	p.same("INSERT INTO loan (book_id, member) VALUES ($1, $2) RETURNING *")
	p.same("INSERT INTO author (name) VALUES ($1)")
	p.same("SELECT nope FROM book")
	// Postgres describes these and refuses to execute them; here the description is refused already.
	p.refused("42501", []uint32{20}, "SELECT * FROM author WHERE id = $1")
	p.refused("42501", []uint32{23}, "SELECT title FROM book WHERE id = $1")
	p.refused("42501", []uint32{1043}, "INSERT INTO book (title) VALUES ($1) RETURNING id")
	p.refused("42501", []uint32{1043, 23}, "INSERT INTO book (title) VALUES ($1) RETURNING id + $2", 1043)
	p.refused("42501", nil, "WITH d AS (DELETE FROM book RETURNING *) SELECT * FROM d")
	p.same("SELECT * FROM book", 0) // P's own error comes first
	if p.ask.requests(); p.same("SELECT id FROM author").err != nil || p.ask.requests() != 1 {
		t.Error("a description that is allowed took more than a request")
	}
}

func TestDeclaredTypesThatDeclareNothing(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	for _, oid := range []uint32{0, 705} {
		p.same("SELECT $1 + 1", oid)
		p.same("SELECT 1", oid)
		p.same("SET work_mem = 1", oid)
		p.same("BEGIN", oid)
		p.same("EXPLAIN SELECT 1", oid)
		p.same("CREATE TABLE x AS SELECT 1", oid)
		p.same("SHOW work_mem", oid)
		p.same("", oid)
		p.same("SELECT $1, $2 IS NULL", 23, oid)
	}
	for _, oid := range []uint32{2278, 2276, 2283, 2249, 2281} { // void, any, anyelement, record, internal
		p.same("SELECT 1", oid)
		p.same("SELECT $1 + 1", 23, oid)
		p.same("BEGIN", oid)
		got := tell(p.ctx, p.d, p.ask, query("SELECT $1 + 1, $2::text", []uint32{oid, oid}))
		if want := []uint32{oid, oid}; !reflect.DeepEqual(got.params, want) || len(got.fields) != 2 || got.fields[0].TypeOID != 23 {
			t.Errorf("declared as %d: %s", oid, show(got))
		}
	}
}

func TestATypeThatDoesNotExist(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	const none = 4000000000
	p.same("SELECT $1", none)
	p.same("SELECT $1 + 1", none)
	p.same("INSERT INTO author (name) VALUES ($1)", none)
	p.same("INSERT INTO author (name) VALUES ($1) RETURNING id", none)
	p.same("SELECT 1", none)
	p.same("BEGIN", none)
	p.same("EXPLAIN SELECT 1", none)
}

func TestMoreDeclaredThanUsed(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	p.same("SELECT $2::int", 25, 23, 1043, 16)
	p.same("SELECT $2::int", 0, 23)
	p.same("INSERT INTO author (name) VALUES ($1)", 25, 16)
	p.same("INSERT INTO author (name) VALUES ($1) RETURNING id, $1", 25, 16)
	p.same("DELETE FROM author", 16)
	p.same("LOCK TABLE author", 16)
}

func TestManyParameters(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	list := func(n int) string {
		var b strings.Builder
		b.WriteString("SELECT 1 WHERE 1 IN (")
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("$" + strconv.Itoa(i+1))
		}
		return b.String() + ")"
	}
	oids := func(n int) []uint32 {
		o := make([]uint32, n)
		for i := range o {
			o[i] = 21
		}
		return o
	}
	p.same(list(32767))
	p.same(list(3500), oids(3500)...)
	p.same("INSERT INTO loan (days) " + list(1700) + " RETURNING days")
	p.same("SELECT 1", oids(32767)...)
	const limit = "a statement can have at most 32767 parameters"
	p.failing("54000", limit, query(list(32768), nil))
	p.failing("54000", limit, query("SELECT $2147483647", nil))
	p.failing("54000", limit, query("INSERT INTO author (name) VALUES ($99999999999999999999)", nil))
}

func TestMoreColumnsThanW(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	p.same("SELECT $1::int" + strings.Repeat(", 1", 1663))
	p.same("SELECT $1::int" + strings.Repeat(", 1", 1664))
	p.same("SELECT 1" + strings.Repeat(", 1", 1663))
}

func TestNamesThatHideThoseOfTheSystem(t *testing.T) {
	if err := execute(t.Context(), `CREATE SCHEMA IF NOT EXISTS hiding;
		CREATE OR REPLACE FUNCTION hiding.pg_typeof("any") RETURNS int LANGUAGE internal AS 'pg_typeof';
		CREATE OR REPLACE FUNCTION hiding.format(text, name, name) RETURNS text LANGUAGE sql AS 'SELECT ''x''';
		CREATE OR REPLACE FUNCTION hiding.never(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
		CREATE TABLE IF NOT EXISTS hiding.pg_prepared_statements (name text, parameter_types int[], result_types int[]);
		CREATE TABLE IF NOT EXISTS hiding.pg_proc (oid oid);
		DROP TYPE IF EXISTS hiding.int4; DROP TYPE IF EXISTS hiding.text;
		CREATE TYPE hiding.int4 AS (a pg_catalog.int4); CREATE TYPE hiding.text AS ENUM ('a');
		DROP OPERATOR IF EXISTS hiding.= (text, text); DROP FUNCTION IF EXISTS hiding.no(text, text);
		CREATE FUNCTION hiding.no(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
		CREATE OPERATOR hiding.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = hiding.no)`); err != nil {
		t.Fatal(err)
	}
	p := newPair(t, postgres.Superuser)
	p.before("SET search_path = hiding, public, pg_catalog")
	for _, sql := range []string{"SELECT $1::int, $2::text, $3", "INSERT INTO author (name) VALUES ($1)",
		"INSERT INTO author (name) VALUES ('x') RETURNING id, name", "WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d WHERE member = $1",
		"CALL public.answer($1, $2)", "WITH loan AS (SELECT 1) DELETE FROM loan RETURNING *", "SELECT nope"} {
		p.same(sql)
		p.same(sql, 23)
	}
}

func TestStringsWithBackslashes(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	p.before("SET standard_conforming_strings = off; SET escape_string_warning = off")
	for _, sql := range []string{`SELECT 'it\'s', $1::int`, `SELECT '\\', $1`, `INSERT INTO author (name) VALUES ('\')') RETURNING id, '$2\'', $1::int`, `SELECT '\' FROM author`} {
		q := query(sql, nil)
		q.StandardConforming = false
		p.sameAs(q)
	}
}

func TestReadOnlyTransactions(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	p.before("SET default_transaction_read_only = on; SET TRANSACTION READ ONLY")
	p.same("SELECT * FROM author WHERE id = $1")
	p.same("INSERT INTO author (name) VALUES ($1) RETURNING id")
	p.refused("25006", []uint32{20}, "SELECT * FROM author WHERE id = $1 FOR UPDATE")
}

func TestTheNameOfThePreparedStatementIsTaken(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	p.ask.head = "PREPARE nxd_ AS SELECT 1"
	p.same("INSERT INTO author (name) VALUES ($1)")
	p.same("INSERT INTO author (name) VALUES ($1) RETURNING id")
	p.same("INSERT INTO author (nope) VALUES ($1)")
}

func TestStatementsPreparedInSQL(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	for _, tc := range []struct {
		list, body string
		params     []uint32
		columns    []uint32
		err        string
		position   int32
	}{
		{"", "SELECT $1 + 1", []uint32{23}, []uint32{23}, "", 0},
		{"(int8)", "SELECT $1 + 1", []uint32{20}, []uint32{20}, "", 0},
		{"(int8, unknown, text)", "SELECT $1, $2", []uint32{20, 25, 25}, []uint32{20, 25}, "", 0},
		{"(genre, \"quantity\")", "SELECT $1, $2", nil, []uint32{0, 23}, "", 0},
		{"(text)", "INSERT INTO author (name) VALUES ($1) RETURNING $1, id", []uint32{25}, []uint32{25, 20}, "", 0},
		{"(text)", "DELETE FROM author WHERE name = $1", []uint32{25}, nil, "", 0},
		{"( text )", "SELECT nope", nil, nil, "42703", 8},
		{"(text, nosuch)", "SELECT $1", nil, nil, "42704", -8},
		{"(text", "SELECT $1", nil, nil, "42601", -7},
		{"(text)", "SELECT 1 INTO x WHERE 'a' = $1", []uint32{25}, nil, "", 0},
		{"(text)", "CREATE TABLE x (a int)", nil, nil, "42601", 1},
		{"", "SELECT (1", nil, nil, "42601", 10},
		{"", "SELECT 1 INTO", nil, nil, "42601", 14},
	} {
		q := query(tc.body, nil)
		q.Prepare, q.TypeList = true, tc.list
		d, err := p.d.Describe(p.ctx, p.ask, q)
		if tc.err != "" {
			if e, ok := errors.AsType[*pgerr.Error](err); !ok || e.Code != tc.err || e.Position != tc.position {
				t.Errorf("PREPARE %s AS %s: %v at %d, want %s at %d", tc.list, tc.body, err, pgerr.From(err).Position, tc.err, tc.position)
			}
			continue
		}
		if err != nil || d.Err != nil {
			t.Errorf("PREPARE %s AS %s: %v %v", tc.list, tc.body, err, d)
			continue
		}
		if tc.params != nil && !reflect.DeepEqual(d.Params, tc.params) {
			t.Errorf("PREPARE %s AS %s: parameters %v, want %v", tc.list, tc.body, d.Params, tc.params)
		}
		for i, f := range d.Fields {
			if i >= len(tc.columns) || tc.columns[i] != 0 && f.TypeOID != tc.columns[i] {
				t.Errorf("PREPARE %s AS %s: fields %v, want %v", tc.list, tc.body, d.Fields, tc.columns)
			}
		}
	}
}

func TestATypeIsRenamed(t *testing.T) {
	if err := execute(t.Context(), "CREATE TYPE first_name AS ENUM ('a')"); err != nil {
		t.Fatal(err)
	}
	p := newPair(t, postgres.Superuser)
	oid := p.oracle.describe(t, "SELECT $1::first_name", nil).params[0]
	p.same("SELECT $1", oid)
	if err := execute(t.Context(), "ALTER TYPE first_name RENAME TO second_name"); err != nil {
		t.Fatal(err)
	}
	p.d.Flush()
	p.same("SELECT $1", oid)
	p.same("INSERT INTO author (bio) VALUES ($1) RETURNING bio", oid)
	p.same("SELECT $1::nosuch", oid)
	if err := execute(t.Context(), "DROP TYPE second_name"); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatCannotBeAsked(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	for _, sql := range []string{"SELECT $1::int", "INSERT INTO author (name) VALUES ($1)", "WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d",
		"SET work_mem = 1", "EXPLAIN SELECT 1", "SHOW work_mem", "CALL tidy($1)", "SELECT (1"} {
		for _, fail := range []error{
			&upstream.Error{PG: pgerr.New(pgerr.ConnectionFailure, "gone"), Outcome: upstream.Unknown},
			&upstream.Error{PG: pgerr.New(pgerr.QueryCanceled, "canceled"), Outcome: upstream.Failed},
			&upstream.Error{PG: pgerr.New("57P01", "terminating").Fatal(), Outcome: upstream.Failed},
			context.Canceled,
		} {
			p.ask.requests()
			p.ask.fail = fail
			if _, err := p.d.Describe(p.ctx, p.ask, query(sql, nil)); !errors.Is(err, fail) {
				t.Errorf("%s: %v, want %v", sql, err, fail)
			}
			if n := p.ask.requests(); n != 1 {
				t.Errorf("%s: asked %d times", sql, n)
			}
		}
		p.same(sql) // nothing of it was kept
	}
}

func TestAStatementTooLongToRewrite(t *testing.T) {
	p := newPair(t, postgres.Superuser)
	long := "INSERT INTO loan (book_id, member) VALUES (1, 'm')" + strings.Repeat(",(1,'m')", 30000)
	p.same(long)
	p.same("SELECT 1 IN (1" + strings.Repeat(",1", 70000) + "), $1::int")
	p.refused("0A000", nil, long+" RETURNING book_id")
}
