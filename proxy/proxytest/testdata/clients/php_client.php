<?php
// PHP's PDO and pgsql. Prints what it sees; the outputs of both servers are compared.

$pdo = new PDO('pgsql:', getenv('PGUSER'), getenv('PGPASSWORD') ?: null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
print 'server ' . $pdo->getAttribute(PDO::ATTR_SERVER_VERSION) . "\n";

function show(string $title, PDOStatement $s): void
{
    $columns = [];
    for ($i = 0; $i < $s->columnCount(); $i++) {
        $m = $s->getColumnMeta($i);
        $columns[] = implode(':', [$m['name'], $m['native_type'], $m['pgsql:oid'] < 16384 ? $m['pgsql:oid'] : 'own', $m['len'], $m['precision'], $m['table'] ?? '']);
    }
    $rows = $s->columnCount() ? $s->fetchAll(PDO::FETCH_NUM) : [];
    array_walk_recursive($rows, fn (&$v) => $v = is_resource($v) ? bin2hex(stream_get_contents($v)) : $v);
    print "$title {$s->rowCount()} " . json_encode([$columns, $rows], JSON_UNESCAPED_UNICODE) . "\n";
}

function run(string $title, string $sql, array $args = []): void
{
    global $pdo;
    $s = $pdo->prepare($sql);
    $s->execute($args);
    show($title, $s);
}

function fails(string $title, string $sql, array $args = []): void
{
    try {
        run("$title did not fail", $sql, $args);
    } catch (PDOException $e) {
        print "$title " . json_encode([$e->errorInfo[0], $e->errorInfo[2]], JSON_UNESCAPED_UNICODE) . "\n";
    }
}

show('simple', $pdo->query("select 1 as a, null as b, 'x' as c"));
run('parameters', 'select ?::text as s, ?::int as i, ?::bool as b, ?::float8 as f', ['ä😀\'"\\', 42, 'true', 1.5]);
run('named', 'select :a::int + :b::int as sum, :a::text as again', ['a' => 1, 'b' => 2]);
run('inferred', 'select id, name from php.parent where id >= ? order by id', [2]);
run('null', 'select ?::text as n, ?::text as e', [null, '']);
$s = $pdo->prepare('select ?::int as i, ?::bool as b, ?::text as n');
$s->bindValue(1, 7, PDO::PARAM_INT);
$s->bindValue(2, true, PDO::PARAM_BOOL);
$s->bindValue(3, null, PDO::PARAM_NULL);
$s->execute();
show('typed', $s);
run('create', 'create table php.p (id serial primary key, s varchar(40), n numeric(10,2), at timestamptz(3), b bytea, ok bool)');
run('insert returning', 'insert into php.p (s, n, at, b, ok) values (?, ?, ?, ?, ?) returning *', ["it's", '12.50', '2026-01-02 03:04:05.678901+00', '\x00ff', 'true']);
$s = $pdo->prepare('select name from php.parent where id = ?');
foreach ([1, 2, 3] as $id) {
    $s->execute([$id]);
    show('again', $s);
}
$s = null;
$s = $pdo->prepare('insert into php.t values (?, ?)');
foreach ([1, 2, 3] as $id) {
    $s->execute([$id, "t$id"]);
    print "inserted {$s->rowCount()}\n";
}
print 'exec ' . $pdo->exec("update php.t set name = 'same'") . "\n";
print 'several ' . $pdo->exec("insert into php.t values (8, 'm'); insert into php.t values (9, 'm')") . "\n";
$emulated = new PDO('pgsql:', getenv('PGUSER'), getenv('PGPASSWORD') ?: null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_EMULATE_PREPARES => true]);
$s = $emulated->prepare('select ? as s, ?::int as i');
$s->execute(["it's", 1]);
show('emulated', $s);
fails('syntax', 'selec 1');
fails('column', "select 'ä', nope from php.t where id = ?", [1]);
fails('value', 'select ?::int', ['x']);
fails('unique', 'insert into php.parent values (?, ?)', [1, 'x']);
fails('division', 'select 1 / ?::int', [0]);
fails('rls', "insert into todos (user_id, task) values (?, 'x')", ['mallory']);
run('well again', 'select ?::text as ok', ['ok']);
run('set', 'set search_path = php');
run('in that path', 'select name from parent where id = ?', [1]);
run('own row', 'insert into public.todos (task) values (?) returning user_id, task', ['mine']);
run('cleanup', 'delete from public.todos');
$pdo = null;

$c = pg_connect('');
$r = pg_query_params($c, 'select $1::int + $2 as sum, $3::text as t', [1, 2, 'ä']);
print 'pg_query_params ' . json_encode([pg_fetch_all($r), pg_field_type($r, 0), pg_num_rows($r)], JSON_UNESCAPED_UNICODE) . "\n";
pg_prepare($c, 'by_id', 'select name from php.parent where id = $1');
foreach ([1, 2] as $id) {
    print 'pg_execute ' . json_encode(pg_fetch_all(pg_execute($c, 'by_id', [$id])), JSON_UNESCAPED_UNICODE) . "\n";
}
print 'pg_insert ' . json_encode(pg_insert($c, 'todos', ['task' => 'converted'], PGSQL_DML_EXEC)) . "\n";
print 'pg_select ' . json_encode(array_map(fn ($row) => $row['task'], pg_select($c, 'todos', ['task' => 'converted']))) . "\n";
print 'pg_delete ' . json_encode(pg_delete($c, 'todos', ['task' => 'converted'])) . "\n";
print 'meta ' . json_encode(array_keys(pg_meta_data($c, 'todos'))) . "\n";
$r = @pg_query($c, 'select nope');
print 'error ' . pg_last_error($c) . "\n";
print 'encoding ' . pg_client_encoding($c) . ' ' . pg_set_client_encoding($c, 'LATIN1') . ' ' . bin2hex(pg_fetch_result(pg_query($c, "select 'x' || chr(228)"), 0, 0)) . "\n";
pg_close($c);
print "end\n";
