\set aid random(1, 100000)
SELECT abalance, aid AS found FROM pgbench_accounts WHERE aid = :aid \gset
\if :found = :aid
SELECT count(*) FROM pgbench_history WHERE aid = :found;
\else
SELECT 1 / 0;
\endif
SELECT bid, sum(bbalance) FROM pgbench_branches GROUP BY bid ORDER BY bid;
