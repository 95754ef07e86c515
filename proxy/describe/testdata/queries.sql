# One statement on a line; \n stands for a line break, N| in front for Postgres N and later.
SELECT 1
SELECT
SELECT 1 AS a, 'b', NULL, now(), current_user, 1.5, 1e3, true
SELECT 1, 1, 1
SELECT 9999999999, 99999999999999999999, -1, +2, - 3
SELECT $1
SELECT $1, $1
SELECT $2::int, $1::text
SELECT $2::int
SELECT $1::int, $1::text
SELECT $1 AS p, $2::numeric(9,3), $3::varchar(4), $4::timestamptz(2), $5::bit(3), $6::bit, $7::char, $8::char(3), $9::bpchar
SELECT $1::"char", $2::name, $3::oid, $4::regclass, $5::xid, $6::tid, $7::interval(2), $8::interval year, $9::time(1)
SELECT $1::genre, $2::isbn, $3::shelfmark, $4::cents, $5::place, $6::place[], $7::span, $8::"Odd Type", $9::genre[]
SELECT $1::quantity
SELECT $1::quantity + 1, $2::isbn || 'x'
SELECT (1)::quantity, 'x'::isbn, ARRAY['1-2'::isbn], 5::cents
SELECT ROW(1, 'a')::place, (ROW(1, 'a')::place).shelf
SELECT $1 + 1, 1 + $2, $3 || 'x', $4 || $5::text
SELECT $1 + $2
SELECT $1 = $2
SELECT $1 IS NULL
SELECT $1::int IS NULL, $1 IS NOT NULL
SELECT coalesce($1, 1), nullif($2, 'a'), greatest($3, 1.5), least($4::date, now())
SELECT CASE WHEN $1 THEN 1 ELSE $2 END, CASE $3 WHEN 1 THEN 'x' END
SELECT ARRAY[$1, 2], ARRAY[$2], ARRAY[$3]::text[], ARRAY[]::int[], '{1,2}'::int[]
SELECT $1[1]
SELECT ($1::int[])[1], ($1)[$2]
SELECT ROW($1, 2), ROW(1, 'x', NULL), (1, $2)
SELECT $1 IN (1, 2), 1 IN ($2, $3), 'a' LIKE $4, 'a' ~ $5, 1 BETWEEN $6 AND $7
SELECT 1 = ANY ($1), 'a' = ALL ($2), 3 = ANY ('{1,2}')
SELECT interval '1 day' * 2, date '2020-01-01' + 1, timestamp '2020-01-01 10:00' AT TIME ZONE 'UTC', time '10:00'
SELECT extract(year FROM now()), date_trunc('day', now()), to_char(now(), 'YYYY'), age(now())
SELECT substring('abc' FROM 1 FOR 2), overlay('abc' PLACING 'x' FROM 2), position('b' IN 'abc'), trim(BOTH ' ' FROM ' a ')
SELECT cast(1 AS text), cast('1' AS numeric(4,2)), '5'::smallint, int4 '7', bool 't', float8 '1e10'
SELECT E'a\nb', U&'\0061', U&'!0061' UESCAPE '!', $$dollar$$, $t$a'b$t$, B'101', X'1F', N'n'
SELECT 'a' 'b'
SELECT 'a'\n  'b' AS joined
SELECT "Odd Column", U&"\0069d" FROM author
SELECT 1 -- comment at the end
SELECT 1 /* a /* nested */ comment */ ; -- and behind
/* first */ SELECT /* $1 */ name FROM author WHERE name = '$2' -- $3\n AND id = 4
-- only before\nSELECT id FROM author
;;SELECT 7;;
  SELECT   1   ;  
