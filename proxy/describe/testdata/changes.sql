# Statements that modify data, and utilities.
INSERT INTO author (name) VALUES ('x')
INSERT INTO author (name, born, tags, extra) VALUES ('x', '2000-01-01', '{a}', '{"k":1}')
INSERT INTO author VALUES (DEFAULT, 'n')
INSERT INTO author DEFAULT VALUES
INSERT INTO author (name) VALUES ('a'), ('b'), (DEFAULT)
INSERT INTO author (name) SELECT title FROM book WHERE price > 3
INSERT INTO author (name, born) TABLE annex.p_
INSERT INTO author (name) VALUES ($1) ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = $2 WHERE author.born > $3
INSERT INTO author (name) VALUES ('x') ON CONFLICT DO NOTHING
INSERT INTO book (author_id, title, isbn, mark, genre, price, stock, cost) VALUES (1, 't', '1-2', '2', 'novel', 9.5, 3, 4)
INSERT INTO book (author_id, title, stock) VALUES ($1, $2, $3)
INSERT INTO book (at.hall, places[1], title) VALUES (1, $1, 't')
INSERT INTO book OVERRIDING SYSTEM VALUE VALUES (1, 2, 't')
INSERT INTO book (id, title) VALUES (1, 't')
INSERT INTO book (title_length, title) VALUES (1, 't')
INSERT INTO author (name) VALUES ('x') RETURNING id
INSERT INTO author (name) VALUES ('x') RETURNING *
INSERT INTO author AS a (name) VALUES ('x') RETURNING a.id, a.*, a
INSERT INTO author (name) VALUES ('x') RETURNING author.name, id + 1, now(), 'lit', NULL, current_user
INSERT INTO author (name) VALUES ('x') RETURNING id AS "returning", name AS returning
INSERT INTO author (name) VALUES ('x') RETURNING ctid, tableoid::regclass, xmin
INSERT INTO author (name) VALUES ('x') RETURNING (SELECT count(*) FROM book WHERE author_id = author.id), ARRAY(SELECT 1)
INSERT INTO author (name) VALUES ($1) RETURNING id, $2::text, $3
INSERT INTO author (name) VALUES ($1) RETURNING $1
INSERT INTO author (name, born) VALUES ($2, $1) RETURNING name || $3 AS greeting, $1 + 1
INSERT INTO author (name) VALUES ('x') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id, (xmax = 0) AS inserted
INSERT INTO book (title) VALUES ('t') RETURNING *
INSERT INTO book (title) VALUES ('t') RETURNING isbn, mark, stock, cost, title_length, at, (at).hall, places[1], during
INSERT INTO annex.author (id) VALUES (1) RETURNING annex.author.id, author.note
INSERT INTO "author" ("name") VALUES ('x') RETURNING "id", "Odd Column"
INSERT INTO visit (id, day) VALUES (1, '2024-01-01') RETURNING *, tableoid::regclass
INSERT INTO living (name) VALUES ('x') RETURNING *
INSERT INTO stocked (title) VALUES ('x') RETURNING *
INSERT INTO ruled VALUES (1, 'm')
INSERT INTO ruled VALUES (1, 'm') RETURNING *
INSERT INTO ruled (book_id, member) VALUES ($1, $2) RETURNING member, book_id + 1
INSERT INTO logged VALUES (1, 'x') RETURNING *
INSERT INTO secret (id, body) VALUES (1, 'x') RETURNING *
INSERT INTO loan (book_id, member) SELECT b.id, 'm' FROM book b WHERE b.title = 'x' ON CONFLICT DO NOTHING RETURNING *
INSERT INTO loan (book_id, member) WITH w AS (SELECT 1 AS i) SELECT i, 'm' FROM w RETURNING since
INSERT INTO loan (book_id, member) (SELECT 1, 'm') RETURNING loan.*
INSERT INTO p_ VALUES (1) RETURNING p_.*, q
WITH w AS (SELECT 1 AS i) INSERT INTO loan (book_id, member) SELECT i, 'm' FROM w RETURNING book_id, (SELECT i FROM w)
WITH w AS (SELECT $1::int AS i) INSERT INTO loan (book_id, member) SELECT i, $2 FROM w
WITH loan AS (SELECT 1 AS i) INSERT INTO loan (book_id, member) SELECT i, 'm' FROM loan RETURNING *
WITH loan AS (SELECT 1 AS i) INSERT INTO public.loan (book_id, member) SELECT i, 'm' FROM loan RETURNING *, (SELECT i FROM loan)
UPDATE author SET name = 'x'
UPDATE author SET name = 'x', born = '2000-01-01' WHERE id = 1
UPDATE author SET (name, born) = ('x', '2000-01-01') WHERE id = 1
UPDATE author SET (name, bio) = (SELECT title, 'b' FROM book LIMIT 1) WHERE id = 2
UPDATE author SET name = DEFAULT, tags[1] = 'a', extra['k'] = '1' WHERE id = 1
UPDATE author SET active = (name IS DISTINCT FROM 'x') WHERE id = 1
UPDATE author SET name = 'x' WHERE id = 1 RETURNING *
UPDATE author AS a SET name = 'x' WHERE a.id = 1 RETURNING a.id, a.name AS n, a.*
UPDATE author a SET name = b.title FROM book b WHERE b.author_id = a.id AND b.id = 1 RETURNING a.id, b.title, *
UPDATE author a SET name = b.title FROM book b JOIN loan l ON l.book_id = b.id, generate_series(1, 2) g WHERE b.author_id = a.id RETURNING *
UPDATE author SET active = name IS NOT DISTINCT FROM bio FROM (SELECT 1 AS k) AS s WHERE s.k = id RETURNING s.*, name IS DISTINCT FROM 'x' AS d
UPDATE ONLY base_item SET label = 'x' RETURNING *
UPDATE base_item * SET label = 'x' RETURNING label
UPDATE ONLY (base_item) AS b SET label = 'x' RETURNING b.*
UPDATE author SET name = $1 WHERE id = $2 RETURNING $3::int, name || $1
UPDATE author SET name = $1 WHERE id = $2 RETURNING $1
UPDATE author AS set SET name = 'x' RETURNING set.id
UPDATE author SET "set" = 1 RETURNING *
UPDATE book SET price = price * 1.1, stock = stock + 1, cost = 5 WHERE genre = 'novel' RETURNING price, stock, cost
UPDATE book SET at.shelf = 'a', places[2] = ROW(1, 'b'), valid = '[1,2]' RETURNING at, (places[2]).shelf
UPDATE visit SET what = '{}' WHERE day = '2024-02-02' RETURNING *
UPDATE living SET name = 'x' WHERE id = 1 RETURNING *
UPDATE ruled SET member = 'x'
UPDATE ruled SET member = 'x' RETURNING *
UPDATE secret SET body = 'x' RETURNING *
UPDATE author old SET name = 'x' RETURNING old.name
UPDATE author SET old = 1, new = 2 RETURNING old, new
UPDATE author SET name = bang()::text WHERE id = bang_immutable(1) RETURNING bang(), bang_immutable(2)
UPDATE author SET name = 'x' WHERE CURRENT OF cur
WITH w AS (SELECT 1 AS i) UPDATE author SET name = 'x' FROM w WHERE id = i RETURNING name, w.*
WITH author AS (SELECT 1 AS i) UPDATE author SET name = 'x' RETURNING *
DELETE FROM author
DELETE FROM author WHERE id = 1
DELETE FROM author WHERE id = 1 RETURNING *
DELETE FROM ONLY base_item AS b WHERE b.id = 1 RETURNING b.label
DELETE FROM book b USING author a, loan AS l WHERE a.id = b.author_id AND l.book_id = b.id AND a.name = 'x' RETURNING b.id, a.name, l.*, b
DELETE FROM book USING author RETURNING *
DELETE FROM loan WHERE (book_id, member) IN (SELECT book_id, member FROM loan ORDER BY since LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING book_id
DELETE FROM author WHERE id = $1 RETURNING id = $2, $3::date
DELETE FROM ruled WHERE book_id = 1
DELETE FROM ruled WHERE book_id = 1 RETURNING *
DELETE FROM author using_ WHERE using_.id = 1 RETURNING using_.*
WITH gone AS (DELETE FROM loan RETURNING *) INSERT INTO archive SELECT * FROM gone
WITH gone AS (DELETE FROM loan WHERE book_id = 1 RETURNING *) INSERT INTO archive SELECT * FROM gone RETURNING *
WITH gone AS (DELETE FROM loan RETURNING *) SELECT * FROM gone
WITH gone(a, b) AS (DELETE FROM loan RETURNING book_id, member), more AS (SELECT a FROM gone WHERE b = 'x') SELECT more.*, gone.b FROM more, gone
WITH i AS (INSERT INTO author (name) VALUES ('x') RETURNING id, name), j AS (INSERT INTO book (author_id, title) SELECT id, 't' FROM i RETURNING id, title) SELECT i.*, j.* FROM i, j
WITH i AS (INSERT INTO author (name) VALUES ($1) RETURNING id) SELECT id, $2::text, $3 FROM i UNION ALL SELECT id, 'x', 'y' FROM author WHERE name = $1
WITH u AS (UPDATE author SET name = 'x') SELECT count(*) FROM author
WITH u AS (UPDATE author SET name = 'x' WHERE id = 1 RETURNING *), v AS (SELECT 1) VALUES (1, 'a')
WITH u AS MATERIALIZED (UPDATE author SET name = 'x' RETURNING id) TABLE u
WITH u AS (UPDATE author SET name = 'x' RETURNING id) (SELECT * FROM u) LIMIT 1
(WITH u AS (UPDATE author SET name = 'x' RETURNING id) SELECT * FROM u)
WITH u AS (WITH w AS (SELECT 1 AS i) UPDATE author SET name = 'x' FROM w RETURNING id, i) SELECT * FROM u
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5), d AS (DELETE FROM author USING t WHERE id = n RETURNING id, n) SELECT * FROM d
WITH d AS (DELETE FROM loan RETURNING book_id), loan AS (SELECT 1 AS x) SELECT * FROM d, loan
WITH author AS (DELETE FROM author RETURNING id) SELECT * FROM author
WITH a AS (INSERT INTO author (name) VALUES ('x') RETURNING *), a2 AS (UPDATE author SET bio = 'b' FROM a WHERE a.id = author.id RETURNING author.*, a.name AS was) DELETE FROM author USING a2 WHERE a2.id = author.id RETURNING author.id, a2.was
SELECT * FROM (WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d) x
MERGE INTO loan l USING book b ON l.book_id = b.id WHEN MATCHED THEN DELETE
MERGE INTO loan AS l USING (SELECT $1::int AS b, $2::text AS m) AS s ON l.book_id = s.b AND l.member = s.m WHEN MATCHED AND s.m = 'x' THEN UPDATE SET days = 3 WHEN NOT MATCHED THEN INSERT (book_id, member) VALUES (s.b, s.m)
MERGE INTO loan USING book ON book_id = id WHEN NOT MATCHED THEN DO NOTHING
WITH s AS (SELECT 1 AS i) MERGE INTO loan l USING s ON l.book_id = s.i WHEN MATCHED THEN UPDATE SET days = $1
17|MERGE INTO loan l USING book b ON l.book_id = b.id WHEN MATCHED THEN DELETE RETURNING *
17|MERGE INTO loan AS l USING book AS b ON l.book_id = b.id AND b.title = 'x' WHEN MATCHED THEN UPDATE SET days = 1 RETURNING merge_action(), l.*, b.title, merge_action() AS act
17|MERGE INTO loan USING author a JOIN book b ON a.id = b.author_id ON book_id = b.id AND CASE WHEN a.active THEN true ELSE false END WHEN MATCHED THEN UPDATE SET days = $1 RETURNING since, b.title, $2::int, (SELECT merge_action())
17|WITH m AS (MERGE INTO loan l USING book b ON l.book_id = b.id WHEN MATCHED THEN DELETE RETURNING merge_action() AS what, l.book_id) SELECT what, count(*) FROM m GROUP BY what
17|MERGE INTO loan l USING (VALUES (1, 'a')) AS v(x, y) ON l.book_id = v.x WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (x, y) RETURNING v.*, l.days
18|UPDATE loan SET days = 1 RETURNING old.days, new.days, days
18|UPDATE loan SET days = 1 RETURNING WITH (OLD AS o, NEW AS n) o.days, n.*, member
18|UPDATE loan SET days = 1 RETURNING old, new.*
18|UPDATE loan SET days = 1 FROM book b WHERE b.id = book_id RETURNING old.days + 1, b.title, new.member || 'x', *
18|INSERT INTO loan (book_id, member) VALUES (1, 'm') ON CONFLICT (book_id, member) DO UPDATE SET days = 2 RETURNING old.days IS NULL AS fresh, new.*
18|DELETE FROM loan WHERE book_id = 1 RETURNING old.*, old.since
18|MERGE INTO loan l USING book b ON l.book_id = b.id WHEN MATCHED THEN DELETE RETURNING merge_action(), old.*, new.days, b.id
SELECT * INTO copy1 FROM author WHERE id = 1
SELECT id, name INTO TABLE copy2 FROM author WHERE name = 'x' ORDER BY id
SELECT 1 AS a INTO UNLOGGED copy3
SELECT $1::int AS a, $2 AS b INTO TEMP TABLE copy4 FROM author WHERE id = $3
SELECT id INTO temp FROM author
SELECT id INTO annex.copy5 FROM author UNION SELECT id FROM book WHERE price > 1
WITH w AS (SELECT 1 AS i) SELECT i INTO copy6 FROM w WHERE i = 2
(SELECT id INTO copy7 FROM author WHERE id = 1)
SELECT id INTO FROM author
SELECT id FROM author UNION SELECT id INTO copy8 FROM book
SELECT nope INTO copy9 FROM author WHERE id = 'é'
SELECT é INTO copy9 FROM author
WITH d AS (DELETE FROM loan RETURNING *) SELECT * INTO copy10 FROM d
CREATE TABLE made1 AS SELECT * FROM author WHERE id = 1
CREATE TEMP TABLE made2 AS SELECT $1::int AS a, name FROM author WHERE name = $2
CREATE UNLOGGED TABLE IF NOT EXISTS made3 (a, b) WITH (fillfactor = 70) AS VALUES (1, 'x') WITH NO DATA
CREATE TABLE made4 AS TABLE author WITH DATA
CREATE TABLE made5 AS (SELECT nope FROM author)
CREATE TABLE made6 AS WITH w AS (SELECT 1 AS i) SELECT i FROM w WHERE i = $1
CREATE TABLE made7 AS SELECT 1 WITH NO
CREATE MATERIALIZED VIEW made8 AS SELECT * FROM author
CREATE MATERIALIZED VIEW made9 AS SELECT $1::int
CREATE TABLE made10 (a int, b text DEFAULT 'x', c int GENERATED ALWAYS AS (a + 1) STORED)
CREATE TABLE made11 (a int DEFAULT $1)
CREATE TABLE made12 (a int
CREATE VIEW made13 AS SELECT nope FROM nowhere
CREATE INDEX ON author (lower(name)) WHERE id > 3
CREATE FUNCTION made14() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION made15() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END
CREATE RULE made16 AS ON UPDATE TO loan DO ALSO (DELETE FROM archive; DELETE FROM archive)
CREATE TYPE made17 AS ENUM ('a', 'b')
CREATE SCHEMA made18 CREATE TABLE t (a int)
CREATE TRIGGER made19 AFTER INSERT ON loan FOR EACH ROW EXECUTE FUNCTION bang()
CREATE POLICY made20 ON secret USING (id = 1)
ALTER TABLE author ADD COLUMN extra2 int DEFAULT 5
ALTER TABLE author ALTER COLUMN name TYPE text USING name || 'x'
DROP TABLE nowhere
DROP TABLE IF EXISTS nowhere CASCADE
TRUNCATE loan, archive RESTART IDENTITY
COMMENT ON TABLE author IS 'x'
GRANT SELECT ON author TO reader
REVOKE ALL ON author FROM reader
LOCK TABLE author IN SHARE MODE
ANALYZE author
VACUUM (ANALYZE) author
REINDEX TABLE author
CLUSTER
REFRESH MATERIALIZED VIEW by_genre
DO $$ BEGIN RAISE EXCEPTION 'ran'; END $$
NOTIFY channel, 'payload'
BEGIN
BEGIN ISOLATION LEVEL SERIALIZABLE
START TRANSACTION READ ONLY
COMMIT
END
ROLLBACK
SAVEPOINT s
RELEASE s
ROLLBACK TO s
SET work_mem = '1MB'
SET LOCAL search_path TO public, annex
SET TIME ZONE 'UTC'
RESET work_mem
DISCARD ALL
DEALLOCATE ALL
DEALLOCATE nothing
UNLISTEN *
CLOSE ALL
SHOW work_mem
SHOW search_path;
SHOW TIME ZONE
SHOW TRANSACTION ISOLATION LEVEL
SHOW SESSION AUTHORIZATION
SHOW ALL
SHOW nothing_such
SHOW
SHOW work_mem work_mem
SHOW datestyle -- the canonical name
EXPLAIN SELECT 1
EXPLAIN SELECT * FROM author WHERE id = 1
EXPLAIN ANALYZE SELECT bang()
EXPLAIN VERBOSE UPDATE author SET name = 'x' RETURNING *
EXPLAIN ANALYZE VERBOSE DELETE FROM author WHERE id = 1
EXPLAIN VERBOSE ANALYZE SELECT 1
EXPLAIN (FORMAT JSON) SELECT 1
EXPLAIN (FORMAT 'json') SELECT 1
EXPLAIN (FORMAT 'JSON') SELECT 1
EXPLAIN (FORMAT XML, COSTS off) SELECT 1
EXPLAIN (COSTS off, FORMAT YAML) SELECT 1
EXPLAIN (FORMAT JSON, FORMAT TEXT) SELECT 1
EXPLAIN (FORMAT "json") SELECT 1
EXPLAIN (FORMAT) SELECT 1
EXPLAIN (FORMAT nonsense) SELECT 1
EXPLAIN (ANALYZE, BUFFERS true, TIMING 0) INSERT INTO author (name) VALUES ('x')
EXPLAIN (ANALYZE,) SELECT 1
EXPLAIN (COSTS off SELECT 1
EXPLAIN (SELECT 1)
EXPLAIN ((SELECT id FROM author WHERE name = 'x'))
EXPLAIN VALUES (1)
EXPLAIN (VALUES (1, $1))
EXPLAIN TABLE author
EXPLAIN WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d
EXPLAIN MERGE INTO loan USING book ON book_id = id WHEN MATCHED THEN DELETE
EXPLAIN SELECT * INTO copy20 FROM author WHERE id = 1
EXPLAIN CREATE TABLE made30 AS SELECT name FROM author WHERE id = 3
EXPLAIN CREATE MATERIALIZED VIEW made31 AS SELECT 1
EXPLAIN CREATE MATERIALIZED VIEW made32 AS SELECT $1::int
EXPLAIN DECLARE c CURSOR FOR SELECT * FROM author WHERE id = 1
EXPLAIN REFRESH MATERIALIZED VIEW by_genre
EXPLAIN SELECT nope FROM author
EXPLAIN SELECT é, nope FROM author
EXPLAIN SELEC 1
EXPLAIN
EXPLAIN SET work_mem = 1
EXPLAIN EXPLAIN SELECT 1
DECLARE c CURSOR FOR SELECT * FROM author WHERE id = 1
DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR VALUES ($1::int)
DECLARE c CURSOR SELECT 1
CALL tidy(1)
CALL tidy($1)
CALL answer(1, 'x')
CALL answer($1, $2)
CALL twice($1, $2)
CALL public.twice(1, 2)
CALL annex.far($1, $2)
CALL annex.far('novel', '1')
CALL annex.far('novel'
CALL many($1)
CALL many(1)
CALL many($1::int)
CALL poly(1)
CALL tidy(a => 1)
CALL tidy(VARIADIC '{1}')
CALL tidy(1 + $1)
CALL tidy()
CALL tidy(nope)
CALL tidy('x')
CALL nosuch($1)
CALL overloaded(1)
CALL public.tidy($1)
CALL tidy((SELECT 1))
CREATE TABLE made40 AS EXECUTE nothing
DECLARE c SCROLL CURSOR FOR SELECT * FROM author FOR UPDATE
DECLARE c CURSOR FOR WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d
CREATE MATERIALIZED VIEW made41 AS WITH d AS (DELETE FROM loan RETURNING *) SELECT * FROM d
EXPLAIN (COSTS off, FORMAT json) SELECT $1 IS NULL
INSERT INTO author (name) SELECT name FROM author WHERE id = 1 RETURNING name, (WITH q AS (SELECT 1 AS one) SELECT one FROM q)
UPDATE author SET bio = (SELECT title FROM book WHERE author_id = author.id LIMIT 1) FROM LATERAL (SELECT 1 AS k) s RETURNING k
DELETE FROM author AS a USING LATERAL (SELECT 2 AS k) s WHERE a.id = s.k RETURNING a.*, s
INSERT INTO author (name) VALUES ('x') RETURNING CASE WHEN id > 3 THEN 'big' ELSE name END, id::text, name COLLATE "C"
