-- What a person types into psql. Run directly and through the proxy, the outputs are compared.
\pset pager off
\set VERBOSITY default
\echo == tables
\d
\dt
\d todos
\d+ todos
\dt w.*
\d w.child
\d+ w.child
\d w.v
\di w.*
\ds w.*
\dv w.*
\dm w.*
\df w.*
\sf w.twice(int)
\dn
\dT w.*
\dp todos
\z w.*
\du
\l
\dx
\dc nope
\dg
\ddp
\dRp
\d nope
\echo == statements
select 1 as one, 'two' as two, null as three;
select * from w.parent order by id;
insert into w.parent values (10, 'ten'), (11, 'eleven');
update w.parent set name = upper(name) where id >= 10;
delete from w.parent where id >= 10;
insert into w.parent values (12, 'twelve') returning *;
select g, repeat('x', g) from generate_series(1, 3) g \gx
select 'äöü 😀' as "Größe";
select 42 as answer \gset
\echo :answer
select format('select %s as n', g) from generate_series(1, 2) g \gexec
select a, b, 1 from (values ('x', 'y'), ('z', 'y')) v(a, b) \crosstabview
\x auto
select 1 as a, 2 as b;
\x off
\pset null '(null)'
select null;
\t on
select 'tuples only';
\t off
\a
select 1 as a, 2 as b;
\a
\echo == several statements in one Query
select 1 as a \; select 2 as b;
select 1 as a \; insert into w.parent values (13, 'thirteen') \; select count(*) from w.parent;
begin \; insert into w.parent values (14, 'fourteen') \; commit;
begin \; insert into w.parent values (15, 'fifteen') \; rollback;
select id from w.parent order by id;
\echo == errors
selec 1;
select 1 from;
select nope
  from w.parent;
select 'ääää', "ö", nope from w.parent;
select 1 as "ä"
  , 2 as b
  where nope = 1;
insert into w.parent values (1, 'again');
insert into w.child values (1, 99);
select 1/0;
select * from pg_authid;
\errverbose
\set VERBOSITY verbose
select nope;
\set VERBOSITY terse
select nope;
\set VERBOSITY sqlstate
select nope;
\set VERBOSITY default
\echo :SQLSTATE :ERROR :ROW_COUNT :LAST_ERROR_SQLSTATE :SERVER_VERSION_NUM
\echo == a failed block
begin \; select 1/0 \; commit;
select 1;
commit;
select 'well again';
\echo == settings
show application_name;
set application_name = 'renamed';
show application_name;
\encoding
set client_min_messages = warning;
drop table if exists w.nope;
\echo == own rows
insert into todos (task) values ('write tests'), ('run them');
select user_id, task, is_complete from todos order by id;
update todos set is_complete = true where task = 'run them';
insert into todos (user_id, task) values ('mallory', 'steal');
delete from todos;
