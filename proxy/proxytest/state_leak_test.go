package proxytest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func sql(texts ...string) []attack {
	var list []attack
	for _, t := range texts {
		list = append(list, attack{sql: t})
	}
	return list
}

var leaks = []struct {
	name    string
	attacks []attack
}{
	{"SET forms", sql("set work_mem = '1MB'", "set session work_mem to 2048", "set local work_mem = '3MB'", "set time zone 'Asia/Tokyo'",
		"set time zone interval '5' hour", "set names 'LATIN1'", "set names 'UTF8'", "set schema 'play'", "set xml option document", "set session characteristics as transaction isolation level serializable, read only, deferrable",
		"set my.marker = 'leak'", `set "My.Marker" = 'leak'`, "set statement_timeout = 10000", "set datestyle = 'German'", "set application_name = 'leak'", "set search_path from current",
		"set default_transaction_read_only = on", "set transaction_read_only = on", "reset work_mem", "set enable_seqscan = off", "set bytea_output = escape", "set role reader",
		"select 1", "reset role", "set session authorization authenticated", "select 1", "set session authorization default", "reset all", "discard all")},
	{"SET and errors", sql("set work_mem = '1MB'; select 1/0", "begin; set work_mem = '1MB'; set role reader; select 1/0; commit", "rollback",
		"begin; set role reader; rollback", "set role reader; select 1/0", "set role reader", "select 1/0", "select * from nowhere", "insert into play.notes values (3, 'x')", "reset role",
		"begin; savepoint a; set role reader; set my.marker = 'leak'; rollback to a; commit", "begin; savepoint a; set role reader; release a; select 1/0", "rollback")},
	{"set_config in every place", sql(
		"select set_config('work_mem', '1MB', false)", "select 1 where set_config('work_mem', '1MB', false) is not null",
		"with c as (select set_config('work_mem', '1MB', false)) select * from c", "with c as materialized (select set_config('work_mem', '1MB', false)) select 1",
		"select (select set_config('work_mem', '1MB', false))", "insert into play.notes values (10, 'x') returning set_config('work_mem', '1MB', false)",
		"insert into play.notes select 11, set_config('work_mem', '1MB', false)", "insert into play.notes values (12, set_config('work_mem', '1MB', false))",
		"update play.notes set note = set_config('work_mem', '1MB', false) where id = 1", "delete from play.notes where id = 10 and set_config('work_mem', '1MB', false) is not null",
		"delete from play.notes where id = 11 returning set_config('work_mem', '1MB', false)",
		"select upper(set_config('work_mem', '1MB', false))", "values (set_config('work_mem', '1MB', false))", "select case when true then set_config('work_mem', '1MB', false) end",
		"select case set_config('work_mem', '1MB', false) when 'x' then 1 end", "select * from play.notes, lateral (select set_config('work_mem', '1MB', false)) l",
		"select * from set_config('work_mem', '1MB', false)", "select * from rows from (set_config('work_mem', '1MB', false), generate_series(1, 2)) f",
		"select 1 order by set_config('work_mem', '1MB', false)", "select 1 group by set_config('work_mem', '1MB', false)", "select count(*) having set_config('work_mem', '1MB', false) is not null",
		"select 1 limit length(set_config('work_mem', '1MB', false))", "select count(*) filter (where set_config('work_mem', '1MB', false) is not null) from play.notes",
		"select array[set_config('work_mem', '1MB', false)]", "select row(set_config('work_mem', '1MB', false))", "select coalesce(null, set_config('work_mem', '1MB', false))",
		"select sum(1) over (partition by set_config('work_mem', '1MB', false)) from play.notes", "explain analyze select set_config('work_mem', '1MB', false)",
		"explain (analyze, format json) select set_config('work_mem', '1MB', false)", "explain select set_config('work_mem', '1MB', false)",
		"select pg_catalog.set_config('work_mem', '1MB', false)", `select "pg_catalog"."set_config"('work_mem', '1MB', false)`, `select U&"set\005fconfig"('work_mem', '1MB', false)`,
		`select U&"set!005fconfig" uescape '!' ('work_mem', '1MB', false)`, "select SET_CONFIG ( 'work_mem' , '1MB' , false )", "select set_config/**/('work_mem','1MB',false)", "select set_config -- x\n('work_mem','1MB',false)",
		"select set_config(setting_name => 'work_mem', new_value => '1MB', is_local => false)", "select set_config(is_local := false, setting_name := 'work_mem', new_value := '1MB')",
		"select set_config('work_mem', '1MB', is_local => false)", "select set_config(variadic array['work_mem', '1MB', 'f'])",
		"select set_config('work_mem', '1MB', 1 = 2)", "select set_config('work_mem', '1MB', 'f')", "select set_config('work_mem', '1MB', 'no'::bool)", "select set_config('work_mem', '1MB', not true)",
		"select set_config('work_mem', '1MB', null)", "select set_config('work_mem', '1MB', (select false))", "select set_config('work_' || 'mem', '1MB', false)", "select set_config(E'work\\x5fmem', '1MB', false)",
		"select set_config($$work_mem$$, '1MB', false)", "select set_config(U&'work\\005fmem', '1MB', false)", "select set_config('work_'\n'mem', '1MB', false)",
		"select set_config(name, setting, false) from pg_settings where name = 'work_mem'", "select set_config(name, '1MB', false) from (values ('work_mem')) v(name)",
		"select set_config(s.name, '1MB', false) from pg_settings s where s.name in ('work_mem', 'timezone') and s.name <> 'timezone'",
		"select set_config(name, '1MB', false) from (select 'work_mem' as name) pg_settings",
		"select set_config(set_config('my.marker', 'work_mem', false), '1MB', false)",
		"select set_config('my.marker', set_config('work_mem', '1MB', false), false)",
		"update pg_settings set setting = '1MB' where name = 'work_mem'", "update pg_catalog.pg_settings set setting = '1MB' where name = 'work_mem'", "update only pg_settings as p set setting = '1MB' where name = 'work_mem'",
		"with x as (update pg_settings set setting = '1MB' where name = 'work_mem' returning 1) select 1",
		"with x as (select 1) update pg_settings set setting = '1MB' where name = 'work_mem'", `update "pg_settings" set setting = '1MB' where name = 'work_mem'`,
		"explain analyze update pg_settings set setting = '1MB' where name = 'work_mem'", "merge into pg_settings p using (select 'work_mem' as n) s on p.name = s.n when matched then update set setting = '1MB'",
		"select p.set_config from (select 'work_mem'::text) p",
		"select 'work_mem'::text, f from set_config('work_mem', '1MB', false) as f",
		"select set_config('work_mem', '1MB', false) union all select set_config('enable_seqscan', 'off', false)",
		"create table play.made as select set_config('work_mem', '1MB', false) as c", "select set_config('work_mem', '1MB', false) as c into play.made2",
		"create materialized view play.view as select set_config('work_mem', '1MB', false) as c", "refresh materialized view play.view",
		"create table play.defaults (a text default set_config('work_mem', '1MB', false))", "insert into play.defaults default values",
		"create view play.sets as select set_config('work_mem', '1MB', false) as c", "select * from play.sets",
		"create index on play.notes (set_config('work_mem', '1MB', false))", "alter table play.notes add check (set_config('work_mem', '1MB', false) is not null)",
		"call pg_catalog.set_config('work_mem', '1MB', false)", "execute nothing(set_config('work_mem', '1MB', false))",
		"prepare p(text) as select $1, set_config('work_mem', '1MB', false)", "execute p(1)", "execute p(set_config('enable_seqscan', 'off', false))", "deallocate p",
		"prepare q as insert into play.notes select 20, set_config('work_mem', '1MB', false)", "execute q", "deallocate all",
		"prepare r(text) as select length($1)", "execute r(set_config('work_mem', '1MB', false))", "execute r((select set_config('work_mem', '1MB', false)))", "explain execute r('x')", "explain analyze execute r(set_config('work_mem', '1MB', false))",
		"select set_config('role', 'reader', false)", "select current_user", "select set_config('role', 'none', false)", "select set_config('session_authorization', 'authenticated', false)",
		"select set_config('transaction_isolation', 'serializable', false)", "select set_config('default_transaction_read_only', 'on', false)", "select set_config('statement_timeout', '5000', false)",
		"select set_config('my.marker', 'leak', false), set_config('app.user', 'leak', false)",
		"select set_config('work_mem', '1MB', false), 1/0", "begin; select set_config('work_mem', '1MB', false); select 1/0", "rollback", "reset all")},
	{"set_config with parameters", []attack{
		{"select set_config($1, $2, false)", []string{"work_mem", "1MB"}}, {"select set_config($1, $2, $3)", []string{"work_mem", "1MB", "f"}},
		{"select set_config($1, $2, $3::bool)", []string{"work_mem", "1MB", "  No "}}, {"select set_config($1::text, $2, not $3)", []string{"work_mem", "1MB", "true"}},
		{"select set_config($1, $2, $3), $3::text", []string{"work_mem", "1MB", "f"}}, {"select set_config(($1), ($2), ($3))", []string{"work_mem", "1MB", "f"}},
		{"select set_config($1, $2, $03)", []string{"work_mem", "1MB", "f"}}, {"select set_config($1||$4, $2, $3)", []string{"work_", "1MB", "f", "mem"}},
		{"select set_config($1::varchar, $2, cast($3 as boolean))", []string{"work_mem", "1MB", "off"}}, {"select set_config($1, $2, $3) where $3 is false", []string{"work_mem", "1MB", "f"}},
		{"select set_config($1, $2, $3::text::bool)", []string{"work_mem", "1MB", "f"}}, {"select set_config($1, $2, coalesce($3, false))", []string{"work_mem", "1MB", "f"}},
		{"select set_config($1, $2, $3), set_config($1, $2, $3)", []string{"my.marker", "leak", "0"}},
		{"select set_config($1, $2, 1 > length($3))", []string{"my.marker", "leak", "0"}},
		{"with c as (select $3::bool as b) select set_config($1, $2, b) from c", []string{"my.marker", "leak", "0"}},
		{"insert into play.notes select $1::int, set_config('my.marker', $2, $3)", []string{"30", "leak", "f"}},
		{"select set_config('role', $1, $2)", []string{"reader", "f"}}, {"select current_user where $1 = ''", []string{""}}, {"select set_config('role', $1, $2)", []string{"none", "f"}},
	}},
	{"what lasts beyond a statement", sql("create temp table t (a int)", "create temporary view v as select 1", "select 1 into temp t", "create table pg_temp.t (a int)", "create local temporary table if not exists t as select 1",
		"create function pg_temp.f() returns int language sql as 'select 1'", "create type pg_temp.e as enum ('a')", "create sequence pg_temp.s", "create view pg_temp.v as select 1", "select 1 as a into pg_temp.t",
		"create domain pg_temp.d as int", `create table "pg_temp".t (a int)`, `create table U&"pg\005ftemp".t (a int)`, "set search_path = pg_temp; create table t (a int)", "create table t (a int)", "reset search_path",
		"declare c cursor with hold for select 1", "declare c cursor for select 1", "listen x", "unlisten *", "select pg_advisory_lock(1)", "select pg_try_advisory_lock(1)", "select pg_advisory_lock_shared(1)",
		`select U&"pg\005fadvisory_lock"(1)`, "select pg_catalog.pg_advisory_lock(1, 2)", "select * from pg_advisory_lock(1)", "select 1 where pg_try_advisory_lock(1)", "begin; declare c cursor with hold for select 1; commit", "rollback",
		"create operator pg_temp.+ (function = int4pl, leftarg = int, rightarg = int)", `create collation pg_temp.c from "C"`, "create recursive view pg_temp.v (a) as select 1", "with x as (select 1 as a) select a into pg_temp.t from x",
		"explain analyze select 1 as a into temp t", "explain analyze create temp table t as select 1", "explain analyze create table pg_temp.t as select 1", "(select 1 as a into temp t)", "prepare t as select 1 as a into temp t", "execute t",
		"create table play.a (a int); alter table play.a set schema pg_temp", "create statistics pg_temp.s on id, note from play.notes", "create aggregate pg_temp.a (int) (sfunc = int4pl, stype = int)",
		"select set_config('search_path', 'pg_temp', true); create table t (a int)", "select set_config('search_path', 'pg_' || 'temp', true); create table t (a int)",
		"begin; set local search_path = 'pg_temp'; select 1 as a into t; commit", "rollback", "set search_path = U&'pg\\005ftemp'; create table t (a int)", "set search_path = nowhere, pg_temp", "create table t (a int)", "create view v as select 1", "create function f() returns int language sql as 'select 1'",
		"set search_path = '\"pg_temp\"'", "create table t (a int)", "select set_config('search_path', 'PG_TEMP', false)", "create table t (a int)", "create sequence q", "create domain d as int", "explain analyze create table t as select 1", "prepare tt as select 1 as a into t", "execute tt", "reset search_path",
		"prepare leak as select 'marker'", "execute leak", "prepare leak2 as select 'marker' where 1/0 = 1", "execute leak2", "prepare leak3 as select * from nowhere", "prepare leak4 (int) as select $1", "execute leak4(1/0)", "execute leak4((select 1))", "execute leak4('x' || 'y')", "prepare leak5(int, text) as select $1, $2", "execute leak5(length('abc'), upper('x'))", "deallocate all", "select leak()")},
	{"random", sql("set seed = 0.5", "set local seed = 0.5", "select setseed(0.5)", "select set_config('seed', '0.5', true)", "select set_config('seed', '0.5', false)", "select set_config(name, '0.5', true) from (values ('SEED')) pg_settings(name)")},
	{"descriptions that fail", []attack{
		{"select $1::int + $2::nothing", []string{"1", "2"}}, {"select nothing($1)", []string{"1"}}, {"select 'marker', $1::int from play.hidden", []string{"1"}},
		{"insert into play.hidden values ($1) returning id", []string{"1"}}, {"select 'marker' || $1 / 0", []string{"1"}}, {"with x as (insert into play.notes values (40, $1) returning id) select 1/(id-40) from x", []string{"marker"}},
		{"select 'marker' from pg_sleep(0.01) where $1 = 1", []string{"x"}}, {"update play.notes set note = $1 returning 'marker', id / 0", []string{"x"}},
	}},
}

