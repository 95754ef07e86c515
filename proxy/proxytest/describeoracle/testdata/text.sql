-- The text itself: multi-byte characters, comments and blanks in odd places, odd quoting, strings while backslashes escape.
-- Multi-byte
SELECT 'größe', '日本語', '🐘', 'é', U&'\65E5\672C';
SELECT 'größe' AS "größe", '日本語' AS 日本語, 1 AS é, 2 AS "🐘";
SELECT größe FROM "Mixed Case";
SELECT "größe", nope FROM "Mixed Case";
SELECT 'äöü', nope FROM users;
SELECT 'äöü' || nope('ß') FROM users;
SELECT '日本語', 1 + 'x'::text;
SELECT 日本語 FROM "Mixed Case";
SELECT 日本語.größe FROM "Mixed Case" 日本語;
SELECT 日本語.größeX FROM "Mixed Case" 日本語;
SELECT /* 日本語 */ nope;
SELECT -- größe
nope;
SELECT '🐘🐘', $1 = $2;
SELECT '🐘' FROM nope;
SELECT '🐘' FORM users;
SELECT '🐘;
SELECT "🐘;
SELECT 'é' LIKE $1, 'é' || $2::text, nope;
INSERT INTO "Mixed Case" ("größe", "日本語", nope) VALUES (1, 'x', 2);
INSERT INTO "Mixed Case" ("größe", "日本語") VALUES (1, 'ü') RETURNING "日本語", 'ü' || nope;
UPDATE "Mixed Case" SET "日本語" = 'ü' WHERE "größe" = 'x';
UPDATE "Mixed Case" SET "日本語" = 'ü' RETURNING "日本語" AS ä, "größe" + $1;
DELETE FROM "Odd Schema"."表" WHERE "列" = 'ä';
SELECT * FROM "Odd Schema"."表" WHERE "列" = $1 AND 'ä' = $2;
SELECT "列" AS Ä, "a.b" AS "Ä.Ö" FROM "Odd Schema"."表" ORDER BY Ä;
SELECT Ä FROM (SELECT 1 AS ä) s;
SELECT "größe"::numeric(3,1) ÄÖ FROM "Mixed Case";
SELECT ROW('日本', 1), ARRAY['日', '本'], '{"日":"本"}'::jsonb -> '日';
WITH 表 AS (SELECT 1 AS 列) SELECT 表.列 FROM 表;
WITH 表 AS (SELECT 1 AS 列) SELECT 表.行 FROM 表;
SELECT U&"\65E5\672C\8A9E" FROM "Mixed Case";
SELECT U&"d\0061ta" FROM docs;
SELECT U&"!0064ata" UESCAPE '!' FROM docs;
SELECT U&'d!0061t' UESCAPE '!', U&'\+01F418', U&'a\\b';
SELECT U&'x' UESCAPE 'zz';
SELECT U&'x' UESCAPE '+';
SELECT U&'\00e9' AS U&"\00e9";
-- Comments and blanks
SELECT 1 -- end;
SELECT 1 /* end */;
/* begin */ SELECT 1;
--<
-- begin
SELECT 1
-->
--<
/* a /* nested */ b */ SELECT /* c */ 1 /* d */ AS /* e */ x /* f */
-->
--<
SELECT 1 -- a ; b
, 2 -- 'c
, 3 -- "d
, 4 /* $1 ' " */
-->
--<


SELECT
	1
	,
	2


