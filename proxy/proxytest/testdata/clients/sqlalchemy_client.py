"""SQLAlchemy, its core and its ORM, in autocommit on two drivers. Prints what it sees; the outputs of both servers are compared."""

import os
import ssl

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    metadata = sa.MetaData(schema="sqlalchemy")


class Parent(Base):
    __tablename__ = "parent"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    children: Mapped[list["Child"]] = relationship(back_populates="parent", order_by="Child.id")


class Child(Base):
    __tablename__ = "child"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(sa.ForeignKey("sqlalchemy.parent.id"))
    n = mapped_column(sa.Numeric(10, 2))
    tags = mapped_column(sa.ARRAY(sa.Text))
    parent: Mapped[Parent] = relationship(back_populates="children")


def work(driver, **arguments):
    url = sa.URL.create("postgresql+" + driver, os.environ["PGUSER"], os.environ.get("PGPASSWORD"), os.environ["PGHOST"], int(os.environ["PGPORT"]), os.environ["PGDATABASE"])
    engine = sa.create_engine(url, connect_args=arguments, isolation_level="AUTOCOMMIT")

    # Before SQLAlchemy's own first queries, which would open a transaction.
    @event.listens_for(engine, "connect", insert=True)
    def autocommit(connection, record):
        connection.autocommit = True

    with engine.connect() as c:
        print(driver, engine.dialect.server_version_info, engine.dialect.default_schema_name)
        print("text", c.execute(sa.text("select 1, :x"), {"x": "y"}).fetchall(), c.execute(sa.text("select :x + 1"), {"x": 41}).scalar())
        print("several", c.execute(sa.text("select id, name from sqlalchemy.parent where id > :id order by id"), {"id": 1}).mappings().all())
        print("insert", c.execute(sa.insert(Parent).values(id=10, name="ten").returning(Parent.id, Parent.name)).fetchall())
        print("many", c.execute(sa.insert(Child), [{"parent_id": 10, "n": i} for i in range(5)]).rowcount)
        print("update", c.execute(sa.update(Child).where(Child.n > 3).values(n=Child.n + 1)).rowcount)
        print("group", c.execute(sa.select(sa.func.count(), sa.func.max(Child.n)).group_by(Child.parent_id)).fetchall())
        for title, statement in ("unique", sa.insert(Parent).values(id=1, name="again")), ("column", sa.text("select nope from sqlalchemy.t")):
            try:
                c.execute(statement)
            except sa.exc.DBAPIError as e:
                print(title, type(e).__name__, str(e.orig).splitlines()[0][:60])
    with Session(engine) as s:
        child = Child(parent_id=10, n=7, tags=["a", 'b"c'])
        s.add(child)
        s.commit()
        print("orm", child.n, child.tags, child.parent.name)
        parents = s.scalars(sa.select(Parent).options(selectinload(Parent.children)).where(Parent.id >= 3).order_by(Parent.id))
        print("loaded", [(p.name, [str(c.n) for c in p.children]) for p in parents])
        child.n = 8
        s.commit()
        print("changed", s.get(Child, child.id, populate_existing=True).n)
        s.delete(child)
        s.commit()
        print("count", s.scalar(sa.select(sa.func.count()).select_from(Child)))
    inspector = sa.inspect(engine)
    print("tables", sorted(inspector.get_table_names("sqlalchemy")), sorted(inspector.get_view_names("sqlalchemy")))
    for column in inspector.get_columns("child", "sqlalchemy"):
        print("column", column["name"], repr(column["type"]), column["nullable"], column["default"])
    print("keys", inspector.get_pk_constraint("child", "sqlalchemy"), inspector.get_foreign_keys("child", "sqlalchemy"), inspector.get_indexes("child", "sqlalchemy"))
    with engine.connect() as c:
        c.execute(sa.delete(Child))
        c.execute(sa.delete(Parent).where(Parent.id == 10))
    engine.dispose()


proxied = "PGSSLROOTCERT" in os.environ
work("psycopg2")
work("pg8000", **({"ssl_context": ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])} if proxied else {"startup_params": {"options": os.environ["PGOPTIONS"]}}))
print("end")