SELECT 'é', '日本' AS "ü" FROM author WHERE name = 'ß'
SELECT * FROM author
SELECT author.* FROM author
SELECT a.*, a.* FROM author a
SELECT a FROM author a
SELECT (a).name, (a).* FROM author a
SELECT * FROM book
SELECT isbn, mark, stock, cost, at, places, during, valid, multi, o, raw, c, n FROM book
SELECT (at).shelf, (places[1]).hall, lower(valid), upper(during) FROM book
SELECT id + 1, title || 'x', price * 2, price::int, stock + 1, cost + 1, isbn || '', lower(mark) FROM book
SELECT max(isbn), min(stock), sum(cost), avg(price), count(*), array_agg(mark), string_agg(title, ',') FROM book
SELECT DISTINCT genre FROM book
SELECT DISTINCT ON (genre) genre, title FROM book ORDER BY genre, price DESC
SELECT id FROM author WHERE id = 1
SELECT id FROM author WHERE name = 'x' AND active = true AND born > '2000-01-01'
SELECT id FROM author WHERE tags @> '{a}' AND extra @> '{"a":1}' AND extra->>'b' = 'c' AND extra ? 'd'
SELECT extra->'a', extra#>>'{a,b}', extra['a'], tags[1], tags[1:2] FROM author
SELECT id FROM author WHERE key = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' OR bits = B'10101' OR vbits = '1'
SELECT id FROM book WHERE stock = 1 AND cost = 2 AND isbn = '1-2' AND mark <> '3'
SELECT id FROM book WHERE genre = 'novel' AND genre <> ALL ('{poetry}') AND o = 'x'
SELECT id FROM book WHERE (id, title) > (1, 'a') ORDER BY id LIMIT 5 OFFSET 6
SELECT id FROM book WHERE valid @> 5 AND valid && '[1,2)' AND multi @> 3 AND during @> 1.5
SELECT id FROM book WHERE words @@ to_tsquery('english', 'a & b')
SELECT ts_headline('english', title, plainto_tsquery('a')), ts_rank(words, 'x') FROM book
SELECT id FROM author LIMIT 3
SELECT id FROM author FETCH FIRST 2 ROWS ONLY
SELECT id FROM author ORDER BY id FETCH FIRST 2 ROWS WITH TIES
SELECT id FROM author FETCH FIRST ROW ONLY
SELECT * FROM author FOR UPDATE
SELECT a.id FROM author a JOIN book b ON b.author_id = a.id WHERE a.id = 3 FOR NO KEY UPDATE OF a SKIP LOCKED
SELECT id FROM author WHERE id = 5 FOR SHARE NOWAIT
SELECT a.name, b.title AS t, b.* FROM author a LEFT JOIN book b ON b.author_id = a.id AND b.price > 3
SELECT * FROM author JOIN book USING (id)
SELECT * FROM author NATURAL JOIN annex.author
SELECT * FROM author FULL JOIN annex.author AS n USING (id) AS j
SELECT * FROM author a CROSS JOIN LATERAL (SELECT title FROM book WHERE author_id = a.id ORDER BY price LIMIT 2) b
SELECT * FROM author, generate_series(1, 3) AS g(i)
SELECT * FROM generate_series('2020-01-01'::timestamptz, now(), '1 day') g
SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b']) WITH ORDINALITY AS u(a, b, n)
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a'])) AS r(x, y)
SELECT * FROM by_author(1)
SELECT by_author(1)
SELECT (by_author(1)).title
SELECT * FROM pair(1)
SELECT pair(1), (pair(2)).y
SELECT * FROM listing(3) AS l(a, b)
SELECT overloaded($1)
SELECT overloaded(1), overloaded('a')
SELECT anything($1)
SELECT anything(1), anything('a'::text), spread(1, 2, 3), spread(VARIADIC '{1,2}'), defaulted(1), defaulted(b => 'x', a => 2)
SELECT * FROM jsonb_to_recordset('[{"a":1}]') AS r(a int, b varchar(5))
SELECT * FROM jsonb_to_record('{}') AS r(a quantity, b isbn)
SELECT * FROM json_each('{"a":1}'), jsonb_each_text('{}')
SELECT * FROM jsonb_populate_record(NULL::place, '{"hall":1}')
SELECT jsonb_build_object('a', 1, 'b', name), row_to_json(a), to_jsonb(a) FROM author a
SELECT jsonb_path_query(extra, '$.a[*] ? (@ > $x)', '{"x":1}') FROM author
SELECT xmlelement(name a, xmlattributes('b' AS c), 'd'), xmlforest(1 AS x) 
SELECT xmlparse(CONTENT '<a/>'), doc FROM book
SELECT * FROM xmltable('/r' PASSING '<r/>' COLUMNS a int PATH 'a', b text)
SELECT count(*) FILTER (WHERE price > 5), percentile_cont(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY genre) FROM book
SELECT author_id, count(*) FROM book GROUP BY author_id HAVING count(*) > 2
SELECT genre, author_id, sum(price) FROM book GROUP BY ROLLUP (genre, author_id)
SELECT genre, grouping(genre) FROM book GROUP BY GROUPING SETS ((genre), ())
SELECT rank() OVER (PARTITION BY genre ORDER BY price), lag(title, 1, 'none') OVER w, sum(price) OVER (ROWS 2 PRECEDING) FROM book WINDOW w AS (ORDER BY id)
SELECT id FROM author UNION SELECT id FROM book
SELECT id, NULL FROM author UNION ALL SELECT id, title FROM book ORDER BY 1 LIMIT 1
SELECT 1 UNION SELECT 2.5 UNION SELECT NULL
SELECT $1 UNION SELECT 1
SELECT $1 UNION ALL SELECT $2
SELECT name FROM author INTERSECT SELECT title FROM book EXCEPT SELECT 'x'
(SELECT 1)
((SELECT id FROM author WHERE id = 1))
(SELECT id FROM author) UNION (SELECT id FROM book ORDER BY id LIMIT 1) ORDER BY 1
(SELECT id FROM author ORDER BY id) LIMIT 3
(VALUES (1, 'a'), (2, 'b'))
VALUES (1)
VALUES (1, 'a'), (2, NULL), (3, 'c')
VALUES ($1, $2::text), (1, 'x')
VALUES ($1), ($2)
VALUES (1) UNION VALUES (2)
TABLE author
TABLE ONLY base_item
TABLE annex.author ORDER BY id LIMIT 1
SELECT * FROM ONLY base_item
SELECT * FROM base_item*
SELECT * FROM sub_item
SELECT tableoid, tableoid::regclass, ctid, xmin, cmin FROM base_item
SELECT id FROM author WHERE ctid = '(0,1)'
SELECT * FROM visit WHERE day = '2024-05-05'
SELECT * FROM visit_2024
SELECT * FROM living WHERE 'a' = ANY (tags)
SELECT * FROM stocked s WHERE s.price > 3 AND author = 'x'
SELECT * FROM ruled
SELECT * FROM by_genre
SELECT * FROM secret
SELECT * FROM p_, annex.p_ AS a_
SELECT p_.q FROM p_ WHERE q = 1
SELECT a_, b_, d_, nx_d, nxd_ FROM annex.p_, (SELECT 1 AS nxd_) x
SELECT d_.* FROM (SELECT 1 AS a, 2 AS b) AS d_
WITH p_ AS (SELECT 1 AS z) SELECT * FROM p_
SELECT 'p_ a_ d_', "a"."b" FROM (SELECT 1 AS b) AS "a"
SELECT EXISTS (SELECT FROM author WHERE id = 4) AS "exists", (SELECT name FROM author LIMIT 1), ARRAY(SELECT id FROM author)
SELECT (SELECT count(*) FROM book b WHERE b.author_id = a.id AND b.price > 9) AS books FROM author a
SELECT * FROM author WHERE id IN (SELECT author_id FROM book WHERE title LIKE 'A%')
SELECT * FROM author WHERE id = (SELECT max(author_id) FROM book WHERE price < 5)
SELECT * FROM (SELECT id, name FROM author) AS s(a, b) WHERE b = 'x'
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(i, s) WHERE s = 'b'
WITH a AS (SELECT * FROM author WHERE id = 1) SELECT a.name, b.title FROM a JOIN book b ON b.author_id = a.id
WITH a AS MATERIALIZED (SELECT 1 AS x), b (y) AS NOT MATERIALIZED (SELECT x + 1 FROM a) SELECT * FROM a, b
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t
WITH RECURSIVE t(n) AS (VALUES ($1::int) UNION ALL SELECT n + 1 FROM t WHERE n < $2) SELECT n, $3::text FROM t
WITH RECURSIVE t(id, up) AS (SELECT 1, 2 UNION ALL SELECT id + 1, up FROM t) SEARCH DEPTH FIRST BY id SET ord SELECT * FROM t
WITH RECURSIVE t(id, up) AS (SELECT 1, 2 UNION ALL SELECT id + 1, up FROM t) SEARCH BREADTH FIRST BY id, up SET ord CYCLE id SET looped USING path SELECT * FROM t
WITH RECURSIVE t(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM t) CYCLE id SET looped TO 'y' DEFAULT 'n' USING path SELECT * FROM t
WITH recursive AS (SELECT 1 AS r) SELECT * FROM recursive
WITH RECURSIVE recursive AS (SELECT 1 AS r) SELECT * FROM recursive
WITH a AS (WITH b AS (SELECT 1 AS x) SELECT x FROM b) SELECT * FROM a
WITH U&"\0061" AS (SELECT 1 AS x) SELECT * FROM a
WITH U&"!0061" UESCAPE '!' AS (SELECT 1 AS x) SELECT * FROM a
WITH a AS (SELECT 1), b AS (TABLE author), c AS (VALUES (1, 2)) (SELECT * FROM b) LIMIT 1
SELECT * FROM author TABLESAMPLE BERNOULLI (10) REPEATABLE (1)
SELECT name COLLATE "C" FROM author WHERE name < 'a' COLLATE "C" ORDER BY name USING <
SELECT bang()
SELECT bang(), id FROM author WHERE bang() = 1
SELECT bang_stable(1) FROM author WHERE id = bang_stable(2)
SELECT bang_immutable(1), bang_immutable(NULL), bang_immutable($1)
SELECT * FROM author WHERE id = bang_immutable(1) LIMIT bang_immutable(1)
SELECT count_up(), nextval('author_id_seq'), setval('author_id_seq', 100)
SELECT 1/0, 'x'::text::int, ln(-1.0)
SELECT pg_advisory_lock(1), pg_notify('a', 'b'), pg_sleep(100), txid_current()
SELECT pg_typeof($1)
SELECT pg_typeof(1), pg_typeof('a'), pg_typeof(NULL)
SELECT current_setting('work_mem'), current_setting($1, true), current_schemas(false), version()
SELECT set_config('work_mem', '1MB', true)
SELECT oid, relname, relkind, relacl, reloptions FROM pg_catalog.pg_class WHERE relname = 'author' AND relkind = ANY ('{r,v}')
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = 'author'::regclass AND a.attnum > 0 AND NOT a.attisdropped
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'author' ORDER BY ordinal_position
SELECT * FROM pg_stats WHERE tablename = 'x'
SELECT * FROM pg_settings WHERE name = 'TimeZone'
SELECT stavalues1 FROM pg_statistic
SELECT n.nspname, p.proname, pg_get_function_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = 'x'
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass
SELECT 5 # 3, 5 & 3, ~5, 2 ^ 3, |/ 4, @ -5, 5 % 2, 1 <> 2, 1 != 2
SELECT point '(1,2)' <-> point '(3,4)', box '(1,1),(0,0)' @> point '(0.5,0.5)', inet '10.0.0.1' << cidr '10.0.0.0/8', macaddr '08:00:2b:01:02:03'
SELECT money '1', '1'::money * 2, pg_lsn '0/0', '1'::xid8, hashtext('a')
SELECT 1 OPERATOR(pg_catalog.+) 2, pg_catalog.lower('A'), "lower"('B')
SELECT a.id AS select, a.name AS "from", a.id AS into FROM author a
SELECT a.id AS returning FROM author a
SELECT id returning_, name order_ FROM author
SELECT date_bin('15 min', now(), '2020-01-01'), make_interval(days => 3), justify_days('40 days')
SELECT now() - interval '3 days' < seen, seen + $1, seen - $2, seen BETWEEN $3 AND $4 FROM author
SELECT $1::int4range @> 5, int4range(1, $2), $3 <@ int4range(1, 5)
SELECT id FROM author WHERE ($1::text IS NULL OR name = $1) AND ($2::bigint IS NULL OR id = $2)
SELECT id FROM author WHERE id = ANY ($1) AND name = ANY ($2::text[]) AND born IN ($3, $4)
SELECT id FROM author WHERE name ILIKE '%' || $1 || '%' ESCAPE '\'
SELECT format('%s-%s', $1, 2), concat($2, 'x'), concat_ws(',', $3::text, 1)
SELECT $1::text COLLATE "C", $2 COLLATE "C"
SELECT lower($1), length($2), upper($3::varchar), md5($4), left($5, $6), round($7, 2), abs($8)
SELECT sum($1::int) OVER (), count($2::text), array_agg($3::date) FROM author
SELECT * FROM author ORDER BY $1
SELECT * FROM author GROUP BY id HAVING $1
SELECT $1.name FROM author
SELECT ($1::place).shelf, ($2::author).name
SELECT jsonb_set(extra, '{a}', $1), extra - $2, extra || $3 FROM author
SELECT ARRAY[1,2] || $1, $2 || ARRAY['a'], array_append(tags, $3), array_position(tags, $4) FROM author
SELECT row(a.*) FROM author a
SELECT NOT $1, $2 AND true, $3 OR $4
SELECT $1 AT TIME ZONE $2, $3::timestamptz AT TIME ZONE 'UTC'
SELECT (SELECT $1), (SELECT $2 + 1), EXISTS (SELECT $3)
SELECT x.* FROM (SELECT $1 AS a, $2::int AS b) x WHERE x.a = 'q'
SELECT grp, $1 FROM (SELECT 1 AS grp) g GROUP BY grp
SELECT 1 LIMIT $1 OFFSET $2
SELECT * FROM generate_series($1, $2)
SELECT * FROM generate_series($1::int, $2)
SELECT * FROM unnest($1)
SELECT * FROM unnest($1::quantity[]), unnest($2::genre[])
16|SELECT JSON_OBJECT('a': $1::int, 'b': name), JSON_ARRAY(1, 2), JSON_ARRAYAGG(id) FROM author GROUP BY name
16|SELECT '{}' IS JSON OBJECT, 1_000, 0xFF
17|SELECT JSON_VALUE(extra, '$.a' RETURNING int), JSON_QUERY(extra, '$.b'), JSON_EXISTS(extra, '$.c') FROM author
17|SELECT * FROM JSON_TABLE('[{"a":1}]'::jsonb, '$[*]' COLUMNS (id int PATH '$.a', v text PATH '$.b')) t
