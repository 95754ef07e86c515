# DBD::Pg with AutoCommit: unnamed at first, then prepared and deallocated by SQL. Prints what it sees; the outputs of both servers are
# compared.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use DBD::Pg qw(:pg_types);
use JSON::PP;

binmode STDOUT, ':utf8';
$| = 1;
my $json = JSON::PP->new->canonical->allow_nonref;
my $dbh = DBI->connect('dbi:Pg:', $ENV{PGUSER}, $ENV{PGPASSWORD}, { AutoCommit => 1, RaiseError => 1, PrintError => 0, PrintWarn => 0 });
print "server $dbh->{pg_server_version} $dbh->{pg_enable_utf8} ", $dbh->ping, "\n";

sub show {
    my ($title, $sql, @args) = @_;
    my $sth = ref $sql ? $sql : $dbh->prepare($sql);
    my $rows = $sth->execute(@args);
    if ($sth->{NUM_OF_FIELDS}) {
        print "$title $rows ", $json->encode([$sth->{NAME}, $sth->{pg_type}, $sth->{PRECISION}, $sth->{SCALE}, $sth->fetchall_arrayref]), "\n";
    } else {
        print "$title $rows\n";
    }
}

sub fails {
    my ($title, @rest) = @_;
    eval { show("$title did not fail", @rest); 1 } or print "$title ", $dbh->state, " ", $dbh->errstr, "\n";
}

show('simple', q{select 1 as a, null as b, 'x' as c});
show('parameters', 'select ?::text as s, ?::int as i, ?::bool as b, ?::float8 as f', 'ä😀\'"\\', 42, 1, 1.5);
show('inferred', 'select id, name from dbd_pg.parent where id >= ? and name <> ? order by id', 2, 'x');
show('dollars', 'select $1::int + $2 as sum', 1, 2);
show('null', 'select ?::text as n, ?::text as e', undef, '');
show('array', 'select ?::int[] as i, ?::text[] as t', [1, 2, undef], ['a', 'b"c']);
my $bytes = $dbh->prepare('select length(?::text)');
show('typed', $bytes, 'four');
show('create', 'create table dbd_pg.p (id serial primary key, s varchar(40), n numeric(10,2), at timestamptz(3), ok bool)');
show('insert returning', 'insert into dbd_pg.p (s, n, at, ok) values (?, ?, ?, ?) returning *', "it's", '12.50', '2026-01-02 03:04:05.678901+00', 'true');
my $again = $dbh->prepare('select name from dbd_pg.parent where id = ?');
show('again', $again, $_) for 1 .. 4;
$again->finish;
undef $again;
my $insert = $dbh->prepare('insert into dbd_pg.t values (?, ?)');
print 'array of rows ', $insert->execute_array({}, [1 .. 5], ['a' .. 'e']), "\n";
show('update', 'update dbd_pg.t set name = ? where id > ?', 'same', 3);
show('no rows', 'select id from dbd_pg.t where id = ?', 99);
print 'do ', $dbh->do('delete from dbd_pg.t where id = ?', undef, 5), "\n";
print 'several ', $dbh->do(q{insert into dbd_pg.t values (8, 'm'); insert into dbd_pg.t values (9, 'm')}), "\n";
print 'columns ', $json->encode([map { [@{$_}{qw(COLUMN_NAME TYPE_NAME COLUMN_SIZE NULLABLE)}] } @{ $dbh->column_info(undef, 'dbd_pg', 'p', '%')->fetchall_arrayref({}) }]), "\n";
print 'keys ', $json->encode([$dbh->primary_key(undef, 'dbd_pg', 'p')]), "\n";
print 'tables ', $json->encode([sort $dbh->tables(undef, 'dbd_pg', '%', 'TABLE')]), "\n";
fails('syntax', 'selec 1');
fails('syntax, with a parameter', 'selec ?', 1);
fails('column', 'select nope from dbd_pg.t where id = ?', 1);
fails('value', 'select ?::int', 'x');
fails('unique', 'insert into dbd_pg.parent values (?, ?)', 1, 'x');
fails('division', 'select 1 / ?::int', 0);
fails('rls', q{insert into todos (user_id, task) values (?, 'x')}, 'mallory');
show('well again', 'select ?::text as ok', 'ok');
show('set', 'set search_path = dbd_pg');
show('in that path', 'select name from parent where id = ?', 1);
show('zone', q{set time zone 'Asia/Tokyo'});
show('in that zone', q{select ?::timestamptz as t}, '2026-07-01 12:00+00');
show('own row', 'insert into public.todos (task) values (?) returning user_id, task', 'mine');
show('cleanup', 'delete from public.todos');
show('many rows', 'select count(*), sum(g) from generate_series(1, ?::int) g', 5000);
$dbh->disconnect;
print "end\n";
