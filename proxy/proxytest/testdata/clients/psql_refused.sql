-- What a person types into psql and cannot have through the proxy. The answers stand in psql_refused.expected.
\pset pager off
begin;
begin \; select 1;
select 1 \gdesc
\copy w.parent to stdout
copy w.parent from stdin;
set search_path = w;
set timezone = 'UTC';
reset all;
set role anonymous;
listen somebody;
prepare p as select 1;
execute p;
declare c cursor with hold for select 1;
create temp table x (a int);
\encoding LATIN1
\set FETCH_COUNT 10
select 1;
\unset FETCH_COUNT
alter role authenticated set search_path = w;
select pg_advisory_lock(1);
select currval('w.child_id_seq');
select set_config('search_path', 'w', false);
select current_setting('application_name');
select 'well';
