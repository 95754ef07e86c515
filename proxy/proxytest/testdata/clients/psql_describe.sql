-- What psql asks before it runs: the columns of a statement by \gdesc, and of tables by \d.
\pset pager off
create domain psql_describe.amount as numeric(8,3) check (value >= 0);
create type psql_describe.pair as (a int, b varchar(7));
create table psql_describe.everything (
  id bigint generated always as identity primary key, v varchar(10) not null, c char(3), n numeric(10,2) default 1.50, t time(1), ts timestamp(2) with time zone,
  i interval day to second(3), bits bit(4), vb bit varying(9), arr varchar(5)[], am psql_describe.amount, p psql_describe.pair, m psql_describe.mood,
  gen text generated always as (lower(v)) stored, owner text not null default auth.user_id(), check (n < 1000), unique (v, c));
create index on psql_describe.everything (lower(v)) where n > 0;
create index everything_ts on psql_describe.everything using brin (ts);
alter table psql_describe.everything enable row level security;
create policy own on psql_describe.everything to authenticated using (owner = (select auth.user_id())) with check (owner = (select auth.user_id()));
create policy readers on psql_describe.everything for select using (m = 'happy');
comment on column psql_describe.everything.n is 'a number';
create table psql_describe.parts (id int, at date) partition by range (at);
create table psql_describe.parts_2026 partition of psql_describe.parts for values from ('2026-01-01') to ('2027-01-01');
\d psql_describe.everything
\d+ psql_describe.everything
\d psql_describe.parts
\d+ psql_describe.parts
\d psql_describe.everything_ts
\d psql_describe.pair
\dD psql_describe.*
\dp psql_describe.everything
\echo == the columns of statements
select 1 \gdesc
select * from psql_describe.everything \gdesc
select 1, 2, 'x' as "Größe", 'y' as "Größe", null, v, v, n + 1, n * 2, lower(v) from psql_describe.everything \gdesc
select 'a'::varchar(10), 'b'::char(3), 1.5::numeric(8,3), null::interval day to second(3), null::timestamp(2), array['x']::varchar(5)[], '\x00'::bytea \gdesc
select row(1, 'x'), p, (p).b, am, m from psql_describe.everything \gdesc
values (1, 'one'), (2, null) \gdesc
table psql_describe.parent \gdesc
with q as (select id, name from psql_describe.parent) select q, q.*, count(*) over () from q \gdesc
insert into psql_describe.everything (v) values ('x') returning id, v, arr \gdesc
update psql_describe.everything set v = 'y' returning * \gdesc
delete from psql_describe.everything returning v || c as both \gdesc
with gone as (delete from psql_describe.parent returning id) select id::text from gone \gdesc
insert into psql_describe.t values (1, 'one') \gdesc
create table psql_describe.never (a int) \gdesc
show timezone \gdesc
show all \gdesc
explain select 1 \gdesc
select from psql_describe.t \gdesc
select $1::int + $2 as sum, $3 || 'x' as text \gdesc
select count(*) from psql_describe.everything \gdesc
\echo == nothing ran
select count(*) from psql_describe.everything;
select count(*) from psql_describe.parent;
\echo == errors
selec 1 \gdesc
select nope from psql_describe.t \gdesc
select 'ä', nope from psql_describe.t \gdesc
select $1 \gdesc
select $1 + $2 \gdesc
insert into psql_describe.t values ('x') \gdesc
\gdesc
select 1 \; select 2 \gdesc
\echo == under settings
set search_path = psql_describe;
select * from parent \gdesc
\d parent
prepare p (int, text) as select name, $2 || name from parent where id = $1;
execute p (2, 'x') \gdesc
execute p (2, 'x');
prepare q as insert into t values ($1, $2) returning *;
execute q (7, 'seven');
execute q (7, 'again');
execute q (8);
execute q ('x', 'y');
execute nobody;
prepare p as select 1;
prepare wrong (int) as select nope from parent where id = $1;
prepare wrong (nope) as select $1;
deallocate p;
execute p (1, 'x');
deallocate p;
deallocate prepare q;
prepare r as select 1 as one;
prepare s as select 2 as two;
execute r \; execute s;
deallocate all;
execute r;
