"""pg8000: prepared statements described before they are bound, a Flush behind every message. Prints what it sees; the outputs of both
servers are compared."""

import datetime
import decimal
import os
import ssl
import uuid

import pg8000.dbapi
import pg8000.native

where = {"user": os.environ["PGUSER"], "password": os.environ.get("PGPASSWORD"), "host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]),
         "database": os.environ["PGDATABASE"], "ssl_context": ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"]) if "PGSSLROOTCERT" in os.environ else False,
         "startup_params": {"options": os.environ["PGOPTIONS"]} if "PGOPTIONS" in os.environ else None}
conn = pg8000.native.Connection(**where)
print("server", conn.parameter_statuses["server_version"], conn.parameter_statuses["TimeZone"])


def show(title, rows):
    columns = [(c["name"], c["type_oid"] if c["type_oid"] < 16384 else "own", c["type_size"], c["type_modifier"], c["column_attrnum"], c["format"]) for c in conn.columns or ()]
    print(title, conn.row_count, columns, rows)


def run(title, sql, **params):
    show(title, conn.run(sql, **params))


def fails(title, sql, **params):
    try:
        run(title + " did not fail", sql, **params)
    except pg8000.native.DatabaseError as e:
        print(title, {k: v for k, v in e.args[0].items() if k not in "FLR"})


run("no parameters", "select 1 as a, null as b, 'x' as c")
run("several", "select 1 as a; select 2 as b")
run("create", "create table pg8000.p (id serial primary key, s varchar(40), n numeric(10,2), at timestamptz(3), d date, u uuid, j jsonb, a int[], b bytea, ok bool)")
run("insert", "insert into pg8000.p (s, n, at, d, u, j, a, b, ok) values (:s, :n, :at, :d, :u, :j, :a, :b, :ok) returning *", s="it's ä😀", n=decimal.Decimal("12.50"),
    at=datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc), d=datetime.date(2026, 1, 2), u=uuid.UUID(int=7), j={"a": [1, None]}, a=[1, 2, 3],
    b=b"\x00\xff'\\", ok=True)
run("types", "select cast(:i as int) + 1 as i, cast(:f as float8) as f, cast(:t as text) || '!' as t, cast(:n as text) as n", i=41, f=1.5, t="two", n=None)
run("inferred", "select name from pg8000.parent where id = :id", id=2)
run("interval", "select cast(:i as interval) * 2 as i", i=datetime.timedelta(days=1, seconds=5))
run("no rows", "select name from pg8000.parent where id = :id", id=99)
by_id = conn.prepare("select id, name from pg8000.parent where id = :id")
for i in 1, 2, 3:
    show("prepared", by_id.run(id=i))
by_id.close()
run("update", "update pg8000.p set s = :s", s="same")
fails("syntax", "selec :a", a=1)
fails("column", "select nope from pg8000.p where id = :id", id=1)
fails("value", "select cast(:a as int)", a="x")
fails("unique", "insert into pg8000.parent values (:id, 'again')", id=1)
fails("division", "select 1 / cast(:a as int)", a=0)
run("well again", "select 'ok' as ok")
run("set", "set search_path = pg8000")
run("in that path", "select name from parent where id = :id", id=1)
run("own row", "insert into public.todos (task) values (:t) returning user_id, task", t="mine")
run("cleanup", "delete from public.todos")
run("many rows", "select count(*), sum(g) from generate_series(1, cast(:n as int)) g", n=5000)
conn.close()

other = pg8000.dbapi.connect(**where)
other.autocommit = True
cur = other.cursor()
cur.execute("select %s as s, 2 as n", ("x",))
print("dbapi", [d[:2] for d in cur.description], cur.fetchall())
cur.executemany("insert into pg8000.t values (%s, %s)", [(i, f"m{i}") for i in range(5)])
cur.execute("select count(*), min(name) from pg8000.t")
print("executemany", cur.fetchall())
other.close()
print("end")
