-- MERGE.
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.amount;
MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.amount);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, 'x') WHEN MATCHED AND s.flag THEN UPDATE SET note = s.note, amount = t.amount + s.amount WHEN MATCHED THEN DO NOTHING;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED AND t.amount > 5 THEN DELETE WHEN MATCHED THEN UPDATE SET (amount, note) = (1, 'x') WHEN NOT MATCHED AND s.amount > 3 THEN INSERT DEFAULT VALUES WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO target AS t USING (SELECT id, sum(amount) AS total FROM source GROUP BY id) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.total;
MERGE INTO target t USING (VALUES (1, 2), (3, 4)) AS s(id, amount) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, amount) VALUES (s.id, s.amount);
MERGE INTO target t USING (SELECT $1::int AS id, $2::text AS note) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET note = s.note WHEN NOT MATCHED THEN INSERT (id, note, amount) VALUES (s.id, s.note, $3);
MERGE INTO target t USING source s ON t.id = s.id AND s.amount > $1 WHEN MATCHED AND t.note = $2 THEN UPDATE SET amount = $3, at = $4 WHEN NOT MATCHED THEN INSERT (id, amount) VALUES ($5, $6);
MERGE INTO target t USING s1 JOIN s2 ON s1.id = s2.id ON t.id = s1.id WHEN MATCHED THEN UPDATE SET note = s2.v;
MERGE INTO target t USING unnest($1::int[], $2::text[]) AS s(id, note) ON t.id = s.id WHEN MATCHED THEN UPDATE SET note = s.note WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, s.note);
MERGE INTO target t USING LATERAL (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO ONLY person p USING s1 ON p.id = s1.id WHEN MATCHED THEN UPDATE SET name = s1.v;
MERGE INTO person p USING s1 ON p.id = s1.id WHEN MATCHED THEN DELETE;
MERGE INTO generated g USING s1 ON g.id = s1.id WHEN NOT MATCHED THEN INSERT (id, a) OVERRIDING SYSTEM VALUE VALUES (s1.id, 5);
MERGE INTO generated g USING s1 ON g.id = s1.id WHEN NOT MATCHED THEN INSERT (a) VALUES (DEFAULT) WHEN MATCHED THEN UPDATE SET a = DEFAULT;
MERGE INTO measures m USING source s ON m.device = s.id WHEN MATCHED THEN UPDATE SET value = 1;
MERGE INTO notes n USING s1 ON n.id = s1.id WHEN MATCHED THEN UPDATE SET body = s1.v;
MERGE INTO contacts c USING s1 ON c.id = s1.id WHEN MATCHED THEN UPDATE SET home.street = s1.v, others[1] = NULL;
MERGE INTO users u USING source s ON u.id = s.id WHEN MATCHED THEN UPDATE SET feeling = 'ok', settings = $1, balance = u.balance + $2;
MERGE INTO "Mixed Case" AS "when" USING s1 AS "using" ON "when"."Id" = "using".id WHEN MATCHED THEN UPDATE SET "select" = 'x';
MERGE INTO target t USING source s ON CASE WHEN s.flag THEN t.id = s.id ELSE false END WHEN MATCHED THEN DELETE;
MERGE INTO secrets x USING s1 ON x.id = s1.id WHEN MATCHED THEN DELETE;
MERGE INTO p_ USING d_ ON p_.a_ = d_.b_ WHEN MATCHED THEN UPDATE SET id = $1;
WITH s AS (SELECT 1 AS id, 'x' AS note) MERGE INTO target t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET note = s.note;
WITH RECURSIVE s(id) AS (SELECT $1::int UNION ALL SELECT id + 1 FROM s WHERE id < 5) MERGE INTO target t USING s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, $2);
--@ max 16
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING t.id;
MERGE INTO ruled r USING s1 ON r.id = s1.id WHEN MATCHED THEN DELETE;
--@ max 16
MERGE INTO active_users r USING s1 ON r.id = s1.id WHEN MATCHED THEN DELETE;
MERGE INTO totals r USING s1 ON r.n = s1.id WHEN MATCHED THEN DELETE;
MERGE INTO nope t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING nope s ON t.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source t ON t.id = t.id WHEN MATCHED THEN DELETE;
MERGE INTO target USING target ON true WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.nope = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET nope = 1;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN INSERT VALUES (1);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (t.id);
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id;
MERGE INTO target t USING source s WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = 'x';
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, id) VALUES (1, 2);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (1, 2);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (1), (2);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT SELECT 1;
MERGE INTO target t USING source s ON sum(s.id) = 1 WHEN MATCHED THEN DELETE;
-- 17: RETURNING, NOT MATCHED BY SOURCE, views
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING *;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = 1 RETURNING t.*;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = 1 RETURNING merge_action(), t.id, s.note;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = 1 RETURNING merge_action() AS act, s.*, t.*;
--@ min 17
MERGE INTO target AS t USING (SELECT $1::int AS id, $2::text AS note) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, s.note) RETURNING t.id, $3::date, merge_action();
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT (id) VALUES (s.id) WHEN MATCHED THEN DO NOTHING RETURNING merge_action() || '!', t.id IS NULL, s.id IS NULL;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY SOURCE AND t.amount > $1 THEN UPDATE SET note = $2 RETURNING t.note, $3;
--@ min 17
MERGE INTO active_users a USING s1 ON a.id = s1.id WHEN MATCHED THEN UPDATE SET name = s1.v RETURNING a.*, s1.v;
--@ min 17
MERGE INTO with_trigger a USING s1 ON a.id = s1.id WHEN MATCHED THEN UPDATE SET v = s1.v RETURNING a.one;
--@ min 17
MERGE INTO target t USING (VALUES (1, 'a')) s(id, v) ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING s.v, lower(merge_action()), (SELECT count(*) FROM users);
--@ min 17
MERGE INTO users u USING source s ON u.id = s.id WHEN MATCHED THEN UPDATE SET feeling = 'ok' RETURNING u.name, u.email, u.feeling, u.balance, s.amount;
--@ min 17
MERGE INTO target t USING s1 JOIN s2 USING (id) ON t.id = s1.id WHEN MATCHED THEN DELETE RETURNING *;
--@ min 17
WITH m AS (MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING merge_action() AS a, t.id) SELECT a, count(*) FROM m GROUP BY a;
--@ min 17
WITH m AS (MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES ($1) RETURNING t.*) INSERT INTO s1 SELECT id, note FROM m RETURNING id;
--@ min 17
WITH s AS (SELECT $1::int AS id) MERGE INTO target t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = $2 RETURNING merge_action(), t.amount, s.id;
--@ min 17
MERGE INTO ONLY person p USING s1 ON p.id = s1.id WHEN MATCHED THEN UPDATE SET name = s1.v RETURNING p, s1;
--@ min 17
MERGE INTO "Mixed Case" "t" USING s1 "ON" ON "t"."Id" = "ON".id WHEN MATCHED THEN DELETE RETURNING "t"."größe", "ON".v AS "RETURNING", merge_action();
--@ min 17
MERGE INTO p_ USING d_ ON p_.a_ = d_.b_ WHEN MATCHED THEN UPDATE SET id = $1 RETURNING p_.*, d_.*, merge_action();
--@ min 17
SELECT merge_action();
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING nope;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING id;
--@ min 17
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN UPDATE SET note = s.note RETURNING t.id;
