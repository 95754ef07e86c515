-- Settings, as a person sets and asks them. It runs under several environments.
\pset pager off
\timing off
\set table psql_settings.parent
\echo :SERVER_VERSION_NUM :ENCODING :AUTOCOMMIT
\encoding
\echo == as connected
show timezone; show datestyle; show intervalstyle; show client_encoding; show search_path; show application_name; show statement_timeout; show work_mem;
show default_transaction_isolation;
select '2026-07-01 12:00+00'::timestamptz, '2026-07-01'::date, interval '1 day 02:03:04', current_setting('my.own', true);
select id from :table where name = :'missing';
\echo == set, show, reset
set search_path to psql_settings, public;
show search_path;
select name from parent order by id;
set time zone 'America/New_York';
show time zone;
select '2026-07-01 12:00+00'::timestamptz;
set time zone interval '-08:00' hour to minute;
show timezone;
set time zone -3.5;
show timezone;
set time zone local;
set datestyle = german;
select '2026-07-01'::date;
set datestyle to sql, dmy;
select '2026-07-01'::date;
set intervalstyle = iso_8601;
select interval '1 day 02:03:04';
set bytea_output = escape;
select '\x0041'::bytea;
set extra_float_digits = 0;
select 0.1::float8 + 0.2;
set work_mem = '64MB';
show work_mem;
set work_mem = 65;
show work_mem;
set statement_timeout = '90s';
show statement_timeout;
set statement_timeout = 50;
select pg_sleep(5);
reset statement_timeout;
set my.own = 'mine';
show my.own;
select current_setting('my.own'), set_config('my.own', 'yours', false);
show my.own;
set local my.own = 'nobody''s';
begin \; set local my.own = 'inside' \; show my.own \; commit;
show my.own;
begin \; set my.own = 'undone' \; rollback;
show my.own;
\set QUIET on
set my.own = 'kept' \; select 1/0;
\set QUIET off
show my.own;
set standard_conforming_strings = off;
set escape_string_warning = off;
select 'a\\b';
reset standard_conforming_strings;
select 'a\\b';
set default_transaction_read_only = on;
insert into psql_settings.t values (1, 'no');
set default_transaction_read_only = off;
insert into psql_settings.t values (1, 'yes');
set session characteristics as transaction isolation level serializable;
show default_transaction_isolation;
show transaction_isolation;
reset default_transaction_isolation;
set role anonymous;
select current_user, session_user;
set role none;
set role nobody;
set session authorization default;
\echo == errors
set timezone = 'Nowhere/Town';
set datestyle = 'nope';
set nope = 1;
show nope;
set work_mem = 'x';
set work_mem = -5;
set client_encoding = 'nope';
set server_version = '1';
set shared_buffers = '1GB';
set wal_level = 'minimal';
set log_statement = 'all';
set max_connections to 5;
reset nope;
show;
\errverbose
\echo == all
reset all;
show timezone; show search_path; show datestyle;
discard all;
show timezone; show search_path;
set client_min_messages = warning;
drop table if exists psql_settings.nope;
reset client_min_messages;
\echo :ENCODING