// TestNothingIsLeftOnAConnection: whatever a session does, the next request on the same connection to Postgres finds nothing of it,
// although nobody resets the connection.
func TestNothingIsLeftOnAConnection(t *testing.T) {
	s := newStateStack(t)
	_, clean := s.look(t)
	found := map[string]string{} // on each connection so far
	attacks := 0
	for _, l := range leaks {
		attacks += len(l.attacks)
		t.Run(l.name, func(t *testing.T) {
			alice := s.session(t, "alice")
			for _, a := range l.attacks {
				said := s.play(t, alice, []attack{a})
				pid, state := s.look(t)
				if before, known := found[pid]; state != clean && !(known && state == before) {
					t.Errorf("%s (%v): %s\nleft %s", a.sql, a.params, said[0], state)
				}
				found[pid] = state
				if testing.Verbose() {
					t.Log(pid, a.sql, "=>", said[0])
				}
			}
		})
	}
	if len(found) > attacks/10 {
		t.Errorf("%d connections were used for %d statements: too many to find what was left", len(found), attacks)
	}
}

// TestADescriptionThatRunsOutOfTimeLeavesNothing: a description is asked for in several statements, between which time may be up.
func TestADescriptionThatRunsOutOfTimeLeavesNothing(t *testing.T) {
	s := newStateStack(t)
	alice := s.session(t, "alice")
	_, clean := s.look(t)
	s.play(t, alice, sql("set statement_timeout = 1"))
	canceled := 0
	for i := range 200 {
		text := fmt.Sprintf("insert into play.notes select %d, 'marker' || $1 where %s", i, strings.Repeat("$1 <> 'x' and ", i)+"true")
		_, err := alice.Prepare(t.Context(), "", text, nil)
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "57014" {
			canceled++
		}
		if _, state := s.look(t); state != clean {
			t.Fatalf("left %s, said %v", state, err)
		}
	}
	t.Logf("%d of 200 ran out of time", canceled)
}
