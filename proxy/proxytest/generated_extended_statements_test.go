package proxytest

// sample is a statement with what its parameters may be given.
type sample struct {
	sql    string
	params []sort
}

// sort is what a parameter is: values that fit, values that do not, and the type that the server infers. @name stands for the
// OID of w.name, which differs from server to server.
type sort struct {
	good, bad []string
	oid       string
}

var (
	ofInt   = sort{[]string{"1", "2", "3", " 7 ", "-5", "12"}, []string{"x", "2147483648", "", "1.5"}, "23"}
	ofBig   = sort{[]string{"1", "3000000000"}, []string{"x", "99999999999999999999"}, "20"}
	ofText  = sort{[]string{"a", "", "ä€😀", "it's", `b\c`, "7", "sad"}, []string{"a"}, "25"}
	ofDate  = sort{[]string{"2020-02-29", "1999-01-08"}, []string{"2021-02-29", "x"}, "1082"}
	ofMood  = sort{[]string{"sad", "happy"}, []string{"angry"}, "@mood"}
	ofPos   = sort{[]string{"1", "5"}, []string{"-1", "x"}, "@pos"}
	ofInts  = sort{[]string{"{1,2}", "{}"}, []string{"1", "{x}"}, "1007"}
	ofNum   = sort{[]string{"1.5", "1e3", "-7"}, []string{"x"}, "1700"}
	ofBool  = sort{[]string{"t", "false"}, []string{"maybe"}, "16"}
	ofZero  = sort{[]string{"1", "0", "5"}, []string{"x"}, "23"}
	ofWords = sort{[]string{"{a,NULL}"}, []string{"{"}, "1009"}
)

// schemaOfOwn is what the session makes for itself, so that it may change it.
var schemaOfOwn = []string{
	"create type w.mood as enum ('sad', 'ok', 'happy')",
	"create domain w.pos as int check (value > 0)",
	"create domain w.word as text not null",
	"create table w.t (id int primary key, v text, n numeric(10,2), m w.mood, d w.pos)",
	"create table w.u (id bigint, w varchar(10), at date, arr int[])",
	"create table w.log (how text)",
	"create table w.ruled (id int)",
	"create rule also as on insert to w.ruled do also insert into w.log values ('rule')",
	"insert into w.t values (1, 'one', 1.5, 'sad', 1), (2, 'two', null, 'ok', 2), (3, 'ö3', 3, null, null)",
	"insert into w.u values (1, 'x', '2020-01-01', '{1,2}'), (2, null, null, null)",
	"create view w.v as select id, v from w.t",
	"create function w.f(int) returns int language sql as 'select $1 * 2'",
	"create function w.f(text) returns text language sql as $$ select 'text ' || $1 $$",
	"create schema if not exists w2",
	"drop table if exists w2.t",
	"create table w2.t (id text, other int)",
	"insert into w2.t values ('in w2', 2)",
}

