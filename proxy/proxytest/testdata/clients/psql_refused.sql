-- What a person types into psql and cannot have through the proxy. The answers stand in psql_refused.expected.
\pset pager off
begin;
begin \; select 1;
\copy w.parent to stdout
copy w.parent from stdin;
set pg_session_jwt.jwt = 'x';
select * from pg_authid \gdesc
set search_path = w \; prepare p as select 1;
select * from pg_prepared_statements;
set transaction snapshot '00000003-0000001B-1';
listen somebody;
declare c cursor with hold for select 1;
declare c cursor for select 1;
fetch c;
create temp table x (a int);
\set FETCH_COUNT 10
select 1;
\unset FETCH_COUNT
\set ON_ERROR_ROLLBACK on
select 'not in a block';
\set ON_ERROR_ROLLBACK off
alter role authenticated set search_path = w;
select pg_advisory_lock(1);
select currval('w.child_id_seq');
select set_config('pg_session_jwt.jwt', 'x', false);
update pg_settings set setting = 'w' where name = 'search_path';
prepare transaction 'x';
select 'well';
