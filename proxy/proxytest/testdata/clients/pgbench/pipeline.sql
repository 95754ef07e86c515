\set aid random(1, 100000)
\startpipeline
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, :aid, 0, CURRENT_TIMESTAMP);
UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
\endpipeline
