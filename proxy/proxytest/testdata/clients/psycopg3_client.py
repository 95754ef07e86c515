"""psycopg 3 in autocommit with parameters as text. Prints what it sees; the outputs of both servers are compared."""

import datetime
import decimal
import logging
import uuid

import psycopg
from psycopg.rows import dict_row, namedtuple_row
from psycopg.types.json import Jsonb

# It warns of what it could not send in a pipeline that failed, which depends on when the error arrives.
logging.getLogger("psycopg").setLevel(logging.ERROR)
conn = psycopg.connect("", autocommit=True)
info = conn.info
print("server", info.server_version, info.encoding, info.transaction_status, info.pipeline_status, info.timezone)
for name in ("client_encoding", "DateStyle", "TimeZone", "IntervalStyle", "integer_datetimes", "standard_conforming_strings",
             "is_superuser", "session_authorization", "in_hot_standby"):
    print("parameter", name, info.parameter_status(name))
conn.add_notice_handler(lambda d: print("notice", d.severity, d.sqlstate, d.message_primary))
cur = conn.cursor()


def show(title, c=None):
    c = c or cur
    columns = [(d.name, d.type_code if d.type_code < 16384 else "own", d.internal_size, d.display_size, d.precision, d.scale)
               for d in c.description or ()]
    print(title, c.statusmessage, c.rowcount, columns, c.fetchall() if c.description else None)


def fails(title, sql, params=None, **options):
    try:
        cur.execute(sql, params, **options)
    except psycopg.Error as e:
        d = e.diag
        print(title, type(e).__name__, e.sqlstate, repr(str(e)), d.severity, d.message_detail, d.message_hint, d.statement_position,
              d.constraint_name, d.table_name, d.column_name, d.schema_name, d.datatype_name)
    else:
        show(title + " did not fail")
    print("  status", info.transaction_status)


# Without parameters: simple queries.
cur.execute("create table psycopg3.p (id serial primary key, name varchar(40), n numeric(10,2), at timestamptz(3), day date, u uuid, j jsonb, "
            "a int[], b bytea, ok bool, mood psycopg3.mood)")
show("create")
cur.execute("select 1 as a, null as b, 'x' as c")
show("simple")
cur.execute("select 1 as a; select 2 as b, 3 as c; insert into psycopg3.t values (100, 's')")
show("several, first")
while cur.nextset():
    show("several, next")
cur.execute("begin; insert into psycopg3.t values (101, 'block'); commit")
show("block in one query")

# Strings have no type: the server infers it. They, numerics, JSON and lists of strings travel as text.
insert = ("insert into psycopg3.p (name, n, at, day, u, j, b, ok, mood) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) "
          "returning id, name, n, at, day, u, j, b, ok, mood")
values = ("it's \\ ä😀", decimal.Decimal("12.50"), "2026-01-02 03:04:05.678901+00", "2026-01-02", str(uuid.UUID(int=7)),
          Jsonb({"a": [1, None, "ä"]}), "\\x00ff27", "true", "happy")
cur.execute(insert, values)
show("insert returning")
cur.execute("select name, n, at, u from psycopg3.p where id = %s and n > %s", ("1", decimal.Decimal("1")))
show("select")
cur.execute("select %s::int4 + 1, %s::text, %s::bool, %s::float8, %s::interval", ("41", "two", "t", "1.5", "1 day 02:03:04"))
show("text of every kind")
cur.execute("select %s::int[] as i, %s::text[] as t", ("{1,2,NULL}", ["a", 'b"c', None]))
show("arrays")
cur.execute("select %s::text as n, %s::text as e", (None, ""))
show("null and empty")
cur.execute("select %(a)s::text || %(b)s || %(a)s as s", {"a": "x", "b": "y"})
show("named parameters")
cur.execute("insert into psycopg3.t values (%s, %s)", ("1", "one"))
show("insert")
cur.execute("update psycopg3.t set name = %s where id >= %s", ("same", "100"))
show("update")
cur.execute("delete from psycopg3.t where id = %s returning *", ("101",))
show("delete returning")
cur.execute("select id from psycopg3.t where id = %s", ("999",))
show("no rows")
cur.execute("select %s::int + %s", ("20", "22"))
show("sum")
print("iterated", [r for r in conn.execute("select g from generate_series(1, %s) g", ("5",))])

# description: sizes, precisions, scales come of the type modifiers.
cur.execute("select 'a'::varchar(10) as v, 'b'::char(3) as c, 1.5::numeric(8,3) as n, now()::timestamp(2) - now()::timestamp(2) as i, "
            "null::bit(4) as bits, '{}'::varchar(5)[] as vs, null::time(1) as t, name, name from psycopg3.p where name = %s", ("no",))
show("description")

# Prepared: Parse and Sync alone, then Bind by name.
for i in range(3):
    cur.execute("select name from psycopg3.parent where id = %s", (str(i + 1),), prepare=True)
    show("prepared")
conn.prepare_threshold = 2
for i in range(5):
    cur.execute("select id, name from psycopg3.parent where name like %s order by id", ("%e%" if i % 2 else "%",))
    show("threshold")
conn.prepare_threshold = 5
conn.prepared_max = 2
for i in range(4):
    cur.execute(f"select {i} + %s::int", ("1",), prepare=True)
    show("evicted")
