"""What asyncpg cannot do through the proxy: it asks for every result in binary. The answers stand in asyncpg_refused.expected."""

import asyncio
import os
import ssl

import asyncpg


async def main():
    conn = await asyncpg.connect(user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"], host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]),
                                 database=os.environ["PGDATABASE"], ssl=ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"]))

    async def refused(title, work):
        try:
            print(title, "did not fail", await work)
        except asyncpg.PostgresError as e:
            print(title, e.sqlstate, e.message, "|", e.hint)
        print("  well", await conn.execute("select 1; select 2"))

    await refused("a result", conn.fetch("select 1"))
    await refused("a parameter", conn.fetch("select $1::text", "x"))
    await refused("a write with a parameter", conn.execute("insert into asyncpg.t values (1, $1)", "x"))
    await refused("a write", conn.execute("insert into asyncpg.t values (1, 'x')"))
    await refused("COPY", conn.copy_to_table("t", source=os.devnull, schema_name="asyncpg"))
    prepared = await conn.prepare("select id, name from asyncpg.parent where id = $1")
    print("described", [p.name for p in prepared.get_parameters()], [(a.name, a.type.name) for a in prepared.get_attributes()])
    await refused("prepared", prepared.fetch(1))
    await conn.close()


asyncio.run(main())
