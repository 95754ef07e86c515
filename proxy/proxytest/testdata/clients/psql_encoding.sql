-- Text in other encodings, of characters that they have and have not.
\pset pager off
\encoding
select 'äöü' as "Größe", length('äöü'), octet_length('äöü');
\encoding LATIN1
\encoding
show client_encoding;
select name from psql_encoding.parent where id = 2;
select chr(228) || chr(246) as "ascii";
select chr(8364) as "not in it";
select name from psql_encoding.parent order by id;
\encoding WIN1252
select chr(8364) as euro;
\encoding UTF8
insert into psql_encoding.t values (1, 'äöü €') returning name;
set client_encoding = 'LATIN9';
\encoding
select name from psql_encoding.t;
reset client_encoding;
\encoding
set names 'SQL_ASCII';
select name from psql_encoding.t;
\encoding nope
\encoding UTF8
select name, length(name) from psql_encoding.t;
