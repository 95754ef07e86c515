-- What came with 18: RETURNING old and new, virtual columns, temporal keys, functions.
--@ min 18
INSERT INTO s1 VALUES (1, 'a') RETURNING old.id, new.id;
--@ min 18
INSERT INTO s1 VALUES (1, 'a') RETURNING old.*, new.*;
--@ min 18
INSERT INTO s1 VALUES (1, 'a') RETURNING WITH (OLD AS o, NEW AS n) o.id, n.v, id;
--@ min 18
INSERT INTO s1 VALUES ($1, $2) RETURNING old.v, new.v || $3;
--@ min 18
INSERT INTO s1 VALUES (1, 'a') RETURNING old, new, s1;
--@ min 18
INSERT INTO target (id, amount) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount RETURNING old.amount AS before, new.amount AS after, old IS NULL AS is_new;
--@ min 18
INSERT INTO target AS t (id, amount) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET amount = $3 RETURNING t.id, old.amount, new.*, $4::text;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING old.v, new.v;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING old.*, new.*, *;
--@ min 18
UPDATE s1 SET v = $1 WHERE id = $2 RETURNING old.v AS before, new.v AS after, old.v = $3;
--@ min 18
UPDATE s1 SET v = s2.v FROM s2 WHERE s1.id = s2.id RETURNING old.id, new.v, s2.extra, s1.id;
--@ min 18
UPDATE s1 AS t SET v = 'x' RETURNING WITH (NEW AS n) n.id, old.id, t.v;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING WITH (OLD AS "Before", NEW AS "after it") "Before".v, "after it".v;
--@ min 18
UPDATE users SET balance = balance + 1, feeling = 'ok' RETURNING old.balance, new.balance - old.balance AS diff, new.feeling, old.email;
--@ min 18
UPDATE contacts SET home.street = 'x' RETURNING (old.home).street, (new.home).zip, old.home;
--@ min 18
UPDATE old SET new = 1 RETURNING old.new, new.old;
--@ min 18
UPDATE old AS t SET new = 1 RETURNING old.new, new.old, t.old, old;
--@ min 18
UPDATE active_users SET name = 'x' RETURNING old.name, new.*;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING (SELECT old.v || new.v), ARRAY[old.id, new.id], old.ctid, new.tableoid;
--@ min 18
DELETE FROM s1 RETURNING old.id, new.id, id;
--@ min 18
DELETE FROM s1 USING s2 WHERE s1.id = s2.id RETURNING old.*, s2.*;
--@ min 18
DELETE FROM s1 RETURNING WITH (OLD AS gone) gone;
--@ min 18
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = 1 RETURNING merge_action(), old.amount, new.amount;
--@ min 18
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING WITH (OLD AS o, NEW AS n) o.*, n.id, s.*, merge_action();
--@ min 18
MERGE INTO target t USING (SELECT $1::int AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, $2) RETURNING new.id, old.note, $3::int;
--@ min 18
WITH u AS (UPDATE s1 SET v = 'x' RETURNING old.v AS before, new.v AS after) SELECT before, after FROM u;
--@ min 18
WITH d AS (DELETE FROM s1 RETURNING old) SELECT (old).id FROM d;
--@ min 18
INSERT INTO s1 VALUES (1, 'a') RETURNING WITH (OLD AS o, OLD AS p) o.id;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING WITH (OLD AS s1) s1.id;
--@ min 18
UPDATE s1 SET v = old.v;
--@ min 18
UPDATE s1 SET v = 'x' RETURNING old.nope;
--@ min 18
UPDATE s1 SET v = 'x' FROM s2 AS old RETURNING old.id;
--@ min 18
SELECT * FROM virtual_columns;
--@ min 18
SELECT b + c AS sum, b FROM virtual_columns WHERE b > $1;
--@ min 18
INSERT INTO virtual_columns (id, a) VALUES (1, 2) RETURNING *;
--@ min 18
INSERT INTO virtual_columns (id, a) VALUES ($1, $2) RETURNING b, c, new.b, old.b;
--@ min 18
INSERT INTO virtual_columns (b) VALUES (1);
--@ min 18
UPDATE virtual_columns SET a = 5 RETURNING id, b, old.b, new.b;
--@ min 18
UPDATE virtual_columns SET b = DEFAULT, a = $1;
--@ min 18
INSERT INTO periods VALUES (1, '[2025-01-01,2025-02-01)') RETURNING *;
--@ min 18
DELETE FROM periods WHERE during @> $1::date RETURNING lower(during);
--@ min 18
SELECT uuidv7(), uuidv4(), uuidv7(interval '1 day'), uuid_extract_timestamp(uuidv7());
--@ min 18
SELECT casefold('ß'), array_sort(ARRAY[2, 1]), array_reverse(ARRAY['a']), crc32('a'), gamma(0.5), reverse('\x01'::bytea), 5::bytea, '\x05'::bytea::int8;
--@ min 18
SELECT json_strip_nulls('{}', true), 'null'::jsonb::int, to_number('X', 'RN');
--@ min 18
SELECT * FROM pg_aios, pg_stat_io;
--@ min 18
CREATE TABLE t18 (id int, b int GENERATED ALWAYS AS (id * 2));
--@ min 18
EXPLAIN (MEMORY, SERIALIZE, ANALYZE) SELECT 1;
--@ min 18
COPY totals TO STDOUT;
--@ min 16
SELECT any_value(name), random_normal(), array_shuffle(ARRAY[1]), array_sample(ARRAY[1, 2], 1), date_add(now(), '1 day'), erf(1) FROM users;
--@ min 16
SELECT 0x1F, 0b101, 0o17, 1_000_000, 1_0.5;
--@ min 16
SELECT * FROM (SELECT 1), (VALUES (2));
--@ max 15
SELECT * FROM (SELECT 1);
--@ max 15
SELECT 1_000;
--@ min 16
SELECT * FROM pg_stat_io;
--@ min 16
SELECT system_user, pg_input_is_valid('x', 'int'), pg_input_error_info('x', 'int'), (pg_input_error_info($1, 'int')).message;
--@ min 17
SELECT to_bin(5), to_oct(5), to_hex(5), unicode_assigned('a'), xmltext('x'), random(1, 10), random(1.5, 2.5), uuid_extract_version(gen_random_uuid());
--@ min 17
SELECT now() AT LOCAL, timestamp '2025-01-01' AT LOCAL, timetz '10:00+01' AT LOCAL;
--@ min 17
SELECT * FROM pg_stat_checkpointer, pg_wait_events;
--@ min 17
COPY s1 FROM STDIN WITH (ON_ERROR ignore);
--@ min 17
EXPLAIN (SERIALIZE TEXT, ANALYZE, MEMORY) SELECT 1;
--@ max 16
SELECT merge_action();
--@ min 17
ALTER TABLE measures SPLIT PARTITION x INTO (y);
--@ max 17
UPDATE s1 SET v = 'x' RETURNING old.v;
--@ max 17
INSERT INTO s1 VALUES (1) RETURNING WITH (OLD AS o) o.id;
--@ max 17
SELECT uuidv7();
