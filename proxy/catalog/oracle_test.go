package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// real is a session of real Postgres, as an upstream and as an asker.
type real struct{ conn *pgconn.PgConn }

func (r real) Run(ctx context.Context, req *upstream.Request, sink upstream.RowSink) error {
	return r.Ask(ctx, req.Statements, sink)
}

func (r real) Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	for i, s := range statements {
		result := r.conn.ExecParams(ctx, s.SQL, s.Params, nil, nil, nil).Read()
		if result.Err != nil {
			return result.Err
		}
		if err := sink.Fields(i, make([]upstream.Field, len(result.FieldDescriptions))); err != nil {
			return err
		}
		for _, row := range result.Rows {
			b := binary.BigEndian.AppendUint16(sink.NextRow(), uint16(len(row)))
			for _, v := range row {
				if v == nil {
					b = binary.BigEndian.AppendUint32(b, 0xffffffff)
					continue
				}
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			}
			if err := sink.EndRow(b); err != nil {
				return err
			}
		}
		if err := sink.Complete(i, upstream.Completion{}); err != nil {
			return err
		}
	}
	return nil
}

// column reads a result's first column.
func (r real) column(t *testing.T, sql string) []string {
	t.Helper()
	result := r.conn.ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		t.Fatalf("%s: %v", sql, result.Err)
	}
	var list []string
	for _, row := range result.Rows {
		list = append(list, string(row[0]))
	}
	return list
}

const oracleSchema = `CREATE ROLE guest LOGIN; ALTER ROLE guest SET search_path = shadow, pg_catalog; ALTER ROLE guest SET work_mem = 5000;
ALTER ROLE guest SET "DateStyle" = 'German'; ALTER ROLE guest SET statement_timeout = '90s'; ALTER ROLE guest SET quote_all_identifiers = on;
ALTER ROLE guest SET app.tenant = 'guest''s'; ALTER DATABASE postgres SET app.region = 'eu'; ALTER ROLE guest IN DATABASE postgres SET app.region = 'us';
CREATE DATABASE other; ALTER DATABASE other SET app.elsewhere = 'x'; ALTER ROLE guest SET pg_session_jwt.jwt = 'secret';
CREATE SCHEMA shadow; GRANT USAGE ON SCHEMA shadow TO guest;
CREATE FUNCTION shadow.format(text, name, name) RETURNS text LANGUAGE sql AS 'SELECT ''shadowed''';
CREATE FUNCTION shadow.wrong(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR shadow.= (FUNCTION = shadow.wrong, LEFTARG = oid, RIGHTARG = oid);
CREATE VIEW shadow.pg_settings AS SELECT 'a'::text AS name;
CREATE SCHEMA "Hidden é"; CREATE TYPE "Hidden é"."a "" b.c" AS ENUM ('x');
CREATE TYPE public.select AS (a int); CREATE TYPE public."Upper" AS RANGE (subtype = float8);
CREATE DOMAIN public.one AS int4; CREATE DOMAIN public.two AS public.one NOT NULL; CREATE DOMAIN public.three AS public.two CHECK (VALUE > 1);
CREATE DOMAIN public.list AS text[]; CREATE DOMAIN public.sized AS varchar(7); CREATE TABLE public.tab (a int);`

