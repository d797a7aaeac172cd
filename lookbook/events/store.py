"""The store of events: record, read, export, forget."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    String,
    bindparam,
    create_engine,
    delete,
    event,
    exists,
    func,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from lookbook.events.event import Event, EventError, check_visitor
from lookbook.events.schema import (
    EVENTS,
    FORGOTTEN,
    SchemaMismatch,
    acquire_write_lock,
    ensure_schema,
)

__all__ = ["EventStore", "SchemaMismatch", "StoreUnavailable", "database_url"]

VARIABLE = "LOOKBOOK_DATABASE_URL"
FILE = "events.sqlite"  # its name beside the generations of the index
_WAIT = 30  # seconds for another process to finish its transaction
_COLUMNS = [c for c in EVENTS.c if c.name != "seq"]


class StoreUnavailable(OSError):  # noqa: N818
    """The database cannot be reached or refuses; the message is its own."""


def database_url(index: str | Path) -> str:
    """LOOKBOOK_DATABASE_URL, or else an SQLite file in the folder of the index."""
    return os.environ.get(VARIABLE) or f"sqlite:///{Path(index).resolve() / FILE}"


class EventStore:
    """Events in a database; any number of threads and processes may share it.

    Whatever `record` has returned for is committed: killing a process loses none of it. Raises
    SchemaMismatch for tables of another version, StoreUnavailable where there is no database.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._insert = _insert_unless_forgotten(self._engine.dialect.name)
        with self._transaction() as connection:
            ensure_schema(connection)

    @classmethod
    def beside(cls, index: str | Path) -> EventStore:
        """The store that belongs to an index: by LOOKBOOK_DATABASE_URL or in its folder."""
        return cls(database_url(index))

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def record(self, events: Event | Iterable[Event]) -> int:
        """Write events, all or none, in one transaction; returns how many were new.

        An event whose id is there already, or whose visitor was forgotten, is passed over.
        """
        rows = [_row(e) for e in ([events] if isinstance(events, Event) else events)]
        if not rows:
            return 0
        with self._transaction() as connection:
            acquire_write_lock(connection, exclusive=False)
            counting = {"preserve_rowcount": True}
            return connection.execute(self._insert, rows, execution_options=counting).rowcount

    def update(
        self, visitor: str, change: Callable[[list[Event]], Iterable[Event]]
    ) -> list[Event] | None:
        """Record what `change` makes of a visitor's events, read and written in one transaction.

        `change` gets the events in the order they were recorded, and no other update of this
        visitor comes in between. Returns these events with the new ones after them; None, with
        nothing written, for a visitor who was forgotten.
        """
        check_visitor(visitor)
        with self._transaction() as connection:
            acquire_write_lock(connection, exclusive=False, visitor=visitor)
            if _is_forgotten(connection, visitor):
                return None
            events = _events_of(connection, visitor)
            if new := list(change(events)):
                connection.execute(self._insert, [_row(e) for e in new])
        return events + new

    def of_visitor(self, visitor: str) -> list[Event]:
        """All that one visitor did, in the order it was recorded."""
        check_visitor(visitor)
        with self._transaction() as connection:
            return _events_of(connection, visitor)

    def all(self, batch: int = 10_000) -> Iterator[Event]:
        """Every event, in the order it was recorded; read in batches."""
        last = -1
        while True:
            query = select(EVENTS).where(EVENTS.c.seq > last).order_by(EVENTS.c.seq).limit(batch)
            with self._transaction() as connection:
                rows = connection.execute(query).mappings().all()
            if not rows:
                return
            last = rows[-1]["seq"]
            yield from (_event(row) for row in rows)

    def count(self) -> int:
        """How many events there are."""
        with self._transaction() as connection:
            return connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()

    def export(self, visitor: str) -> list[dict[str, Any]]:
        """All that is kept about one visitor, as plain data for JSON."""
        names = [c.name for c in _COLUMNS]
        rows = [{name: getattr(e, name) for name in names} for e in self.of_visitor(visitor)]
        return [row | {"time": row["time"].isoformat()} for row in rows]

    def forget(self, visitor: str) -> int:
        """Delete all that is kept about one visitor; returns how many events went.

        The token itself is never taken again: what is left is its hash, so that an event still on
        its way does not bring the visitor back.
        """
        token = _digest(check_visitor(visitor))
        mark = _insert_ignoring(self._engine.dialect.name, FORGOTTEN, "token")
        with self._transaction() as connection:
            acquire_write_lock(connection)
            connection.execute(mark, {"token": token, "time": time.time()})
            return connection.execute(delete(EVENTS).where(EVENTS.c.visitor == visitor)).rowcount

    def is_forgotten(self, visitor: str) -> bool:
        """Whether this visitor asked to be forgotten."""
        with self._transaction() as connection:
            return _is_forgotten(connection, visitor)

    def last_forgotten(self) -> datetime | None:
        """When a visitor was last forgotten; what was trained before still knows them."""
        with self._transaction() as connection:
            found = connection.execute(select(func.max(FORGOTTEN.c.time))).scalar()
        return None if found is None else datetime.fromtimestamp(found, UTC)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreUnavailable(f"the database of events: {error.orig}") from error


def _engine(url: str) -> Engine:
    if url.startswith(("postgres://", "postgresql://")):  # the driver that is required
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = "something else"
    if backend not in ("sqlite", "postgresql"):
        raise EventError(
            f"{VARIABLE}: expected sqlite:///FILE or postgresql://..., found {backend}"
        )
    engine = create_engine(url, pool_pre_ping=backend == "postgresql")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    """WAL: readers never wait for the writer, and a killed process loses no committed row."""
    connection.isolation_level = None  # transactions begin where this package says so
    for pragma in (f"busy_timeout={_WAIT * 1000}", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _events_of(connection: Connection, visitor: str) -> list[Event]:
    query = select(*_COLUMNS).where(EVENTS.c.visitor == visitor).order_by(EVENTS.c.seq)
    return [_event(row) for row in connection.execute(query).mappings()]


def _is_forgotten(connection: Connection, visitor: str) -> bool:
    query = select(FORGOTTEN.c.token).where(FORGOTTEN.c.token == _digest(visitor))
    return connection.execute(query).first() is not None


def _insert_ignoring(dialect: str, table: Any, key: str) -> Any:
    """INSERT that passes over a row whose `key` is there already."""
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    return insert(table).on_conflict_do_nothing(index_elements=[key])


def _insert_unless_forgotten(dialect: str) -> Any:
    """One statement for each event: it looks for the visitor's mark and writes, or does nothing."""
    gone = exists().where(FORGOTTEN.c.token == bindparam("token", type_=String))
    values = select(*(bindparam(c.name, type_=c.type) for c in _COLUMNS)).where(~gone)
    return _insert_ignoring(dialect, EVENTS, "id").from_select([c.name for c in _COLUMNS], values)


def _digest(visitor: str) -> str:
    return hashlib.sha256(visitor.encode()).hexdigest()


def _row(e: Event) -> dict[str, Any]:
    known = {c.name: getattr(e, c.name) for c in _COLUMNS}
    return known | {"time": e.time.timestamp(), "token": _digest(e.visitor)}


def _event(row: Mapping[str, Any]) -> Event:
    known = {c.name: row[c.name] for c in _COLUMNS}
    return Event(**known | {"time": datetime.fromtimestamp(row["time"], UTC)})
