SELECT $1
SELECT ($1)
SELECT $1, $2, $1
SELECT $2
SELECT $1 AS x, $2 y
SELECT $1::text
SELECT $1::date
SELECT CAST($1 AS numeric(10,2)), $2::varchar(5)
SELECT $1[1]
SELECT ($1)[1:2]
SELECT $1.zip
SELECT ($1).spot
SELECT ($1).*
SELECT 1 LIMIT $1 OFFSET $2
SELECT 1 FETCH FIRST $1 ROWS ONLY
SELECT 1 FETCH NEXT ($1 + 1) ROWS ONLY
SELECT id FROM person WHERE id = ANY($1)
SELECT id FROM person WHERE id = ANY ($1::bigint[]) AND mood <> ALL ($2)
SELECT id FROM person WHERE id IN ($1, $2, $3)
SELECT id FROM person WHERE id IN $1
SELECT $1 COLLATE "C"
SELECT now() AT TIME ZONE $1
SELECT $1 AT TIME ZONE 'UTC'
SELECT - $1, @ $2, $1 ^ 2
SELECT 1 WHERE 2 BETWEEN $1 AND $2
SELECT 1 WHERE 2 NOT BETWEEN SYMMETRIC $1 AND $2
SELECT $1 IS DISTINCT FROM $2
SELECT $1 IS NULL, $2 IS NOT TRUE
SELECT overlay('abc' PLACING $1 FROM $2 FOR $3)
SELECT substring('abc' FROM $1), substring($2 FROM 1 FOR 2), substring('x' SIMILAR $3 ESCAPE $4)
SELECT position($1 IN $2), trim(BOTH $3 FROM $4), extract(year FROM $5)
SELECT * FROM person TABLESAMPLE system ($1) REPEATABLE ($2)
SELECT $1 FROM person GROUP BY $1
SELECT count(*) FROM person GROUP BY name, id + $1 HAVING count(*) > $2
SELECT a + $1 FROM (SELECT 1 a) x GROUP BY a + $1
SELECT DISTINCT $1 ORDER BY $1
SELECT DISTINCT ON ($1) name FROM person ORDER BY $1
SELECT name FROM person ORDER BY $1, id USING <
SELECT ARRAY[$1, $2], ARRAY[[$1]], ROW($2, 1)
SELECT date($1), length($2), lower($3)
SELECT over($1)
SELECT over($1), over($2)
SELECT many($1, $2), many(VARIADIC $3)
SELECT first $1
SELECT $1 || $2
SELECT $1 || 'x', 'x' || $2
SELECT concat(VARIADIC $1)
SELECT f FROM (SELECT $1 AS f) x
SELECT "?column?" FROM (SELECT $1) x
SELECT int4 FROM (SELECT $1) x
SELECT to_jsonb(x) FROM (SELECT $1) x
SELECT $1 UNION SELECT 1
SELECT 1 UNION ALL SELECT $1
SELECT name FROM person UNION SELECT $1 EXCEPT SELECT $2 ORDER BY 1
(SELECT $1)
((SELECT $1 AS a)) ORDER BY 1 LIMIT $2
(SELECT name FROM person WHERE id = $1) UNION (SELECT title FROM note WHERE id = $2) ORDER BY 1
((SELECT name FROM person WHERE id = $1) UNION SELECT $2) LIMIT $3
(WITH q AS (SELECT $1 AS a) SELECT a FROM q) LIMIT $2
(WITH q AS (SELECT $1 AS a) SELECT a FROM q) UNION SELECT $2
(VALUES ($1)) UNION ALL (TABLE pin_ LIMIT $2)
(((SELECT $1)))
(SELECT $1) ORDER BY (SELECT 1 UNION SELECT 2)
SELECT sum(views) OVER (ORDER BY id ROWS BETWEEN $1 PRECEDING AND CURRENT ROW) FROM note
SELECT sum($1) OVER (PARTITION BY $2), ntile($3) OVER w FROM note WINDOW w AS (ORDER BY id)
SELECT count(*) FILTER (WHERE views > $1), string_agg(title, $2 ORDER BY $3) FROM note
SELECT percentile_cont($1) WITHIN GROUP (ORDER BY rating) FROM note
SELECT CASE $1 WHEN 1 THEN $2 ELSE $3 END, CASE WHEN $4 THEN 1 END
SELECT coalesce($1, $2), nullif($1, $2), greatest($3, 1), least($4)
SELECT x FROM generate_series($1, $2) x
SELECT * FROM generate_series($1::timestamptz, $2, $3) g
SELECT * FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(a, b, n)
SELECT * FROM ROWS FROM (unnest($1), generate_series(1, $2)) AS r(a, b)
SELECT '$1', $1, "$1" FROM (SELECT 1 AS "$1") q -- $2
SELECT $$ $1 $$, $tag$ $2 $tag$, E'\'$3', $1 /* $4 /* $5 */ */
SELECT 1 WHERE $1
SELECT NOT $1, $1 AND $2, $1 OR true
SELECT $1 IN (SELECT id FROM person)
SELECT id FROM person WHERE ($1, $2) IN (SELECT id, name FROM person)
SELECT $1 OPERATOR(pg_catalog.+) 1
SELECT ($1, 2) = (1, 2), ROW($2) < ROW(1)
SELECT $1 LIKE 'a%' ESCAPE $2, $3 ILIKE $4, $1 SIMILAR TO $2, $1 ~ $2
SELECT json_build_object('a', $1), jsonb_build_array($2)
SELECT doc -> $1, doc ->> $2, doc #> $3, doc @> $4, doc ? $5 FROM person
SELECT doc[$1], tags[$2], tags[$1:$2] FROM person
SELECT INTERVAL '1 day' * $1, date '2020-01-01' + $2, $3 - interval '1 h'
SELECT interval $1
SELECT xmlelement(name a, xmlattributes($1 AS b), $2), xmlforest($3 AS c)
SELECT xmlexists('//a' PASSING $1), xmlparse(DOCUMENT $2), xmlpi(name p, $3)
SELECT * FROM xmltable('/a' PASSING $1 COLUMNS b text PATH 'b' DEFAULT $2)
SELECT p.*, n.title FROM person p LEFT JOIN note n ON n.person = p.id AND n.views > $1 WHERE p.name ILIKE $2
SELECT * FROM person p JOIN note n ON $1
SELECT p.id FROM person p CROSS JOIN LATERAL (SELECT * FROM note WHERE person = p.id LIMIT $1) l WHERE l.views = $2
SELECT id FROM person WHERE balance > $1 FOR UPDATE OF person SKIP LOCKED
SELECT * FROM person WHERE tenant = $1 AND flags = $2 AND span > $3 AND odd = $4 AND (home).zip = $5
SELECT * FROM person WHERE score = $1 AND mail = $2 AND mood = $3
SELECT "Größe €" FROM person WHERE "Größe €" = $1 AND name = 'é€' || $2
SELECT 'ünï', $1 + nope FROM person
SELECT nope($1)
SELECT €uro FROM person WHERE id = $1
SELECT 'é' FROM missing WHERE id = $1
SELECT $1 + $2
SELECT id FROM person WHERE id = $1 AND name = $2 +
SELECT id FROM person WHERE name = $1 SELECT
SELECT $1 FROM (SELECT $2
SELECT 'open $1
SELECT $1; SELECT $2
SELECT * FROM pin_ WHERE a = $1 AND pin_1 = $2
SELECT * FROM (SELECT * FROM pin_) AS PIN_1, U&"\0070in_" AS pin_2 WHERE $1
SELECT 1 WHERE EXISTS (SELECT 1 FROM person WHERE mail = $1)
SELECT set_config($1, $2, $3), current_setting($4)
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > $2
SELECT oid, relname FROM pg_class WHERE relname = $1 AND relkind = ANY ($2)
SELECT ts_rank(words, plainto_tsquery($1, $2)) FROM note WHERE words @@ to_tsquery($3)
SELECT x FROM (VALUES (1, 'a'), ($1, $2)) v(x, y) WHERE y = $3
SELECT
SELECT FROM person WHERE id = $1
SELECT $1 INTO copied FROM person WHERE id = $2
SELECT $1 AS a INTO TEMP TABLE copied FROM person
VALUES ($1), ($2)
VALUES ($1, 'a'), (2, $2) ORDER BY 1 LIMIT $3
TABLE person LIMIT $1
TABLE person ORDER BY id OFFSET $1
WITH q AS (SELECT $1 AS a) SELECT a, $2 FROM q
WITH q(a, b) AS MATERIALIZED (SELECT $1, 2), r AS NOT MATERIALIZED (SELECT a FROM q WHERE a = $2) SELECT * FROM r
WITH RECURSIVE t(n) AS (SELECT $1::int UNION ALL SELECT n + 1 FROM t WHERE n < $2) SELECT n FROM t
WITH RECURSIVE t(n) AS (VALUES ($1) UNION ALL SELECT n FROM t) SELECT n FROM t LIMIT $2
WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT $1 AS x) SELECT x FROM a WHERE x = $2
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c TO $1 DEFAULT $2 USING p SELECT * FROM t
WITH recursive AS (SELECT $1 AS a) SELECT * FROM recursive
WITH recursive(a) AS (SELECT $1) SELECT * FROM recursive WHERE a = $2
WITH/**/q AS (SELECT $1) SELECT * FROM q
WITH "pin_" AS (SELECT $1 AS pin_1) SELECT pin_1 FROM pin_
WITH d AS (DELETE FROM note WHERE id = $1 RETURNING *) SELECT d.*, $2 FROM d
WITH i AS (INSERT INTO tag VALUES ($1, $2) RETURNING note) SELECT note FROM i UNION ALL SELECT $3
WITH u AS (UPDATE note SET views = $1 WHERE id = $2) SELECT count(*) FROM person
WITH q AS (SELECT $1::bigint AS p) INSERT INTO tag SELECT p, $2 FROM q RETURNING note, $3
WITH q AS (SELECT $1) UPDATE note SET title = $2 FROM q
WITH q AS (SELECT id FROM person WHERE name = $1) DELETE FROM tag USING q WHERE person = q.id
WITH q AS (SELECT 1) MERGE INTO tag t USING q ON t.note = $1 WHEN MATCHED THEN DELETE
INSERT INTO person (name, mail) VALUES ($1, $2)
INSERT INTO person (name, mail, mood, tags, doc, odd) VALUES ($1, $2, $3, $4, $5, $6)
INSERT INTO person (name, balance, born) VALUES ($1, $2 * 2, DEFAULT), ($3, $4, $5)
INSERT INTO person (name, score) VALUES ($1, $2) RETURNING id
INSERT INTO person (name) VALUES ($1) RETURNING $1
INSERT INTO person (name) VALUES ($1) RETURNING id, $2 AS echo, name || $3
INSERT INTO person (home.street, home.spot, tags[1], tags[$1]) VALUES ($2, $3, $4, 'x')
INSERT INTO person (name, home) VALUES ($1, ROW($2, $3, $4))
INSERT INTO person (name) VALUES ($1), ($2) ON CONFLICT (id) DO UPDATE SET name = excluded.name || $3 WHERE person.active = $4
INSERT INTO person AS p (name) VALUES ($1) ON CONFLICT ON CONSTRAINT person_pkey DO UPDATE SET name = p.name || $2 RETURNING p.*
INSERT INTO person (name) VALUES ($1) ON CONFLICT (id) WHERE $2 DO NOTHING
INSERT INTO tag SELECT $1, $2
INSERT INTO tag SELECT id, $1 FROM person WHERE name = $2 ON CONFLICT DO NOTHING
INSERT INTO tag (person, note) SELECT "?column?", 1 FROM (SELECT $1) s
INSERT INTO note (id, person, title) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM note WHERE id = $1)
INSERT INTO note (id, person, body) SELECT 1, 2, s::text FROM (SELECT $1) s
INSERT INTO note (id, person) SELECT int4, int8 FROM (SELECT $1) s, (SELECT $2) u
INSERT INTO note (id, person, body) (SELECT $1, $2, $3) UNION ALL SELECT 1, 2, $4
INSERT INTO note (id, person, body) (VALUES ($1, $2, $3))
INSERT INTO note (id, person) VALUES ($1, (SELECT id FROM person WHERE name = $2))
INSERT INTO note (id, person, title) VALUES ($1, $2, $3), ($4, $5, $6), (-$7, @ $8, NULL)
INSERT INTO note (id, person, at) VALUES ($1, $2, $3 AT TIME ZONE $4)
INSERT INTO note OVERRIDING USER VALUE VALUES ($1, $2)
INSERT INTO note DEFAULT VALUES
INSERT INTO adult (name, mail) VALUES ($1, $2)
INSERT INTO watched VALUES ($1, $2)
INSERT INTO watched VALUES ($1, upper($2)), ($3, $4::text)
INSERT INTO instead VALUES ($1, $2)
INSERT INTO instead VALUES ($1, $2) RETURNING a
INSERT INTO note (id, person) VALUES $1
INSERT INTO note (id, nope) VALUES ($1, $2)
INSERT INTO note (id, person) VALUES ($1, $2, $3)
INSERT INTO pin_ VALUES ($1, $2) RETURNING *, $3
UPDATE person SET name = $1, mail = $2 WHERE id = $3
UPDATE person SET balance = balance + $1, doc['a'] = $2, tags[$3] = $4 WHERE name LIKE $5
UPDATE person SET (name, balance) = ($1, $2) WHERE id = $3
UPDATE person SET (name, balance) = ROW($1, $2) WHERE id = $3
UPDATE person SET (name, balance) = (SELECT title, $1 FROM note LIMIT $2) WHERE id = $3
UPDATE person SET home.zip = $1, home.street = $2
UPDATE person p SET name = n.title FROM note n WHERE n.person = p.id AND n.id = $1
UPDATE person SET name = DEFAULT, mood = $1 WHERE id = ANY ($2)
UPDATE person SET name = $1 WHERE id IN ($2, $3) RETURNING *
UPDATE person SET name = $1 RETURNING $2, $1
UPDATE ONLY person * AS p SET active = p.name IS DISTINCT FROM $1, span = $2 WHERE born BETWEEN $3 AND $4
UPDATE person SET active = CASE WHEN balance > $1 THEN $2 ELSE active END, name = coalesce($3, name)
UPDATE person SET name = over($1) WHERE over($2) = 1
UPDATE note SET body = to_jsonb(s) FROM (SELECT $1) s
UPDATE note SET body = s.text FROM (SELECT $1, $2 AS text) s
UPDATE note SET views = views + 1 WHERE at < now() - $1 AND id = first $2
UPDATE watched SET b = $1 WHERE a = $2
UPDATE watched SET b = $1 WHERE a IN ($2, $3) AND b NOT LIKE $4
UPDATE person SET "Größe €" = $1, name = 'é€' WHERE mail = $2 AND nope = $3
DELETE FROM person WHERE id = $1
DELETE FROM person WHERE id = $1 AND NOT $2 OR mood = $3
DELETE FROM note n USING person p WHERE p.id = n.person AND p.name = $1 AND n.rating > $2
DELETE FROM tag WHERE (person, note) = ($1, $2)
DELETE FROM tag WHERE (person, note) IN (SELECT person, note FROM tag ORDER BY person LIMIT $1)
DELETE FROM tag WHERE person IN (SELECT $1) AND note = (SELECT $2)
DELETE FROM tag WHERE note IN $1
DELETE FROM tag WHERE note = ANY $1
DELETE FROM watched WHERE a = $1
DELETE FROM note WHERE id = $1 RETURNING title, $2::int
DELETE FROM note WHERE id = $1 OR EXISTS (SELECT FROM person WHERE id = note.person AND name = $2)
MERGE INTO tag t USING person p ON t.person = p.id AND p.name = $1 WHEN MATCHED AND $2 THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (p.id, $3)
MERGE INTO tag t USING (SELECT $1 AS p, $2 AS n) s ON t.person = s.p WHEN MATCHED THEN UPDATE SET note = $3 WHEN NOT MATCHED THEN INSERT (person, note) VALUES (s.p, s.n)
MERGE INTO note n USING (VALUES ($1, $2)) v(a, b) ON n.id = v.a WHEN MATCHED THEN UPDATE SET title = v.b, views = n.views + $3 WHEN NOT MATCHED THEN DO NOTHING
EXPLAIN SELECT $1
EXPLAIN (COSTS off, FORMAT json) SELECT * FROM person WHERE id = $1
EXPLAIN (SELECT $1) UNION SELECT $2
EXPLAIN(SELECT $1) UNION SELECT $2
EXPLAIN (VALUES ($1))
EXPLAIN VERBOSE UPDATE person SET name = $1 WHERE id = $2
EXPLAIN ANALYZE VERBOSE INSERT INTO watched VALUES ($1, $2)
EXPLAIN (VERBOSE) DELETE FROM note WHERE id = $1 RETURNING $2
EXPLAIN WITH q AS (SELECT $1) SELECT * FROM q
EXPLAIN CREATE TABLE copied AS SELECT $1 AS a
DECLARE cursor NO SCROLL CURSOR WITH HOLD FOR SELECT name, $1 FROM person WHERE id = $2
DECLARE c CURSOR FOR (SELECT $1) UNION SELECT $2
DECLARE c CURSOR FOR WITH q AS (SELECT $1) SELECT * FROM q
CREATE TABLE copied AS SELECT $1 AS a, name FROM person WHERE id = $2
CREATE TEMP TABLE IF NOT EXISTS copied (a, b) WITH (fillfactor = 50) ON COMMIT DROP AS SELECT $1, $2 WITH NO DATA
CREATE TABLE public.as AS VALUES ($1)
CREATE UNLOGGED TABLE copied AS TABLE person WITH NO DATA
EXPLAIN EXECUTE nothing($1)
CREATE TABLE copied AS EXECUTE nothing($1)
CREATE MATERIALIZED VIEW copied AS SELECT $1 AS a
CREATE TABLE copied (a int DEFAULT $1)
CREATE VIEW copied AS SELECT $1 AS a
CALL act($1, $2)
CALL act(a => $1, b => $2)
CALL quiet($1)
CALL quiet($1 + 1, $2)
CALL nope($1)
SHOW search_path
BEGIN
LISTEN x
16|SELECT json_object('a': $1, 'b' VALUE $2), json_array($3, 1)
16|SELECT $1 IS JSON OBJECT, json_arrayagg($2)
17|SELECT json_value($1, '$.a' PASSING $2 AS x RETURNING int DEFAULT $3 ON EMPTY), json_query($4, '$'), json_scalar($5)
17|SELECT * FROM JSON_TABLE($1, '$[*]' COLUMNS (a int PATH '$.a' DEFAULT 1 ON EMPTY)) AS j
17|INSERT INTO note (id, person, body) VALUES ($1, $2, json_object('a': $3, $4 VALUE 1)::text)
17|MERGE INTO tag t USING person p ON t.person = p.id AND p.name = $1 WHEN MATCHED THEN DELETE RETURNING merge_action(), $2, t.*
17|MERGE INTO tag t USING person p ON t.person = p.id WHEN NOT MATCHED BY SOURCE AND t.note = $1 THEN UPDATE SET note = $2
17|EXPLAIN (SERIALIZE text, MEMORY) SELECT $1
18|UPDATE person SET name = $1 WHERE id = $2 RETURNING old.name, new.name || $3
18|UPDATE person SET name = $1 RETURNING WITH (OLD AS o, NEW AS n) o.name, n.*
18|DELETE FROM note WHERE id = $1 RETURNING old.*, $2
18|INSERT INTO person (name) VALUES ($1) ON CONFLICT (id) DO UPDATE SET name = $2 RETURNING old.id IS NULL
