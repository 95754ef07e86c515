"""What psycopg 3 cannot do through the proxy. The answers stand in psycopg3_refused.expected."""

import datetime
import logging
import uuid

import psycopg

logging.getLogger("psycopg").setLevel(logging.ERROR)
conn = psycopg.connect("", autocommit=True)


def refused(title, work):
    try:
        print(title, "did not fail", work())
    except psycopg.Error as e:
        print(title, e.sqlstate, e.diag.message_primary, "|", e.diag.message_hint)
    print("  well", conn.execute("select %s::text", ("again",)).fetchone())


for value in 1, 1 << 40, 1.5, True, b"\x00", uuid.UUID(int=1), datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), [1, 2]:
    refused(f"a {type(value).__name__}", lambda: conn.execute("select %s", (value,)).fetchone())
refused("an int as text", lambda: conn.execute("select %t + 1", (1,)).fetchone())
refused("binary results", lambda: conn.execute("select 1", binary=True).fetchone())
refused("a type's description", lambda: psycopg.types.TypeInfo.fetch(conn, "psycopg3.mood"))


def transaction():
    with conn.transaction():
        return conn.execute("select 1").fetchone()


def named():
    with conn.cursor("c") as c:
        return c.execute("select 1").fetchone()


def copy(sql):
    with conn.cursor().copy(sql) as c:
        return c.read()


refused("a transaction", transaction)
refused("a cursor at the server", named)
refused("COPY out", lambda: copy("copy psycopg3.t to stdout"))
refused("COPY in", lambda: copy("copy psycopg3.t from stdin"))
refused("prepared statements' view", lambda: conn.execute("select * from pg_prepared_statements"))
refused("LISTEN", lambda: conn.execute("listen somebody"))
conn.autocommit = False
try:
    conn.execute("select 1")
except psycopg.Error as e:
    print("without autocommit", e.sqlstate, e.diag.message_primary, "|", e.diag.message_hint)
