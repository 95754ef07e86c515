-- json, jsonb, jsonpath, xml, full text.
SELECT '{}'::json, '{}'::jsonb, '$.a'::jsonpath;
SELECT data -> 'a', data ->> 'a', data -> 0, data ->> 0, data #> '{a,b}', data #>> '{a,b}' FROM docs;
SELECT datab -> 'a', datab ->> 'a', datab -> -1, datab #> ARRAY['a'], datab #>> '{}' FROM docs;
SELECT datab -> $1, datab ->> $2, datab #> $3, datab #>> $4 FROM docs;
SELECT datab -> $1::int, datab -> $2::text, data -> $1 FROM docs;
SELECT datab @> '{"a":1}', datab <@ '{}', datab ? 'a', datab ?| ARRAY['a'], datab ?& '{a,b}', datab || '{}', datab - 'a', datab - 1, datab - ARRAY['a'], datab #- '{a}' FROM docs;
SELECT datab @> $1, datab ? $2, datab ?| $3, datab || $4, datab - $5::text FROM docs;
SELECT datab @? '$.a', datab @@ '$.a > 1' FROM docs;
SELECT datab @? $1, datab @@ $2 FROM docs;
SELECT datab['a'], datab['a']['b'], datab[0], (datab['x'])::text FROM docs;
SELECT datab[$1], datab[$2::int] FROM docs;
SELECT to_json(1), to_jsonb('a'::text), to_jsonb(ARRAY[1]), to_json(now());
SELECT to_jsonb($1::text), to_jsonb($2::int);
SELECT to_jsonb($1);
SELECT row_to_json(ROW(1, 'a')), array_to_json(ARRAY[1, 2]), row_to_json(u, true) FROM users u;
SELECT json_build_object('a', 1, 'b', ARRAY[1]), jsonb_build_object(), json_build_array(1, 'a', NULL), jsonb_build_array();
SELECT json_build_object($1::text, $2::int), jsonb_build_array($3::text, $4::date);
SELECT json_build_object('k', $1);
SELECT json_object('{a,1,b,2}'), jsonb_object('{a,b}', '{1,2}');
SELECT json_array_length(data), jsonb_array_length(datab), json_typeof(data), jsonb_typeof(datab), jsonb_pretty(datab), json_strip_nulls(data) FROM docs;
SELECT jsonb_set(datab, '{a}', '1'), jsonb_set(datab, $1, $2, false), jsonb_insert(datab, '{a,0}', '1'), jsonb_set_lax(datab, '{a}', NULL, true, 'delete_key') FROM docs;
SELECT json_each(data), json_each_text(data), json_object_keys(data), json_array_elements(data), json_array_elements_text(data) FROM docs;
SELECT (jsonb_each(datab)).*, (jsonb_each_text(datab)).value FROM docs;
SELECT * FROM jsonb_array_elements('[1]') WITH ORDINALITY AS e(item, n);
SELECT * FROM jsonb_array_elements($1) e;
SELECT key, value FROM json_each_text($1);
SELECT * FROM jsonb_object_keys($1) AS k(name);
SELECT jsonb_path_query(datab, '$.a[*]'), jsonb_path_query_array(datab, '$'), jsonb_path_query_first(datab, $1), jsonb_path_exists(datab, '$.x', '{}'), jsonb_path_match(datab, '$.a == 1', vars => '{}', silent => true) FROM docs;
SELECT * FROM jsonb_path_query('{}', '$.**') AS q(v);
SELECT jsonb_path_query_tz('{}', '$.datetime()');
SELECT jsonb_populate_record(NULL::address, '{}'), (jsonb_populate_record(NULL::address, $1)).zip;
SELECT * FROM json_populate_recordset(NULL::s1, $1);
SELECT * FROM json_to_recordset($1) AS t(id int, tags text[], made timestamptz(3));
SELECT x.a FROM jsonb_to_record('{}') AS x(a nested, b "Color");
SELECT json_agg(data), jsonb_agg(datab ORDER BY id), jsonb_object_agg(id, datab) FROM docs;
SELECT (datab ->> 'n')::int + 1, (datab -> 'x')::bool, CAST(datab ->> 'd' AS date), (datab -> 'f')::float8 FROM docs;
SELECT id FROM docs WHERE datab ->> 'a' = 'b' AND (datab -> 'n')::numeric > 3 ORDER BY datab -> 'z';
SELECT datab = '{}', datab < '1', data::jsonb = datab FROM docs;
SELECT data = data FROM docs;
SELECT DISTINCT data FROM docs;
SELECT datab - $1 FROM docs;
SELECT datab || 1 FROM docs;
SELECT '{bad'::json;
SELECT '{"a":'::jsonb;
SELECT '$.['::jsonpath;
SELECT jsonb '{"a": "ü\u00e4"}' ->> 'a';
SELECT datab -> 'a' ->> 'b' || 'c', datab #>> '{a}' LIKE '%x%' FROM docs;
SELECT jsonb_build_object('u', u, 'n', (SELECT count(*) FROM posts)) FROM users u;
SELECT json_populate_record(NULL::nested, '{"p":{"a":1}}');
SELECT jsonb_each_text.value FROM docs, jsonb_each_text(datab);
SELECT settings['theme'] AS theme, settings -> 'a' AS "a" FROM users WHERE settings ? 'theme';
SELECT coalesce(settings ->> 'lang', 'en') AS lang, count(*) FROM users GROUP BY settings ->> 'lang';
SELECT jsonb_agg(jsonb_build_object('id', id) || coalesce(settings, '{}')) FROM users;
SELECT j.v ->> 'a' FROM (SELECT jsonb '{}' AS v) j;
SELECT ($1::jsonb) -> 'a' -> 0 ->> 'b';
SELECT $1 -> 'a';
SELECT $1::json -> $2;
SELECT '{}'::jsonb -> 'a' IS NULL, NOT '{}'::jsonb ? 'x', jsonb_typeof('{}'::jsonb || '{"a":1}');
-- SQL/JSON of 16 and 17
--@ min 16
SELECT JSON_OBJECT('a': 1, 'b' VALUE 2), JSON_ARRAY(1, 2 ABSENT ON NULL), JSON_ARRAY(SELECT id FROM users), JSON_OBJECT(), JSON_ARRAY();
--@ min 16
SELECT JSON_OBJECT('a': 1 RETURNING jsonb), JSON_ARRAY(1 RETURNING text), JSON_OBJECT('a': $1::int NULL ON NULL WITH UNIQUE KEYS);
--@ min 16
SELECT JSON_OBJECTAGG(name: id), JSON_ARRAYAGG(id ORDER BY id RETURNING jsonb), JSON_OBJECTAGG(name VALUE id ABSENT ON NULL) FROM users;
--@ min 16
SELECT '{}' IS JSON, '[]' IS JSON ARRAY, name IS JSON OBJECT WITH UNIQUE KEYS, body IS NOT JSON SCALAR FROM users, posts;
--@ min 17
SELECT JSON('{}'), JSON_SCALAR(1), JSON_SERIALIZE('{}'), JSON_SERIALIZE('{}' RETURNING bytea), JSON('{}' WITH UNIQUE KEYS);
--@ min 17
SELECT JSON_EXISTS(datab, '$.a'), JSON_VALUE(datab, '$.a'), JSON_VALUE(datab, '$.n' RETURNING int DEFAULT 0 ON EMPTY ERROR ON ERROR), JSON_QUERY(datab, '$.x' WITH WRAPPER) FROM docs;
--@ min 17
SELECT JSON_QUERY(datab, '$.a' RETURNING text OMIT QUOTES), JSON_VALUE(datab, '$ ? (@ > $x)' PASSING $1::int AS x RETURNING numeric(5,1)) FROM docs;
--@ min 17
SELECT JSON_EXISTS(datab, $1), JSON_VALUE(datab, '$.d' RETURNING date) FROM docs;
--@ min 17
SELECT t.* FROM docs, JSON_TABLE(datab, '$[*]' COLUMNS (id FOR ORDINALITY, name varchar(10) PATH '$.name', age int DEFAULT 0 ON EMPTY, extra jsonb FORMAT JSON PATH '$.e', has boolean EXISTS PATH '$.h')) t;
--@ min 17
SELECT * FROM JSON_TABLE('[]', '$[*]' AS p PASSING 1 AS x COLUMNS (a int PATH '$.a', NESTED PATH '$.l[*]' COLUMNS (b text PATH '$'))) jt;
--@ max 16
SELECT JSON_VALUE('{}', '$.a');
--@ max 15
SELECT JSON_OBJECT('a': 1);
SELECT JSON_OBJECT('a', 1);
-- XML
SELECT xpath('/a/b/text()', meta), xpath_exists('/a', meta), xml_is_well_formed('<a/>'), meta::text FROM docs;
SELECT xpath($1, $2), xmlparse(document $3), xmlcomment('a'), xmltext('b');
SELECT xmlelement(name "Ä", xmlattributes(id AS i, name), 'x', 5) FROM users;
SELECT xmlforest(name, email AS "E-Mail") FROM users;
SELECT table_to_xml('users', true, false, ''), query_to_xml($1, $2, $3, $4), schema_to_xmlschema('public', true, true, '');
SELECT xmlserialize(content meta AS text), xmlexists('/a' PASSING BY VALUE meta) FROM docs;
SELECT meta = meta FROM docs;
SELECT '<a'::xml;
-- Full text
SELECT to_tsvector('english', body), to_tsquery('a & b'), plainto_tsquery('simple', $1), phraseto_tsquery('x y'), websearch_to_tsquery($2) FROM posts;
SELECT tsv @@ to_tsquery($1), tsv @@ $2, ts_rank(tsv, $3), ts_rank_cd('{0.1,0.2,0.4,1}', tsv, 'a') FROM docs;
SELECT ts_headline('english', body, 'a'::tsquery, 'MaxWords=3'), setweight(to_tsvector('a'), 'A'), length(to_tsvector('a')), strip(to_tsvector('x')), 'a' <-> 'b'::tsquery, !!'a'::tsquery FROM posts;
SELECT * FROM ts_stat('SELECT tsv FROM docs');
SELECT * FROM ts_debug('english', 'a'), ts_parse('default', 'x'), ts_token_type('default');
SELECT tsvector_to_array(tsv), unnest(tsv), array_to_tsvector(ARRAY['a']), numnode('a'::tsquery), querytree($1), ts_delete(tsv, 'a'), ts_rewrite('a'::tsquery, 'a', 'b') FROM docs;
SELECT (unnest(tsv)).lexeme FROM docs;
SELECT title FROM posts WHERE to_tsvector('english', title || ' ' || coalesce(body, '')) @@ websearch_to_tsquery('english', $1) ORDER BY ts_rank(to_tsvector('english', title), websearch_to_tsquery('english', $1)) DESC LIMIT $2;
SELECT 'a b'::tsvector || 'c', 'a'::tsquery && $1, tsvector 'x' @@@ 'x';
SELECT to_tsvector('nope', 'x');
SELECT 'a &'::tsquery;
