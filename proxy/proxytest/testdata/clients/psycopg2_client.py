"""psycopg2 in autocommit, as its users write it. Prints what it sees; the outputs of both servers are compared."""

import datetime
import decimal
import uuid

import psycopg2
import psycopg2.errors
import psycopg2.extras
import psycopg2.sql

conn = psycopg2.connect("")
conn.autocommit = True
print("server", conn.server_version, conn.encoding, conn.get_transaction_status())
for name in ("client_encoding", "DateStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "is_superuser"):
    print("parameter", name, conn.get_parameter_status(name))
cur = conn.cursor()


def show(title):
    columns = [(c.name, c.type_code if c.type_code < 16384 else "own", c.internal_size, c.precision, c.scale) for c in cur.description or ()]
    print(title, cur.statusmessage, cur.rowcount, columns, cur.fetchall() if cur.description else None)


def fails(title, sql, params=None):
    try:
        cur.execute(sql, params)
    except psycopg2.Error as e:
        d = e.diag
        print(title, type(e).__name__, e.pgcode, repr(e.pgerror), d.message_detail, d.statement_position, d.constraint_name, d.table_name)
    else:
        show(title + " did not fail")
    print("  status", conn.get_transaction_status())


cur.execute("create table psycopg2.p (id serial primary key, name text, n numeric(10,2), at timestamptz, day date, u uuid, j jsonb, a int[], b bytea, ok bool)")
show("create")
psycopg2.extras.register_uuid()
values = ("it's \\ ä😀", decimal.Decimal("12.50"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc),
          datetime.date(2026, 1, 2), uuid.UUID(int=7), psycopg2.extras.Json({"a": [1, None]}), [1, 2, 3], b"\x00\xff'\\", True)
cur.execute("insert into psycopg2.p (name, n, at, day, u, j, a, b, ok) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id", values)
show("insert returning")
cur.execute("select name, n, at, day, u, j, a, ok from psycopg2.p where id = %s", (1,))
show("select")
cur.execute("select b from psycopg2.p")
print("bytea", [bytes(r[0]) for r in cur.fetchall()])
cur.execute("insert into psycopg2.p (name) values (%s)", (None,))
show("null")
cur.execute("insert into psycopg2.p (name) values (%(name)s)", {"name": ""})
show("empty")
cur.execute("select name from psycopg2.p order by id")
show("names")
cur.executemany("insert into psycopg2.p (name) values (%s)", [("m1",), ("m2",)])
show("executemany")
psycopg2.extras.execute_batch(cur, "insert into psycopg2.p (name) values (%s)", [("b%d" % i,) for i in range(250)], page_size=100)
show("execute_batch")
psycopg2.extras.execute_values(cur, "insert into psycopg2.p (name) values %s", [("v%d" % i,) for i in range(3)])
show("execute_values")
cur.execute("select count(*), min(id), max(id) from psycopg2.p")
show("count")
cur.execute("select 1; select 2 as two")
show("several statements")
cur.execute(psycopg2.sql.SQL("select {} from {} where id = 1").format(psycopg2.sql.Identifier("name"), psycopg2.sql.Identifier("psycopg2", "p")))
show("composed")
cur.callproc("lower", ["ABC"])
show("callproc")
cur.execute("select g, repeat('x', 1000) from generate_series(1, 5000) g")
rows = cur.fetchall()
print("many rows", cur.statusmessage, len(rows), sum(r[0] for r in rows), len(rows[-1][1]))
with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as d:
    d.execute("select 1 as a, 'x' as b")
    print("dict", dict(d.fetchone()))
print("mogrify", cur.mogrify("select %s, %s", ("a'b", b"\x01")))

fails("syntax", "selec 1")
fails("column", "select 'ä', nope from psycopg2.p")
fails("table", "select * from psycopg2.nope")
fails("unique", "insert into psycopg2.p (id) values (1)")
fails("division", "select 1 / %s", (0,))
fails("rights", "select * from pg_authid")
fails("rls", "insert into todos (user_id, task) values ('mallory', 'x')")
fails("empty query", "")
print("notices", conn.notices)

conn.set_client_encoding("UTF8")
cur.execute("set application_name = 'psycopg2 test'")
show("set")
print("application_name", conn.get_parameter_status("application_name"))
cur.execute("begin; insert into psycopg2.p (name) values ('block'); commit")
show("block in one query")
cur.execute("insert into todos (task) values ('mine') returning user_id, task, is_complete")
show("own row")
cur.execute("delete from todos")
show("cleanup")

cur.execute("set search_path to psycopg2, public")
show("set search_path")
cur.execute("select name from parent where id = %s", (2,))
show("in that path")
cur.execute("set time zone 'Europe/Berlin'")
print("TimeZone", conn.get_parameter_status("TimeZone"))
cur.execute("select %s::timestamptz, '2026-07-01 12:00+00'::timestamptz", (datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),))
print("in that zone", cur.fetchall())
conn.set_session(isolation_level="SERIALIZABLE", readonly=True, autocommit=True)
print("session", conn.isolation_level, conn.readonly, conn.deferrable)
cur.execute("select current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_setting('default_transaction_isolation')")
show("set_session")
fails("read only", "insert into psycopg2.t values (1, 'x')")
conn.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable=True)
cur.execute("show transaction_deferrable; show default_transaction_read_only")
show("set_session, defaults")
conn.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
cur.execute("insert into psycopg2.t values (2, 'x')")
show("writing again")
fails("a wrong zone", "set timezone to 'Nowhere'")
fails("a wrong setting", "set nope to 1")
cur.execute("prepare names (int) as select name from parent where id = $1")
show("prepare")
cur.execute("execute names (%s)", (3,))
show("execute")
conn.set_client_encoding("LATIN1")
print("encoding", conn.encoding, conn.get_parameter_status("client_encoding"))
cur.execute("select 'äöü', %s", ("ß",))
show("in LATIN1")
fails("not in LATIN1", "select chr(8364)")
conn.set_client_encoding("UTF8")
cur.execute("set my.own = 'mine'")
conn.reset()
conn.autocommit = True
print("reset", conn.get_parameter_status("TimeZone"), conn.get_parameter_status("client_encoding"), conn.notices)
cur.execute("show search_path")
show("after reset")
cur.execute("discard all")
show("discard all")
fails("gone", "execute names (1)")

second = psycopg2.connect("")
second.autocommit = True
with second.cursor() as s:
    s.execute("select count(*) from psycopg2.p where name = 'block'")
    print("second connection", s.fetchone())
second.close()
conn.close()
print("closed", conn.closed)
print("end")
