-- The texts of statements over whatever the server has. Types are written as the catalogs write them.
SELECT format(form, t.oid::regtype) FROM pg_type t, unnest(ARRAY[
  'SELECT NULL::%1$s AS v, ARRAY[NULL::%1$s] AS a, $1::%1$s AS p',
  'SELECT v FROM (SELECT NULL::%1$s) s(v) WHERE v IS NOT DISTINCT FROM $1',
  'SELECT coalesce($1, NULL::%1$s), CASE WHEN true THEN NULL::%1$s ELSE $2 END'
]) form
WHERE t.typtype <> 'p' AND t.typcategory <> 'A' AND (t.typrelid = 0 OR t.typnamespace = 'public'::regnamespace) ORDER BY t.oid, form;

SELECT format('SELECT NULL::%s::%s, CAST($1::%1$s AS %2$s)', castsource::regtype, casttarget::regtype) FROM pg_cast ORDER BY oid;

SELECT format(form, oprleft::regtype, oprnamespace::regnamespace, oprname, oprright::regtype) FROM pg_operator, unnest(ARRAY[
  'SELECT $1 OPERATOR(%2$s.%3$s) NULL::%4$s',
  'SELECT NULL::%1$s OPERATOR(%2$s.%3$s) $1',
  'SELECT $1::%1$s %3$s $2',
  'SELECT $1 %3$s $2::%4$s'
]) form
WHERE oprkind = 'b' AND oprcode <> 0 ORDER BY pg_operator.oid, form;

SELECT format('SELECT %s NULL::%s, %1$s $1::%2$s, %1$s $2', oprname, oprright::regtype) FROM pg_operator WHERE oprkind = 'l' ORDER BY oid;

WITH f AS (
  SELECT p.oid, quote_ident(p.pronamespace::regnamespace::text) || '.' || quote_ident(p.proname) AS name, p.prokind, p.proretset,
    (SELECT string_agg('NULL::' || a::regtype, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u(a, n)) AS nulls,
    (SELECT string_agg('$' || n, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u(a, n)) AS params,
    (SELECT string_agg('$' || n || '::' || a::regtype, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u(a, n)) AS typed
  FROM pg_proc p
  WHERE p.pronargs > 0 AND p.prokind IN ('f', 'a', 'w') AND p.prorettype <> 'internal'::regtype
    -- No value is of these pseudo-types, nor can a parameter be.
    AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a
      WHERE t.typtype = 'p' AND t.typname !~ '^any' AND t.typname NOT IN ('record', '_record'))
)
SELECT CASE
  WHEN form = 1 AND prokind = 'f' THEN format('SELECT * FROM %s(%s) f', name, typed)
  WHEN form = 1 THEN format('SELECT %s(%s) OVER (), 1', name, nulls)
  WHEN form = 2 THEN format('SELECT %s(%s)', name, params)
  ELSE format('SELECT %s(%s)', name, nulls) END
FROM f, generate_series(1, 3) form ORDER BY f.oid, form;
