-- PREPARE, EXECUTE and DEALLOCATE as a person types them.
\pset pager off
set search_path = psql_prepared;
create table kinds (id int primary key, v varchar(5), n numeric(6,2), at timestamptz, d date, tags text[], m mood, b bool, j jsonb);
prepare nothing as select 1 as one, 'x' as x, null as n;
execute nothing;
execute nothing();
prepare inferred as select id, name from parent where id = $1 and name <> $2;
execute inferred(2, 'x');
execute inferred('2', 'x');
execute inferred(1 + 1, 'x' || 'y');
execute inferred(2::bigint, 'x'::varchar);
execute inferred(null, null);
execute inferred(2.6, 'x');
execute inferred(length('ab'), upper('x'));
execute inferred(-1, '');
execute inferred(+3, E'a\'b');
execute inferred(twice(1), $$x$$);
prepare declared (int, text, numeric, timestamptz, text[], mood, bool, jsonb) as
  insert into kinds values ($1, $2, $3, $4, ($4::timestamptz)::date, $5, $6, $7, $8) returning *;
execute declared(1, 'a', 1.5, '2026-01-02 03:04:05+00', '{a,"b c"}', 'happy', true, '{"a": [1]}');
execute declared(2, 'b', '2', timestamptz '2026-01-02 03:04:05+00', array['x', 'y'], 'sad', 'f', '[]');
execute declared(3, null, null, null, null, null, null, null);
execute declared(3, 'again', 0, now(), '{}', 'happy', false, '1');
execute declared(4, 'too long', 0, now(), '{}', 'happy', false, '1');
execute declared(5, 'x', 0, now(), '{}', 'angry', false, '1');
execute declared(5, 'x');
execute declared(6, 'x', 99999, now(), '{}', 'happy', false, '1');
execute declared(7, 'x', 1, now(), '{}', 'happy', 3, '1');
execute declared(7, 'x', 1, 5, '{}', 'happy', true, '1');
execute declared(7, 'x', 1, nope, '{}', 'happy', true, '1');
execute declared((select 7), 'x', 1, now(), '{}', 'happy', true, '1');
execute declared(count(*), 'x', 1, now(), '{}', 'happy', true, '1');
select id, v, n, d, tags, m, b, j from kinds order by id;
prepare changing as with gone as (delete from kinds where id = any($1) returning id) select count(*) as gone from gone;
execute changing('{1,2}');
execute changing(array[3]);
prepare many as insert into t select g, $1 from generate_series(1, $2) g;
execute many('m', 5);
prepare up as update t set name = name || $1 where id <= $2;
execute up('!', 3);
prepare del as delete from t where id > $1;
execute del(4);
prepare vals as values ($1::int, $2::text), (0, 'zero');
execute vals(1, 'one');
prepare tab as table t;
execute tab;
prepare "Quoted Name" as select $1::text as "Größe";
execute "Quoted Name"('ä😀');
execute quoted;
prepare same as select $1::int as a, $1::int + $1 as b;
execute same(21);
prepare casts as select $1::text || $2::text as s;
execute casts(1, 2.50);
execute casts(true, '{a}'::text[]);
execute casts(now()::date - now()::date, interval '1 day');
prepare zero as select from t where id = $1;
execute zero(1);
\echo == descriptions
execute inferred(1, 'x') \gdesc
execute declared(1, 'a', 1.5, '2026-01-02', '{}', 'happy', true, '1') \gdesc
execute many('m', 5) \gdesc
prepare z as select 1 \gdesc
deallocate z \gdesc
\echo == variables and several at once
\set who 'al''ice'
execute inferred(1, :'who');
execute inferred(1, 'x') \gset found_
\echo :found_name
execute nothing \; execute vals(2, 'two') \; select 'and a query';
begin \; execute up('?', 3) \; commit;
begin \; execute del(0) \; rollback;
select count(*) from t;
\echo == errors
prepare inferred as select 2;
prepare bad as selec 1;
prepare bad as select nope from t;
prepare bad as select $1 + $2;
prepare bad as select $1;
execute bad('an unknown is text');
deallocate bad;
prepare bad (int) as select $1::text || $2;
execute bad(1, 'x');
prepare bad (nope) as select $1;
prepare bad2 (int, varchar(3)) as select $1, $2;
execute bad2(1, 'abcdef');
prepare bad3 as create table never (a int);
prepare bad3 as select 1; 
prepare bad4 as
  select 1,
    'ä', nope;
execute nobody(1);
execute inferred;
execute inferred(1, 2, 3);
deallocate nobody;
select $1;
execute inferred($1, 'x');
\echo == what changes
create table mine (id int, name text);
insert into mine values (1, 'one');
prepare star as select * from mine where id = $1;
execute star(1);
alter table mine add column extra int default 7;
execute star(1);
alter table mine drop column extra;
execute star(1);
alter table mine alter column name type varchar(10);
execute star(1);
deallocate star;
prepare star as select * from mine where id = $1;
execute star(1);
prepare into_mine as insert into mine values ($1, $2);
alter table mine alter column id type text;
execute into_mine(2, 'two');
execute star(1);
drop table mine;
execute star(1);
execute into_mine(3, 'three');
drop table kinds;
execute changing('{}');
create table public_names (name text);
prepare path as select count(*) from parent;
execute path;
set search_path = public;
execute inferred(2, 'x');
set search_path = psql_prepared;
set timezone = 'Asia/Tokyo';
prepare zone as select $1::timestamptz as t, $2::timestamptz::date as d;
execute zone('2026-07-01 12:00+00', '2026-07-01 23:00+00');
set timezone = 'UTC';
execute zone('2026-07-01 12:00+00', '2026-07-01 23:00+00');
prepare shown as select current_setting('timezone') as zone;
execute shown;
set timezone = 'Asia/Tokyo';
execute shown;
\echo == the end of them
deallocate prepare shown;
execute shown;
deallocate all;
execute zone('2026-07-01 12:00+00', '2026-07-01 23:00+00');
prepare inferred as select 'anew' as a;
execute inferred;
discard plans;
execute inferred;
discard all;
execute inferred;
