"""What psqlODBC cannot do through the proxy. The answers stand in psqlodbc_refused.expected."""

import os

import pyodbc

base = (f"DRIVER=PostgreSQL Unicode;SERVER={os.environ['PGHOST']};PORT={os.environ['PGPORT']};DATABASE={os.environ['PGDATABASE']};UID={os.environ['PGUSER']};"
        f"PWD={os.environ['PGPASSWORD']};SSLMODE={os.environ['PGSSLMODE']};PQOPT={{sslrootcert={os.environ['PGSSLROOTCERT']}}};")


def refused(title, options, autocommit, *args):
    conn = pyodbc.connect(base + options, autocommit=autocommit)
    try:
        print(title, "did not fail", [tuple(r) for r in conn.cursor().execute(*args).fetchall()])
    except pyodbc.Error as e:
        print(title, type(e).__name__, e.args)
    try:
        conn.close()
    except pyodbc.Error as e:
        print("  close", e.args)


refused("bytes", "", True, "select ?::bytea", b"\x00")
refused("without autocommit", "", False, "select 1")
refused("cursors at the server", "USEDECLAREFETCH=1", True, "select g from generate_series(1, 3) g")