fails("prepare a wrong statement", "select nope from psycopg3.t where id = %s", ("1",), prepare=True)
fails("a wrong value for a prepared statement", "select name from psycopg3.parent where id = %s", ("x",), prepare=True)
cur.execute("select name from psycopg3.parent where id = %s", ("2",), prepare=True)
show("well again")
conn.execute("deallocate all")
cur.execute("select name from psycopg3.parent where id = %s", ("3",), prepare=True)
show("after deallocate all")

# executemany runs in a pipeline.
cur.executemany("insert into psycopg3.t values (%s, %s)", [(str(i), f"m{i}") for i in range(10, 20)])
print("executemany", cur.statusmessage, cur.rowcount)
cur.executemany("insert into psycopg3.t values (%s, %s) returning id", [("60", "r"), ("61", "r"), ("62", "r")], returning=True)
while True:
    show("executemany returning")
    if not cur.nextset():
        break
try:
    cur.executemany("insert into psycopg3.t values (%s, %s)", [("30", "fresh"), ("30", "again"), ("31", "never")])
except psycopg.Error as e:
    print("executemany fails", e.sqlstate, e.diag.message_primary, e.diag.message_detail)
cur.execute("select count(*), min(id), max(id) from psycopg3.t")
show("count")

# A pipeline of the program's own.
with conn.pipeline() as p:
    one = conn.execute("select %s::int as a", ("1",))
    two = conn.execute("insert into psycopg3.t values (%s, 'pipeline') returning id", ("40",))
    p.sync()
    three = conn.execute("select name from psycopg3.t where id = %s", ("40",))
for title, c in ("pipeline 1", one), ("pipeline 2", two), ("pipeline 3", three):
    show(title, c)
try:
    with conn.pipeline():
        conn.execute("insert into psycopg3.t values (%s, 'undone')", ("50",))
        conn.execute("select 1 / %s::int", ("0",))
        conn.execute("insert into psycopg3.t values (%s, 'aborted')", ("51",))
except psycopg.Error as e:
    print("pipeline fails", type(e).__name__, e.sqlstate)
print("undone", conn.execute("select count(*) from psycopg3.t where id in (50, 51)").fetchone(), info.transaction_status)

# Client-side binding, other row shapes.
with psycopg.ClientCursor(conn) as c:
    c.execute("select %s::int as n, %s as s, %s as d, %s as b", (1, "it's", datetime.date(2026, 1, 2), b"\x00\xff"))
    show("client cursor", c)
    print("mogrify", c.mogrify("select %s, %s", ("a'b", 1.5)))
print("dict", conn.cursor(row_factory=dict_row).execute("select 1 as a, 'x' as b").fetchone())
print("tuple", conn.cursor(row_factory=namedtuple_row).execute("select 1 as a, %s as b", ("x",)).fetchone())
rows = conn.execute("select g, repeat('x', 1000) from generate_series(1, %s) g", ("5000",)).fetchall()
print("many rows", len(rows), sum(r[0] for r in rows), len(rows[-1][1]))

fails("syntax", "selec 1")
fails("syntax, extended", "selec %s", ("1",))
fails("column", "select 'ä', nope from psycopg3.t")
fails("table, extended", "select * from psycopg3.nope where id = %s", ("1",))
fails("bad parameter", "select %s::int", ("x",))
fails("no type", "select %s + %s", ("x", "y"))
fails("unique", "insert into psycopg3.t values (%s)", ("1",))
fails("check", "insert into psycopg3.child (n) values (%s)", ("-1",))
fails("enum", "insert into psycopg3.p (mood) values (%s)", ("angry",))
fails("length", "insert into psycopg3.p (name) values (%s)", ("x" * 41,))
fails("division", "select 1 / %s::int", ("0",))
fails("rights", "select * from pg_authid")
fails("rls", "insert into todos (user_id, task) values (%s, 'x')", ("mallory",))
fails("several with parameters", "select %s::int; select 2", ("1",))
fails("empty query", "")

# Settings.
conn.execute("set application_name = 'psycopg test'")
print("application_name", info.parameter_status("application_name"))
conn.execute("set timezone to 'Europe/Berlin'")
print("timezone", info.timezone, conn.execute("select '2026-07-01 12:00+00'::timestamptz, %s::timestamptz", ("2026-07-01 12:00+00",)).fetchone())
conn.execute("select set_config('search_path', %s, false)", ("psycopg3",))
print("search_path", conn.execute("show search_path").fetchone(), conn.execute("select name from parent where id = %s", ("1",)).fetchone())
conn.execute("set datestyle = 'SQL, DMY'")
cur.execute("select %s::date", ("02/01/2026",))
show("datestyle")
fails("unknown setting", "set nope = 1")
fails("wrong value", "set timezone = 'Nowhere/Town'")
conn.execute("reset all")
print("reset", info.parameter_status("TimeZone"), info.parameter_status("DateStyle"), info.parameter_status("application_name"))
conn.execute("discard all")
cur.execute("insert into todos (task) values (%s) returning user_id, task, is_complete", ("mine",))
show("own row")
cur.execute("delete from todos")
show("cleanup")
conn.close()

with psycopg.connect("options='-c search_path=psycopg3'", autocommit=True) as other:
    print("options", other.execute("select name from parent where id = %s", ("2",)).fetchone())
print("end")
