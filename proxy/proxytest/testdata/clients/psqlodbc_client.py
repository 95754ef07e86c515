"""psqlODBC by pyodbc in autocommit. Prints what it sees; the outputs of both servers are compared."""

import datetime
import decimal
import os

import pyodbc

parts = {"DRIVER": "PostgreSQL Unicode", "SERVER": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "DATABASE": os.environ["PGDATABASE"],
         "UID": os.environ["PGUSER"], "PWD": os.environ.get("PGPASSWORD", ""), "SSLMODE": os.environ["PGSSLMODE"],
         # What the driver hands to libpq as it is.
         "PQOPT": "{sslrootcert=%s}" % os.environ["PGSSLROOTCERT"] if "PGSSLROOTCERT" in os.environ else ""}


def connect(**options):
    string = ";".join(f"{k}={v}" for k, v in (parts | options).items() if v)
    c = pyodbc.connect(string, autocommit=True)
    c.setdecoding(pyodbc.SQL_WCHAR, encoding="utf-16le")
    return c


def show(title, cur):
    columns = [(d[0], d[1].__name__, d[2], d[3], d[4], d[5], d[6]) for d in cur.description or ()]
    print(title, cur.rowcount, columns, [tuple(r) for r in cur.fetchall()] if cur.description else None)


def session(title, **options):
    print("==", title)
    conn = connect(**options)
    print(conn.getinfo(pyodbc.SQL_DBMS_NAME), conn.getinfo(pyodbc.SQL_DBMS_VER))
    cur = conn.cursor()

    def fails(title, sql, *args):
        try:
            cur.execute(sql, *args)
        except pyodbc.Error as e:
            print(title, type(e).__name__, e.args)
        else:
            show(title + " did not fail", cur)

    cur.execute("drop table if exists psqlodbc.p")
    cur.execute("delete from psqlodbc.t")
    cur.execute("create table psqlodbc.p (id serial primary key, s varchar(40), n numeric(10,2), at timestamp, d date, ok bool)")
    show("create", cur)
    show("simple", cur.execute("select 1 as a, null as b, 'x' as c"))
    show("parameters", cur.execute("select ?::text as s, ?::int as i, ?::float8 as f", "ä'\"\\", 42, 1.5))
    show("insert returning", cur.execute("insert into psqlodbc.p (s, n, at, d, ok) values (?, ?, ?, ?, ?) returning id, s, n, at, d, ok",
                                         "it's", decimal.Decimal("12.50"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), datetime.date(2026, 1, 2), True))
    for i in 1, 2, 3:
        show("again", cur.execute("select id, name from psqlodbc.parent where id = ?", i))
    show("null", cur.execute("insert into psqlodbc.p (s) values (?)", None))
    cur.executemany("insert into psqlodbc.t values (?, ?)", [(i, f"m{i}") for i in range(5)])
    show("executemany", cur.execute("select count(*), min(name) from psqlodbc.t"))
    show("update", cur.execute("update psqlodbc.t set name = ? where id > ?", "same", 2))
    show("no rows", cur.execute("select id from psqlodbc.t where id = ?", 99))
    print("columns", [tuple(r)[2:9] for r in cur.columns(schema="psqlodbc", table="p")])
    print("tables", sorted(tuple(r)[1:4] for r in cur.tables(schema="psqlodbc")))
    print("keys", [tuple(r)[1:5] for r in cur.primaryKeys(schema="psqlodbc", table="p")])
    fails("syntax", "selec 1")
    fails("column", "select nope from psqlodbc.t where id = ?", 1)
    fails("bad value", "select ?::text::int", "x")
    fails("unique", "insert into psqlodbc.t values (?)", 1)
    fails("division", "select 1 / ?::int", 0)
    show("well again", cur.execute("select 'ok'"))
    cur.execute("set search_path = psqlodbc")
    show("in that path", cur.execute("select name from parent where id = ?", 2))
    conn.close()


session("default")
session("values written into the text", USESERVERSIDEPREPARE=0)
print("end")
