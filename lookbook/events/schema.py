"""The tables, and which version of them a database holds."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)

VERSION = 1
LOCK = 7_305_801  # arbitrary number of the advisory locks in PostgreSQL

METADATA = MetaData()

# Where a column has a `key`, that is the field of an Event and the name is that in the database.
EVENTS = Table(
    "events",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(200), nullable=False, unique=True),
    Column("visitor", String(22), nullable=False),
    Column("kind", String(16), key="event_type", nullable=False),
    Column("item", String(200), nullable=False),
    Column("time", Float(53), nullable=False),  # seconds since 1970, UTC: the same in any database
    Column("season", String(64)),
    Column("occasion", String(64)),
    Column("place", String(64), key="surface"),
    Column("probability", Float(53), key="propensity"),
    Index("events_of_visitor", "visitor", "seq"),
)

# Hashes of forgotten tokens, so that a late event of one is not recorded.
FORGOTTEN = Table(
    "forgotten",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("time", Float(53), nullable=False),
)

_VERSION = Table("lookbook_schema", METADATA, Column("version", Integer, nullable=False))


class SchemaMismatch(ValueError):  # noqa: N818
    """The database holds another version of the tables than this program reads."""


def ensure_schema(connection: Connection) -> None:
    """Create the tables where there are none; raises SchemaMismatch, naming both versions."""
    acquire_write_lock(connection)
    if not inspect(connection).has_table(_VERSION.name):
        METADATA.create_all(connection)
        connection.execute(insert(_VERSION).values(version=VERSION))
    found = connection.execute(select(func.max(_VERSION.c.version))).scalar()
    if found != VERSION:
        raise SchemaMismatch(
            f"the database of events has schema version {found}, this program reads {VERSION}: "
            "use the program that wrote it, or another LOOKBOOK_DATABASE_URL"
        )


def acquire_write_lock(
    connection: Connection, exclusive: bool = True, visitor: str | None = None
) -> None:
    """Begin to write: as the only writer, or beside other writers that are not exclusive.

    With `visitor`, writers of the same visitor wait for each other, so that what one of them reads
    still holds when it writes. SQLite has one writer at a time in any case.
    """
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    shared = "" if exclusive else "_shared"
    connection.execute(text(f"SELECT pg_advisory_xact_lock{shared}({LOCK})"))
    if visitor is not None:
        query = text(f"SELECT pg_advisory_xact_lock({LOCK}, hashtext(:visitor))")
        connection.execute(query, {"visitor": visitor})