// reading are queries.
var reading = []sample{
	{"select 1 as a", nil}, {"select 'x', null, 1.5", nil}, {"select", nil}, {"select id, v from w.v order by id", nil},
	{"select $1", []sort{ofText}}, {"select $1::int + 1 as n", []sort{ofInt}}, {"select $1, $2::text as \"ö\"", []sort{ofText, ofText}},
	{"select id, v from w.t where id = $1", []sort{ofInt}}, {"select * from w.t order by id", nil}, {"table w.u", nil},
	{"/* ä */ select v || $1 as c, id from w.t where id < $2 order by id ;", []sort{ofText, ofInt}}, {"select m, id from w.t where m = $1", []sort{ofMood}},
	{"select count(*) from w.t where d > $1", []sort{ofInt}}, {"select x.*, $1::date from w.u x order by x.id", []sort{ofDate}},
	{"values ($1::int, $2), (2, 'b')", []sort{ofInt, ofText}}, {"select 10 / $1::int as q", []sort{ofZero}}, {"select w.f($1)", []sort{ofText}},
	{"select w.f($1::int), w.f($2::text)", []sort{ofInt, ofText}}, {"select array[$1, 2] as l", []sort{ofInt}}, {"with x as (select $1::int as a) select a, a + $2 from x", []sort{ofInt, ofInt}},
	{"select id from w.t where id = any($1) order by id", []sort{ofInts}}, {"select $1 = 'x' as same, $1 as again", []sort{ofText}}, {"select n * $1, $2::bool from w.t order by id limit $3", []sort{ofNum, ofBool, ofBig}},
	{"select $1::w.pos", []sort{ofPos}}, {"select $1::w.mood, 'sad'::w.mood", []sort{ofMood}}, {"select case when $1 then 1 else $2 end", []sort{ofBool, ofInt}}, {"select coalesce($1, 'z'), $2::text[]", []sort{ofText, ofWords}},
	{"select * from t order by 1", nil}, {"select id from t where id = $1", []sort{ofInt}}, {"select distinct $1 as x, count(*) from w.t group by 1 -- end", []sort{ofText}},
	{"select v from w.t where v like $1 order by id for update", []sort{ofText}}, {"explain (costs off) select * from w.t where id = $1", []sort{ofInt}}, {"show work_mem", nil}, {"show application_name", nil}, {"show DateStyle", nil},
	{"select current_setting('work_mem')", nil}, {"select $1 || 'x' || $1", []sort{ofText}}, {"select a.id, b.id from w.t a join w.u b on a.id = b.id where a.id > $1 and b.w = $2", []sort{ofInt, ofText}},
	{"select $1::int union all select $2 order by 1", []sort{ofInt, ofInt}}, {"select row($1::int, 'a'), (select $2::text)", []sort{ofInt, ofText}}, {"select extract(year from $1::date), $1", []sort{ofDate}},
	{`select E'a\nb' as e, U&'\00e4' as u, $q$ $1 $q$ as d, $1::int`, []sort{ofInt}},
}

// writing are statements that change rows.
var writing = []sample{
	{"insert into w.log values ('once')", nil}, {"insert into w.log values ($1)", []sort{ofText}}, {"insert into w.log values ($1) returning how as h, $1", []sort{ofText}},
	{"insert into w.t (id, v) values ($1, $2)", []sort{ofInt, ofText}}, {"insert into w.t (id, v, m) values ($1, $2, $3) returning *", []sort{ofInt, ofText, ofMood}}, {"insert into w.t (id, d) values ($1, $2) on conflict (id) do update set d = $2", []sort{ofInt, ofInt}},
	{"update w.t set v = $1 where id = $2 returning id, v", []sort{ofText, ofInt}}, {"update w.t set n = n + $1", []sort{ofNum}}, {"update w.t set m = $1, d = $2 where id = $3", []sort{ofMood, ofInt, ofInt}},
	{"delete from w.t where id = $1", []sort{ofInt}}, {"delete from w.u where id > $1 returning w, at", []sort{ofBig}}, {"insert into w.u (id, w) select id, v from w.t where id = $1", []sort{ofInt}},
	{"with gone as (delete from w.t where id = $1 returning id) select count(*), $2 from gone", []sort{ofInt, ofText}}, {"insert into w.ruled values ($1)", []sort{ofInt}}, {"insert into w.log select v from w.t where id = $1 returning how", []sort{ofInt}},
	{"merge into w.t using (select $1::int as k) s on t.id = s.k when matched then update set v = $2 when not matched then insert (id) values (k)", []sort{ofInt, ofText}},
	{"update w.u set arr[1] = $1 where id = $2", []sort{ofInt, ofBig}}, {"insert into w.t values ($1, default, $2, 'ok', 3)", []sort{ofInt, ofNum}}, {"update w.v set v = $1 where id = 1 returning *", []sort{ofText}},
}

