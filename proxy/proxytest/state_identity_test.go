package proxytest

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// identityAttacks try to change who the user is, or to become a role that the server would not allow. None of them may succeed.
var identityAttacks = []attack{
	{sql: "set pg_session_jwt.jwt = 'x'"}, {sql: "set local pg_session_jwt.jwt = 'x'"}, {sql: "set session pg_session_jwt.jwt to 'x'"}, {sql: "SET PG_SESSION_JWT.JWT = 'x'"}, {sql: `set "pg_session_jwt".jwt = 'x'`},
	{sql: `set "PG_Session_JWT"."JWT" = 'x'`}, {sql: `set "pg_session_jwt.jwt" = 'x'`}, {sql: `set U&"pg\005fsession_jwt".jwt = 'x'`}, {sql: `set U&"pg!005fsession!005fjwt" uescape '!' . jwt = 'x'`},
	{sql: `set U&"pg!005fsession!005fjwt!002ejwt" uescape '!' = 'x'`}, {sql: `set U&"\0050g_session_jwt.jwt" = 'x'`}, {sql: "set pg_session_jwt . jwt = 'x'"}, {sql: "set pg_session_jwt/**/./**/jwt = 'x'"}, {sql: "set/**/local\npg_session_jwt.jwt='x'"},
	{sql: "set pg_session_jwt.jwt to default"}, {sql: "set pg_session_jwt.jwt from current"}, {sql: "reset pg_session_jwt.jwt"}, {sql: `reset "PG_SESSION_JWT".jwt`}, {sql: "set pg_session_jwt.new = 'x'"}, {sql: "set pg_session_jwt.jwk = 'x'"},
	{sql: "set pg_session_jwt.a.b = 'x'"}, {sql: "begin; set local pg_session_jwt.jwt = 'x'; select auth.user_id(); commit"},
	{sql: "select set_config('pg_session_jwt.jwt', 'x', false)"}, {sql: "select set_config('pg_session_jwt.jwt', 'x', true)"}, {sql: "select set_config('PG_SESSION_jwt.jwt', 'x', true)"}, {sql: "select set_config(E'pg\\x5fsession_jwt.jwt', 'x', true)"},
	{sql: "select set_config(U&'pg\\005fsession_jwt.jwt', 'x', true)"}, {sql: "select set_config($$pg_session_jwt.jwt$$, 'x', true)"}, {sql: "select set_config('pg_session'\n'_jwt.jwt', 'x', true)"}, {sql: "select set_config('pg_session' || '_jwt.jwt', 'x', true)"},
	{sql: "select set_config(lower('PG_SESSION_JWT.JWT'), 'x', true)"}, {sql: "select set_config((select 'pg_session_jwt.jwt'), 'x', true)"}, {sql: "select set_config(n, 'x', true) from (values ('pg_session_jwt.jwt')) v(n)"},
	{sql: "select set_config(name, 'x', true) from (values ('pg_session_jwt.jwt')) v(name)"}, {sql: "select set_config(name, 'x', true) from (values ('pg_session_jwt.jwt')) pg_settings(name)"},
	{sql: "select set_config(name, 'x', false) from (values ('pg_session_jwt.jwt')) pg_settings(name)"},
	{sql: "select set_config(v.name, 'x', true) from pg_settings s, (values ('pg_session_jwt.jwt')) v(name) limit 1"},
	{sql: "with pg_settings as (select 'pg_session_jwt.jwt' as name) select set_config(name, 'x', true) from pg_settings"},
	{sql: "with pg_settings as (select 'role' as name) select set_config(name, 'owner_of_all', true) from pg_settings"},
	{sql: "select set_config(name, 'x', true) from pg_settings where name like 'pg_session_jwt%'"}, {sql: "update pg_settings set setting = 'x' where name = 'pg_session_jwt.jwt'"},
	{sql: "select pg_catalog.set_config('pg_session_jwt.jwt', 'x', true)"}, {sql: `select U&"set\005fconfig"('pg_session_jwt.jwt', 'x', true)`}, {sql: "select set_config(setting_name => 'pg_session_jwt.jwt', new_value => 'x', is_local => true)"},
	{sql: "select set_config($1, 'x', true)", params: []string{"pg_session_jwt.jwt"}}, {sql: "select set_config($1, 'x', $2)", params: []string{"PG_SESSION_JWT.JWT", "t"}}, {sql: "select set_config($1 || $2, 'x', true)", params: []string{"pg_session_", "jwt.jwt"}},
	{sql: "select set_config($1::varchar, 'x', true)", params: []string{"pg_session_jwt.jwt"}}, {sql: "select set_config($1::text::varchar, 'x', true)", params: []string{"pg_session_jwt.jwt"}}, {sql: "select set_config($1::char(18), 'x', true)", params: []string{"pg_session_jwt.jwt"}},
	{sql: "prepare j as select set_config('pg_session_jwt.jwt', 'x', true)"}, {sql: "prepare k(text) as select set_config($1, 'x', true); execute k('pg_session_jwt.jwt')"}, {sql: "prepare k(text) as select set_config($1, 'x', true); execute k('pg_session_' || 'jwt.jwt')"}, {sql: "prepare k(text) as select set_config($1, 'x', true); execute k(E'\\x70g_session_jwt.jwt')"},
	{sql: "prepare l(bool) as select 1; execute l(set_config('pg_session_jwt.jwt', 'x', true) is null)"}, {sql: "explain analyze select set_config('pg_session_jwt.jwt', 'x', true)"}, {sql: "insert into play.notes values (90, set_config('pg_session_jwt.jwt', 'x', true))"},
	{sql: "alter role authenticated set pg_session_jwt.jwt = 'x'"}, {sql: "alter user current_user set work_mem = '1MB'"}, {sql: "alter database neondb set pg_session_jwt.jwt = 'x'"}, {sql: "alter system set work_mem = '1MB'"},
	{sql: "set role owner_of_all"}, {sql: "set role 'stranger'"}, {sql: "set local role postgres"}, {sql: "set session authorization postgres"}, {sql: "set session authorization 'owner_of_all'"}, {sql: "set local session authorization stranger"},
	{sql: "select set_config('role', 'owner_of_all', false)"}, {sql: "select set_config('session_authorization', 'owner_of_all', true)"}, {sql: "select set_config($1, $2, $3)", params: []string{"role", "owner_of_all", "false"}},
	{sql: "set role = owner_of_all"}, {sql: "set session_authorization to owner_of_all"}, {sql: "set is_superuser = on"}, {sql: "select set_config('is_superuser', 'on', true)"}, {sql: "set role reader; set role owner_of_all"},
	{sql: "set role reader; set session authorization postgres"}, {sql: "begin; set role reader; set local role stranger; commit"}, {sql: "select auth.jwt_session_init('x')"},
	{sql: "select set_config('session_preload_libraries', 'x', true)"}, {sql: "set session_preload_libraries = 'x'"}, {sql: "set local_preload_libraries = '$libdir/plugins/x'; select 1"},
}