func oracleSession(t *testing.T) (superuser, guest real) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := postgres.Start(ctx, postgres.Options{Bin: os.Getenv("PGTURNSTILE_TEST_POSTGRES_BIN")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	connect := func(user string) real {
		conn, err := pgconn.Connect(ctx, server.DSN("postgres", user))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return real{conn}
	}
	superuser = connect(postgres.Superuser)
	for line := range strings.SplitSeq(oracleSchema, ";") { // CREATE DATABASE runs alone
		if err := superuser.conn.Exec(ctx, line).Close(); err != nil {
			t.Fatal(err)
		}
	}
	superuser = connect(postgres.Superuser) // the database's settings are there from the start
	return superuser, connect("guest")
}

func TestAgainstPostgres(t *testing.T) {
	superuser, guest := oracleSession(t)
	t.Run("types", func(t *testing.T) { compareTypes(t, superuser, guest) })
	t.Run("settings", func(t *testing.T) { compareSettings(t, guest) })
	t.Run("settings of a superuser", func(t *testing.T) { compareSettings(t, superuser) })
}

// A cast to a type's name makes a parameter of exactly this type, without a modifier.
func compareTypes(t *testing.T, superuser, guest real) {
	const facts = `SELECT concat_ws('|', t.oid, CASE typtype WHEN 'd' THEN (WITH RECURSIVE b AS (SELECT t.typbasetype AS oid UNION ALL SELECT typbasetype FROM b JOIN pg_type USING (oid) WHERE typtype = 'd')
		SELECT oid FROM b JOIN pg_type bt USING (oid) WHERE bt.typtype <> 'd') ELSE t.oid END, typtype, typlen, CASE WHEN typsubscript = 'array_subscript_handler'::regproc THEN typelem ELSE 0 END,
		has_schema_privilege('guest', typnamespace, 'USAGE')) FROM pg_type t`
	var oids []uint32
	want := make(map[uint32]string)
	for _, line := range superuser.column(t, facts) {
		var oid uint32
		if _, err := fmt.Sscanf(line, "%d|", &oid); err != nil {
			t.Fatal(err)
		}
		oids, want[oid] = append(oids, oid), line
	}
	types := NewTypes(time.Minute, 10000)
	start := time.Now()
	first, err := types.Get(t.Context(), guest, []uint32{23})
	if err != nil || first[23].Name == "" {
		t.Fatalf("%v %v", first, err)
	}
	t.Logf("the server's own %d types took %v", len(types.own), time.Since(start))
	got, err := types.Get(t.Context(), guest, oids)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(oids) || len(oids) < 500 {
		t.Errorf("%d of %d types", len(got), len(oids))
	}
	for oid, typ := range got {
		line := fmt.Sprintf("%d|%d|%c|%d|%d|%s", typ.OID, typ.Base, typ.Kind, typ.Size, typ.Element, map[bool]string{true: "t", false: "f"}[typ.Usable])
		if line != want[oid] {
			t.Errorf("%s is %s, want %s", typ.Name, line, want[oid])
		}
		if typ.Pseudo() {
			continue
		}
		described, err := superuser.conn.Prepare(t.Context(), "", "SELECT $1::"+typ.Name, nil)
		if err != nil {
			t.Errorf("%s: %v", typ.Name, err)
		} else if described.ParamOIDs[0] != oid || typ.Kind != 'd' && described.Fields[0].TypeModifier != -1 {
			t.Errorf("%s is %v, want %d", typ.Name, described.ParamOIDs, oid)
		}
	}
	if _, err := types.Get(t.Context(), guest, []uint32{4_000_000_000}); err != nil {
		t.Errorf("no type: %v", err)
	}
}

// Every setting that a session may see has SHOW's value.
func compareSettings(t *testing.T, session real) {
	facts, err := NewCache(session, time.Minute, zap.NewNop()).Get(t.Context(), caller("a"))
	if err != nil {
		t.Fatal(err)
	}
	names := session.column(t, "SELECT name FROM pg_catalog.pg_settings")
	names = append(names, "is_superuser", "role", "session_authorization", "app.region")
	if session.column(t, "SELECT current_user")[0] == "guest" {
		names = append(names, "app.tenant")
	}
	for _, name := range names {
		canonical, value, ok := facts.Setting(strings.ToLower(name))
		if !ok || canonical != name {
			t.Errorf("%s: %s, %v", name, canonical, ok)
			continue
		}
		want := session.column(t, "SHOW "+`"`+strings.ReplaceAll(name, ".", `"."`)+`"`)[0]
		switch name {
		case "application_name":
			want = ""
		case "client_encoding":
			want = "UTF8"
		}
		if value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	if len(facts.settings) != len(names) || len(names) < 300 {
		t.Errorf("%d settings of %d", len(facts.settings), len(names))
	}
	if got := fmt.Sprint(facts.Version()); got != session.column(t, "SHOW server_version_num")[0] {
		t.Errorf("version %s", got)
	}
	for _, p := range facts.Reported {
		if got := session.conn.ParameterStatus(p.Name); got != p.Value {
			t.Errorf("%s is reported as %q, here %q", p.Name, got, p.Value)
		}
	}
	for _, name := range []string{"nonsense.a", "app.elsewhere", "pg_session_jwt.jwt"} {
		if _, _, ok := facts.Setting(name); ok {
			t.Errorf("%s is none of this session's settings", name)
		}
	}
}

func TestSettingsAreBounded(t *testing.T) {
	many := pairs{}
	row := []byte{0, 2, 0, 0, 0, 1, 'a', 0, 0, 0, 1, 'b'}
	var err error
	n := 0
	for ; err == nil; n++ {
		err = many.EndRow(row)
	}
	if n != maxSettings+1 || errors.Unwrap(err) == nil {
		t.Errorf("%d rows, %v", n, err)
	}
	large := pairs{}
	value := append(binary.BigEndian.AppendUint32([]byte{0, 2, 0, 0, 0, 1, 'a'}, maxSettingSize), make([]byte, maxSettingSize)...)
	if err := large.EndRow(value); err == nil {
		t.Error("a value without bound")
	}
}