-->
--<
-- only a comment
-->
--<
/* only a comment */
-->
--@ go ""
--@ go " "
--@ go ";"
--@ go ";;"
--@ go " ; "
--@ go "; SELECT 1"
--@ go ";SELECT nope"
--@ go "/* x */ ; -- y"
--@ go "SELECT 1;"
--@ go "SELECT 1 ;"
--@ go "SELECT 1; "
--@ go "SELECT 1;;"
--@ go "SELECT 1; -- done"
--@ go "SELECT 1; /* done */"
--@ go "SELECT 1 -- done;"
--@ go "SELECT 1 -- no newline at the end"
--@ go "SELECT id FROM users -- c\n"
--@ go "SELECT id FROM users WHERE id = $1 -- c"
--@ go "SELECT id FROM users WHERE id = $1 --"
--@ go "SELECT id FROM users WHERE id = $1 /* c */ -- d\n;"
--@ go "INSERT INTO s1 VALUES ($1, 'x') RETURNING id -- c"
--@ go "UPDATE s1 SET v = $1 RETURNING v /* c */ -- d"
--@ go "DELETE FROM s1 WHERE id = 1 -- c ; RETURNING"
--@ go "WITH a AS (DELETE FROM s1 RETURNING id -- c )\n) SELECT * FROM a -- d"
--@ go "SELECT\t1\r\n,\f2\n"
--@ go "SELECT\r1"
--@ go "SELECT 1 -- a\r, 2"
--@ go "SELECT 1 -- a\r\n, 2"
--@ go "SELECT 1\v"
--@ go "SELECT\u00a01"
--@ go "\ufeffSELECT 1"
--@ go "SELECT\u30001"
--@ go "SELECT 'a\nb', \"x\ny\" FROM (SELECT 1 AS \"x\ny\") s"
--@ go "SELECT 'a'\n'b', 'c'  -- x\n 'd', E'e'\n'f'"
--@ go "SELECT 'a' /* x */ 'b'"
--@ go "SELECT 'a' -- x\n\n -- y\n'b' AS c"
--@ go "SELECT U&'a'\n'b' UESCAPE '!'"
--@ go "SELECT 1--1\n"
--@ go "SELECT 1-- 1\n+ 2"
--@ go "SELECT 1/*x*/+/*y*/2"
--@ go "SELECT 1 +/*x*/ 2, 3 -/**/4, 5 */**/6"
--@ go "SELECT 2*/*x*/3"
--@ go "SELECT 1 <--x\n2"
--@ go "SELECT nope -- ü\n, 'ü' /* ü */"
--@ go "-- ü\n/* ü */ SELECT nope"
--@ go "   SELECT nope"
--@ go "\n\n\tSELECT\n\tnope\n\tFROM users"
--@ go "/* ü */ INSERT INTO s1 (nope) VALUES (1)"
--@ go "-- c\nUPDATE s1 SET nope = 1"
--@ go "  -- c\n  SELECT 1 FROM nope -- d"
--@ go "SELECT id FROM users WHERE id = "
--@ go "SELECT id FROM users WHERE id =  -- c"
--@ go "SELECT id FROM users WHERE id =  /* c */ "
--@ go "SELECT (1 "
--@ go "SELECT (1 -- c\n"
--@ go "SELECT (1; "
--@ go "SELECT 1,;"
--@ go "INSERT INTO s1 VALUES (1 "
--@ go "UPDATE s1 SET "
--@ go "SELECT 1 FROM users WHERE ;"
--@ go "SELECT 'open"
--@ go "SELECT 'open -- c"
--@ go "SELECT 'a' || 'open \nx"
--@ go "SELECT \"open"
--@ go "SELECT $tag$ open $tga$"
--@ go "SELECT 1 /* /* */"
--@ go "SELECT 1 */"
--@ go "SELECT E'a\\'b', 1"
--@ go "SELECT '\\', 1"
--@ go "SELECT '\\'', 1"
--@ go "SELECT 'a\x00b'"
-- Quoting
SELECT 'it''s', E'it\'s', $$it's$$, $a$it's $$ $b$ $a$, $ä$x$ä$, q'x';
SELECT $$;$$, ';', ";" FROM (SELECT 1 AS ";") s;
SELECT '$1', "$1", $$ $1 $$, $1::int, '--', '/*', $x$ -- $x$ FROM (SELECT 1 AS "$1") s;
SELECT $1, '$2', "a$3" FROM (SELECT 1 AS "a$3") s WHERE $1 = 1;
SELECT a$1, b$2x FROM (SELECT 1 AS a$1, 2 AS b$2x) s;
SELECT $1::int+$2::int, $1-$2,$1*$2;
SELECT $1::text||$2||'x', ($1)||($2);
SELECT id FROM users WHERE id=$1AND name=$2;
SELECT id FROM users WHERE id=$1 AND name=$2ORDER BY id;
SELECT id FROM users WHERE(id)=($1)AND(name)=($2)LIMIT($3);
SELECT"id"FROM"users"WHERE"id"=$1;
SELECT 1AS a, 2 AS"b",'c'AS"d", E'e'AS f;
SELECT id,name FROM users WHERE id IN($1,$2)AND active;
SELECT 'a'::text, 'a' :: text, CAST ( 'a' AS text ), text'a', "text"('a'), pg_catalog."text"('a'), "pg_catalog"."text"('a');
SELECT "a""b" FROM (SELECT 1 AS "a""b") s;
SELECT "SELECT" FROM (SELECT 1 AS "SELECT") "FROM";
SELECT "" FROM users;
SELECT "a very long name that has more than the sixty-three bytes a name can have in Postgres" FROM (SELECT 1 AS "a very long name that has more than the sixty-three bytes a name can have in Postgres") s;
SELECT 1 AS a_very_long_name_that_has_more_than_the_sixty_three_bytes_a_name_can_have;
SELECT 1 AS "ääääääääääääääääääääääääääääääääääääääääääääääääääää";
SELECT SELECT.id FROM users AS "SELECT";
SELECT "Users".id FROM users "Users" WHERE "Users"."id" = 1;
SELECT USERS.ID, Users.Name FROM USERS;
SeLeCt Id fRoM uSeRs WhErE iD = $1 LiMiT 1;
select/**/id/**/from/**/users;
SELECT id from users where name='a'and id=1or id=2;
SELECT returning FROM (SELECT 1 AS returning_, 2 AS "returning") s;
SELECT s."returning", s.into_, s."into" FROM (SELECT 1 AS "returning", 2 AS into_, 3 AS "into") s;
SELECT s.returning FROM (SELECT 1 AS "returning") s;
SELECT 1 AS returning;
SELECT 1 AS into;
SELECT 1 AS "into", 2 AS "from", 3 AS "with", 4 AS "insert";
SELECT s.into FROM (SELECT 1 AS "into") s;
SELECT s.from FROM (SELECT 1 AS "from") s;
SELECT s.* FROM (SELECT 1 AS "from", 2 AS "using") s WHERE s.from = s.using;
INSERT INTO s1 AS "returning" VALUES (1, 'returning') RETURNING "returning".id AS "RETURNING";
INSERT INTO s1 (id, v) SELECT s.returning, 'x' FROM (SELECT 1 AS "returning") s RETURNING v;
INSERT INTO s1 (id, v) SELECT 1 AS returning, 'x' RETURNING v;
INSERT INTO s1 (id, v) SELECT id, v AS "RETURNING" FROM s1 RETURNING v AS "RETURNING id";
UPDATE s1 SET v = s.from FROM (SELECT 'x' AS "from") s RETURNING s.from;
UPDATE s1 SET v = CASE WHEN s.where THEN 'a' END FROM (SELECT true AS "where") s WHERE s.where RETURNING s.where;
DELETE FROM s1 USING (SELECT 1 AS "where", 2 AS "returning") u WHERE u.where = s1.id RETURNING u.returning, u.where;
MERGE INTO target t USING (SELECT 1 AS "on", true AS "when") s ON t.id = s.on AND s.when WHEN MATCHED THEN UPDATE SET note = s.on::text;
WITH "select" AS (SELECT 1 AS "as") SELECT s.as FROM "select" s;
WITH x AS (SELECT ')' AS "(", '(' AS ")") SELECT "(", ")" FROM x;
WITH a AS (SELECT $$) SELECT $$ AS t) SELECT t FROM a;
WITH a AS (INSERT INTO s1 VALUES (1, ') RETURNING v') RETURNING v || ')') SELECT * FROM a;
INSERT INTO s1 VALUES (1, $q$ RETURNING id $q$) RETURNING v;
INSERT INTO s1 VALUES (1, 'a' /* RETURNING id */) -- RETURNING v
RETURNING id;
SELECT (((((1)))));
SELECT ((SELECT (((SELECT 1))))), (((SELECT 2)));
((((SELECT 1 AS deep))));
(((VALUES (1), (2))));
SELECT * FROM (((SELECT 1 AS a))) s;
SELECT id FROM ((users));
SELECT * FROM ((users u JOIN posts p ON true));
SELECT - - 1, -(-1), + 1, - + - 2, 1 - -1, 1 - - -1;
SELECT 1<2, 1<=2, 1<>2, 1>=2, 1!=2, 'a'~'b', 'a'!~'b', -1, 2-1, 2 -1, @-1, 5@-1;
SELECT 1.+2, .5, 5., 1.e2, 1e+2, 1E-2, 007, 1..2;
SELECT 1.;
SELECT tags[1:2], tags[:], tags[ 1 : 2 ] FROM posts;
SELECT x[1:y] FROM (SELECT ARRAY[1] AS x, 1 AS y) s;
SELECT a:=1;
SELECT '{"a":1}'::jsonb->'a', '{"a":1}'::jsonb->>'a', '{"a":1}'::jsonb#>'{a}', '{"a":1}'::jsonb?'a', '{"a":1}'::jsonb@>'{}', '{}'::jsonb-'a';
SELECT settings?'a', settings?|ARRAY['a'], settings?&ARRAY[$1] FROM users;
SELECT 'a'||'b'||$1, 'a'||/*c*/'b';
SELECT OPERATOR(pg_catalog.-)1, 1 OPERATOR (pg_catalog.+) 2;
SELECT 'a' IS NOT DISTINCT FROM 'b', 'from' IS DISTINCT FROM 'returning';
SELECT EXTRACT(EPOCH FROM now()) AS "from", TRIM('x' FROM 'xax'), OVERLAY('abc' PLACING 'x' FROM 1), SUBSTRING('abc' FROM 1);
SELECT DISTINCT ON ((id)) id FROM users;
SELECT(1), (2)AS b,('c')d;
SELECT*FROM users;
SELECT*,id FROM users;
SELECT count(*)FROM users;
SELECT u.*FROM users u;
SELECT 1WHERE true;
SELECT 'a'WHERE true;
SELECT $1WHERE true;
-- Strings while standard_conforming_strings is off
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT 'a\\'b', $1::int"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT '\\' $1 ', $1::text, '\\\\'"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT 'a\\n', E'\\'', $2::int, $1::int"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "INSERT INTO s1 VALUES (1, '\\' RETURNING id') RETURNING v || $1"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "UPDATE s1 SET v = '\\' FROM ' WHERE v = '\\';' RETURNING id, '\\\\', $1::date"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT U&'x'"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT U&\"id\" FROM users WHERE name = '\\'' || $1"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT '\\', 1"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "WITH a AS (DELETE FROM s1 WHERE v = '\\')' RETURNING *) SELECT *, '\\'' FROM a WHERE id = $1"
--@ before SET standard_conforming_strings = off
--@ after RESET standard_conforming_strings
--@ go "SELECT nope, '\\''"
-- Settings that change what Parse says
--@ before SET search_path = shop
--@ after RESET search_path
SELECT * FROM users;
--@ before SET search_path = shop
--@ after RESET search_path
SELECT * FROM posts;
--@ before SET search_path = shop, public
--@ after RESET search_path
SELECT * FROM users, posts WHERE feeling = $1;
--@ before SET search_path = shop, public
--@ after RESET search_path
SELECT * FROM users u, posts WHERE u.nick = $1 AND posts.title = $2;
--@ before SET search_path = "Odd Schema"
--@ after RESET search_path
INSERT INTO "表" VALUES (1, $1) RETURNING *;
--@ before SET search_path = ''
--@ after RESET search_path
SELECT public.add(1, 2), lower($1), 'ok'::public.mood FROM public.users;
--@ before SET search_path = ''
--@ after RESET search_path
SELECT 1 FROM users;
--@ before SET search_path = ''
--@ after RESET search_path
UPDATE public.users SET feeling = $1, email = $2 WHERE id = $3 RETURNING feeling, email;
--@ before SET search_path = ''
--@ after RESET search_path
SELECT $1::public.address, $2::public.posint, $3::public.mood[], ($4::public.address).zip;
--@ before SET transform_null_equals = on
--@ after RESET transform_null_equals
SELECT id FROM users WHERE name = NULL AND $1 = NULL;
--@ before SET transform_null_equals = on
--@ after RESET transform_null_equals
SELECT id = NULL FROM users WHERE $1::int = NULL;
--@ before SET DateStyle = 'SQL, DMY'
--@ after RESET DateStyle
SELECT '31/12/2025'::date, '12/31/2025'::date;
--@ before SET DateStyle = 'SQL, DMY'
--@ after RESET DateStyle
SELECT '31/12/2025'::date, $1::date;
--@ before SET IntervalStyle = 'sql_standard'
--@ after RESET IntervalStyle
SELECT interval '-1 2:03:04', $1::interval;
--@ before SET TimeZone = 'Asia/Tokyo'
--@ after RESET TimeZone
SELECT '2025-01-01'::timestamptz, now();
--@ before SET backslash_quote = off
--@ after RESET backslash_quote
--@ go "SELECT E'a\\'b'"
--@ before SET backslash_quote = on
--@ after RESET backslash_quote
--@ go "SELECT E'a\\'b', $1::int"
--@ before SET xmloption = document
--@ after RESET xmloption
SELECT 'no document'::xml;
--@ before SET xmloption = document
--@ after RESET xmloption
SELECT '<a/>'::xml, $1::xml;
--@ before SET row_security = off
--@ after RESET row_security
SELECT * FROM notes;
--@ before SET row_security = off
--@ after RESET row_security
INSERT INTO notes (id) VALUES ($1) RETURNING *;
--@ before SET row_security = off
--@ after RESET row_security
SELECT * FROM users WHERE id = $1;
--@ before SET default_transaction_read_only = on
--@ after RESET default_transaction_read_only
SELECT * FROM users WHERE id = $1;
--@ before SET default_transaction_read_only = on
--@ after RESET default_transaction_read_only
INSERT INTO s1 VALUES ($1, $2) RETURNING *;
--@ before SET default_transaction_read_only = on
--@ after RESET default_transaction_read_only
SELECT id FROM users WHERE id = $1 FOR UPDATE;
--@ before SET default_transaction_isolation = 'serializable'
--@ after RESET default_transaction_isolation
SELECT id FROM users WHERE id = $1 FOR UPDATE;
--@ before SET lc_monetary = 'C'
--@ after RESET lc_monetary
SELECT '$5.00'::money, $1::money;
--@ before SET array_nulls = off
--@ after RESET array_nulls
SELECT '{NULL,a}'::text[], '{NULL}'::int[];
--@ before SET bytea_output = 'escape'
--@ after RESET bytea_output
SELECT '\x00'::bytea, $1::bytea;
--@ before SET default_text_search_config = 'simple'
--@ after RESET default_text_search_config
SELECT to_tsvector('a'), to_tsquery($1);
--@ before SET work_mem = '8MB'
--@ after RESET work_mem
SHOW work_mem;
--@ before SET my.own = 'x'
--@ after RESET my.own
SHOW my.own;
--@ before SET application_name = 'x'
--@ after RESET application_name
SELECT current_setting('application_name'), $1::int;
