# What Postgres refuses at Parse, for the sake of code, message and position.
SELEC 1
SELECT FROM WHERE
SELECT 1 +
SELECT 1 +  
SELECT 1 + ;
SELECT (1
SELECT 1)
SELECT [1]
SELECT 'unterminated
SELECT "unterminated
SELECT /* unterminated
SELECT $$unterminated
SELECT E'\xZZ', U&'\00'
SELECT 1; SELECT 2
SELECT 1; SELEC 2
SELECT nope
SELECT nope FROM author
SELECT é, nope FROM author
/* é */ SELECT 'é', nope FROM author -- nope
SELECT author.nope FROM author
SELECT x.name FROM author
SELECT name FROM nowhere
SELECT * FROM annex.nowhere
SELECT * FROM nowhere.author
SELECT nofunction(1)
SELECT lower(1, 2)
SELECT 1 + 'x'
SELECT 'x' + 1
SELECT 'abc'::int
SELECT 1::nosuchtype
SELECT $1::nosuchtype
SELECT true + 1
SELECT id FROM author, book
SELECT name FROM author GROUP BY id, born HAVING nope = 1
SELECT author_id, title FROM book GROUP BY author_id
SELECT count(count(*)) FROM book
SELECT id FROM author WHERE count(*) > 1
SELECT id FROM author ORDER BY 5
SELECT id FROM author UNION SELECT id, name FROM author
SELECT id FROM author UNION SELECT name FROM author
SELECT * FROM author LIMIT 'x'
SELECT * FROM author WHERE id
SELECT * FROM author WHERE id = 'x'
SELECT * FROM author WHERE born = 'not a date'
SELECT * FROM book WHERE genre = 'opera'
SELECT 'opera'::genre
SELECT CASE WHEN 1 THEN 2 END
SELECT coalesce(1, 'x')
SELECT ARRAY[1, 'x']
SELECT (1, 2) = (1, 2, 3)
SELECT DISTINCT ON (nope) id FROM author
SELECT *
SELECT author.*
SELECT 1 FROM author a, author a
SELECT * FROM (SELECT 1)
SELECT * FROM (SELECT 1 FOR UPDATE) x FOR UPDATE OF y
SELECT sum(1) FOR UPDATE
SELECT * FROM author FOR UPDATE OF nope
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a
WITH a AS SELECT 1 SELECT * FROM a
WITH a AS (SELECT 1)
WITH a (x, y) AS (SELECT 1) SELECT * FROM a
WITH RECURSIVE t AS (SELECT * FROM t) SELECT * FROM t
WITH a AS (INSERT INTO author (name) VALUES ('x')) SELECT * FROM a
WITH a AS (INSERT INTO author (nope) VALUES ('x') RETURNING *) SELECT * FROM a
SELECT * FROM (INSERT INTO author (name) VALUES ('x') RETURNING *) y
VALUES (1), (1, 2)
VALUES (DEFAULT)
TABLE nowhere
INSERT INTO nowhere VALUES (1)
INSERT INTO author (nope) VALUES (1)
INSERT INTO author (name, name) VALUES ('x', 'y')
INSERT INTO author (name) VALUES ('x', 'y')
INSERT INTO author (name, bio) VALUES ('x')
INSERT INTO author (born) VALUES (1)
INSERT INTO author (name) VALUES ('x') RETURNING nope
INSERT INTO author (name) VALUES ('x') RETURNING
INSERT INTO author (name) VALUES ('x') ON CONFLICT (nope) DO NOTHING
INSERT INTO author (name) VALUES ('x') ON CONFLICT DO UPDATE SET name = 'y'
INSERT author (name) VALUES ('x') RETURNING id
INSERT INTO by_genre VALUES ('novel', 1) RETURNING *
UPDATE nowhere SET a = 1
UPDATE author SET nope = 1
UPDATE author SET name = 1 WHERE id = 1
UPDATE author SET name = nope RETURNING *
UPDATE author SET name = 'x' FROM nowhere RETURNING *
UPDATE author SET name = 'x' RETURNING x.name
UPDATE author name = 'x' RETURNING id
UPDATE stocked SET title = 'x' RETURNING *
DELETE FROM nowhere RETURNING *
DELETE FROM author WHERE nope RETURNING id
DELETE author WHERE id = 1 RETURNING id
DELETE FROM author USING nowhere RETURNING 1
MERGE INTO loan USING nowhere ON true WHEN MATCHED THEN DELETE
MERGE INTO loan USING book ON book_id = id
CREATE TABEL x (a int)
CREATE TABLE x (a int,)
CREATE TABLE x (a int, b 'x
DROP
ALTER TABLE
SET
SET work_mem =
SET work_mem TO 'x' 'y'
BEGIN nonsense
COMMIT NOW
GRANT SELECT ON
VACUUM nope nope
CALL
CALL tidy(
CALL tidy
FOO BAR
)
(
;
-- nothing