// TestNobodyBecomesAnother: whoever tries is still who the token says, now and in every later request on that connection.
func TestNobodyBecomesAnother(t *testing.T) {
	s := newStateStack(t)
	const whoSQL = "select auth.user_id() || ' ' || session_user || ' ' || current_setting('is_superuser')"
	for _, a := range identityAttacks {
		alice := s.session(t, "alice")
		said := s.play(t, alice, []attack{a, {sql: "rollback"}, {sql: whoSQL}})
		if strings.Contains(a.sql, "jwt") && !strings.HasPrefix(said[0], "ERROR: ") && said[0] != "" {
			t.Errorf("%s %v: succeeds with %s", a.sql, a.params, said[0])
		}
		if !strings.HasPrefix(said[2], "alice authenticated off") {
			t.Errorf("%s %v (%s): is %s", a.sql, a.params, said[0], said[2])
		}
		if role := s.play(t, alice, sql("select current_user"))[0]; role != "authenticated" && role != "reader" {
			t.Errorf("%s: runs as %s", a.sql, role)
		}
		if _, state := s.look(t); !strings.Contains(state, `"identity" : "bob"`) || !strings.Contains(state, `"role" : "none"`) {
			t.Errorf("%s: the next user finds %s", a.sql, state)
		}
		if testing.Verbose() {
			t.Log(a.sql, a.params, "=>", said[0])
		}
		if err := alice.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestNobodyLogsInAsAnother: the startup packet cannot either.
func TestNobodyLogsInAsAnother(t *testing.T) {
	s := newStateStack(t)
	token, err := s.Mint(devstack.TokenRequest{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]string{
		{"pg_session_jwt.jwt", "x"}, {"PG_SESSION_JWT.JWT", "x"}, {"pg_session_jwt.new", "x"}, {"role", "reader"}, {"ROLE", "reader"}, {"session_authorization", "authenticated"}, {"Session_Authorization", "postgres"}, {"is_superuser", "on"},
		{"options", "-c pg_session_jwt.jwt=x"}, {"options", "-cpg_session_jwt.jwt=x"}, {"options", "--pg_session_jwt.jwt=x"}, {"options", "--pg-session-jwt.jwt=x"}, {"options", "-c PG-SESSION_JWT.jwt=x"}, {"options", `-c pg_session\_jwt.jwt=x`},
		{"options", "-c role=reader"}, {"options", "--role=reader"}, {"options", "-c session-authorization=postgres"}, {"options", "-c work_mem=1MB -c role=reader"}, {"options", "-c my.x=\\ -c\\ role=x -c Role=reader"},
		{"options", "-p 1"}, {"options", "-d 5"}, {"options", "-P"}, {"options", "-O"}, {"options", "-c session_preload_libraries=x"},
	} {
		c, err := pgconn.ParseConfig("postgres://" + devstack.Role + "@" + s.Address() + "/" + devstack.Database + "?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		c.TLSConfig, c.Password = s.tls, token
		c.RuntimeParams[p[0]] = p[1]
		conn, err := pgconn.ConnectConfig(t.Context(), c)
		if err == nil {
			t.Errorf("%v: logged in, %v", p, s.play(t, conn, sql("select current_user, session_user, auth.user_id()")))
			_ = conn.Close(t.Context()) // the failure is said
			continue
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Severity != "FATAL" {
			t.Errorf("%v: %v", p, err)
		} else if testing.Verbose() {
			t.Log(p, e.Code, e.Message)
		}
	}
}
