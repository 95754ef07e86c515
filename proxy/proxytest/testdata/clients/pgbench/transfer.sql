\set from random(1, 100000)
\set to random(1, 100000)
\set amount random(-5000, 5000)
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:from % 10 + 1, 1, :from, :amount, CURRENT_TIMESTAMP);
UPDATE pgbench_accounts SET abalance = abalance - :amount WHERE aid = :from;
UPDATE pgbench_accounts SET abalance = abalance + :amount WHERE aid = :to;
SELECT abalance FROM pgbench_accounts WHERE aid = :from;