// failing are statements that fail in Parse, in Bind or in Execute, and what is no statement.
var failing = []sample{
	{"selec 1", nil}, {"select 1 frm x y", nil}, {"insert into", nil}, {"select 'ö", nil}, {"select 'ö' as \"ö\", nope from w.t", nil}, {"select * from w.nope where x = $1", []sort{ofInt}}, {"select nofn($1)", []sort{ofInt}},
	{"select $1::notype", []sort{ofInt}}, {"select $2::int", []sort{ofInt, ofInt}}, {"select $1::int, $3", []sort{ofInt, ofInt, ofInt}}, {"select 1 union select date '2020-01-01'", nil}, {"select $0", nil}, {"select id, count(*) from w.t", nil},
	{"select id from w.t a, w.t b", nil}, {"select 'x'::int", nil}, {"select 1/0", nil}, {"select 2147483647 + $1", []sort{ofInt}}, {"insert into w.t (id) values (1)", nil}, {"insert into w.t (v) values ($1)", []sort{ofText}},
	{"insert into w.t (id, d) values (100, -1)", nil}, {"insert into w.t (id, d) values (100, $1)", []sort{ofPos}}, {"select * from w.nosuch.t", nil}, {"select * from noschema.t", nil}, {"create table w.t (a int)", nil}, {"select date 'x'", nil}, {"select true::date", nil},
	{"select 1; select 2", nil}, {"", nil}, {" /* nothing */ ", nil}, {";", nil}, {"select $1 + $1", []sort{ofInt}}, {"select $1 is null", []sort{ofText}}, {"set work_mem = 'x'", nil}, {"set nope = 1", nil}, {"select ($1).x", []sort{ofText}},
	{"insert into w.t (id, v) values ($1)", []sort{ofInt}}, {"insert into w.t (id) values ($1), ($2), (null)", []sort{ofInt, ofInt}}, {"select v::int from w.t", nil}, {"select (select id from w.t)", nil}, {"update w.t set id = 1", nil}, {"select * from w.t where v", nil},
	{"drop table w.nope", nil}, {"select 1 as a from w.t group by b", nil}, {"execute nope", nil}, {"execute a(1, 2, 3, 4, 5)", nil}, {"deallocate nope", nil}, {"select $1::int / 0", []sort{ofInt}}, {"delete from w.v where nope", nil}, {"select 1 order by 5", nil},
}

// forbidden are statements that the role may parse and not execute.
var forbidden = []sample{{"select * from w.secret", nil}, {"insert into w.secret values ($1)", []sort{ofInt}}, {"delete from w.secret", nil}}

// changing are statements that change what prepared ones mean.
var changing = []string{
	"alter table w.t drop column n", "alter table w.t add column n numeric(10,2)", "alter table w.t add column x int default 7", "alter table w.t drop column x", "alter table w.t alter column v type varchar(20)", "alter table w.t alter column v type text",
	"alter table w.t rename column v to vv", "alter table w.t rename column vv to v", "alter table w.u alter column id type int", "alter table w.u alter column id type text", "alter table w.u alter column id type bigint using id::bigint", "alter table w.t alter column d type bigint",
	"alter type w.mood rename to feeling", "alter type w.feeling rename to mood", "alter type w.mood rename value 'ok' to 'fine'", "alter domain w.pos rename to positive", "alter domain w.positive rename to pos",
	"drop table w.u", "create table w.u (id bigint, w varchar(10), at date, arr int[])", "create table w.u (id int, w text)", "drop view w.v", "create or replace view w.v as select id, v, 1 as extra from w.t", "create or replace view w.v as select id, v from w.t",
	"create or replace function w.f(int) returns int language sql as 'select $1 * 3'", "drop function w.f(int)", "create function w.f(int) returns bigint language sql as 'select $1::bigint'", "alter table w.t rename to t2", "alter table w.t2 rename to t",
	"set search_path = w", "set search_path = w2, w", "set search_path = w2", "reset search_path", "set search_path = w", "alter table w.log rename column how to why", "alter table w.log rename column why to how",
	"create index on w.t (v)", "truncate w.log", "analyze w.t",
}

// settingsBetween are changes of settings, between Parse and Execute too.
var settingsBetween = []string{
	"set work_mem = '5MB'", "reset work_mem", "set application_name = 'ext'", "set search_path = w", "set search_path = w2", "reset search_path", "set DateStyle = 'German'", "reset DateStyle", "set extra_float_digits = 0", "reset all", "set local work_mem = '7MB'",
	"set client_min_messages = error", "set transform_null_equals = on", "reset transform_null_equals", "set bytea_output = escape", "select set_config('work_mem', '9MB', false)",
}
