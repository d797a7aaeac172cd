"""The store of events: record, read, export, forget."""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    RowMapping,
    String,
    bindparam,
    cast,
    create_engine,
    delete,
    event,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lookbook.events.event import IMPORTED, Event, EventError, check_visitor
from lookbook.events.schema import (
    EVENTS,
    FORGOTTEN,
    SchemaMismatch,
    acquire_write_lock,
    ensure_schema,
)

__all__ = ["EventStore", "SchemaMismatch", "StoreUnavailable", "database_url"]

URL_VARIABLE = "LOOKBOOK_DATABASE_URL"
DATABASE_FILE = "events.sqlite"  # beside the generations of the index
_BUSY_TIMEOUT = 10.0  # seconds to wait for another process to finish its transaction
_SQLITE_OVERFLOW = 40  # connections beyond the first five: one for each thread of a site
_SECONDS_PER_DAY = 86_400.0
_EXPLORED = "explored"  # surface of a view that no visitor pressed, see `recommend.history`
_NEVER = 0.0  # number of a forgotten visitor of whom nothing was kept
_NOT_EXPLORED = or_(EVENTS.c.surface.is_(None), EVENTS.c.surface != _EXPLORED)
_COLUMNS = [c for c in EVENTS.c if c.name != "seq"]  # their keys are the fields of an Event


class StoreUnavailable(OSError):  # noqa: N818
    """The database cannot be reached or refuses; the message is the database's own."""


def database_url(index: str | Path) -> str:
    """Return LOOKBOOK_DATABASE_URL, or else an SQLite file in the folder of the index."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{Path(index).resolve() / DATABASE_FILE}"


class EventStore:
    """Events in a database; any number of threads and processes may share it.

    What `record` has returned for is committed: killing the process does not lose it. Raises
    SchemaMismatch for tables of another version, StoreUnavailable where there is no database.

    A locked database is waited for: ten seconds while the store is opened, then `patience` seconds,
    by default as long; StoreUnavailable after that.
    """

    def __init__(self, url: str, patience: float = _BUSY_TIMEOUT) -> None:
        self.on_record: Callable[[int], object] = lambda count: None  # told of new events
        self._patience = _BUSY_TIMEOUT
        self._engine = _engine(url, lambda: self._patience)
        self._file = _database_file(self._engine)
        self._file_lock = threading.Lock()
        self._opened: tuple[int, int] | None = None
        self._insert = _insert_unless_forgotten(self._engine.dialect.name)
        with self._transaction():  # creates the tables
            pass
        in_memory = self._engine.dialect.name == "sqlite" and self._file is None
        if patience != self._patience and not in_memory:  # its tables are gone with its connection
            self._patience = patience
            self._engine.dispose()  # connections wait as long as they were told when they were made

    @classmethod
    def for_index(cls, index: str | Path, patience: float = _BUSY_TIMEOUT) -> EventStore:
        """Open the store of an index: by LOOKBOOK_DATABASE_URL or in the folder of the index."""
        return cls(database_url(index), patience)

    @classmethod
    def beside(cls, index: str | Path) -> EventStore:
        """Do what `for_index` does; the old name, kept for one release."""
        message = "EventStore.beside is now called EventStore.for_index"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return cls.for_index(index)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def record(self, events: Event | Iterable[Event]) -> int:
        """Write events, all or none, in one transaction; return how many were new.

        Events whose id is recorded already, or whose visitor was forgotten, are skipped.
        """
        rows = [_row(e) for e in ([events] if isinstance(events, Event) else events)]
        if not rows:
            return 0
        with self._transaction() as connection:
            acquire_write_lock(connection, exclusive=False)
            options = {"preserve_rowcount": True}
            count = connection.execute(self._insert, rows, execution_options=options).rowcount
        self.on_record(count)
        return count

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
        self.on_record(len(new))
        return events + new

    def of_visitor(self, visitor: str) -> list[Event]:
        """Return all events of one visitor, in the order they were recorded."""
        check_visitor(visitor)
        with self._transaction() as connection:
            return _events_of(connection, visitor)

    def all(self, batch: int = 10_000) -> Iterator[Event]:
        """Yield every event, in the order they were recorded; read in batches."""
        return self._in_order([EVENTS.c.seq], batch)

    def by_visitor(self, batch: int = 10_000) -> Iterator[list[Event]]:
        """Yield all events of one visitor after another, each list in the order of recording.

        Read in batches of events, so that memory is bounded by what one visitor did. What is
        recorded meanwhile of a visitor who was read already is not seen.
        """
        events = self._in_order([EVENTS.c.visitor, EVENTS.c.seq], batch)
        return (list(own) for _, own in groupby(events, key=attrgetter("visitor")))

    def _in_order(self, keys: list[Column], batch: int) -> Iterator[Event]:
        """Every event in the order of `keys`, which tell each from any other.

        No transaction is held between batches: that of SQLite would keep its log growing.
        """
        query = select(EVENTS).order_by(*keys).limit(batch)
        after = query
        while True:
            with self._transaction() as connection:
                rows = connection.execute(after).mappings().all()
            if not rows:
                return
            after = query.where(tuple_(*keys) > tuple_(*(rows[-1][key] for key in keys)))
            yield from (_event(row) for row in rows)

    def count(self) -> int:
        """Return how many events there are."""
        with self._transaction() as connection:
            return connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()

    def export(self, visitor: str) -> list[dict[str, Any]]:
        """Return all that is kept about one visitor as plain data: {column: value} per event."""
        events = self.of_visitor(visitor)
        rows = [{c.name: getattr(e, c.key) for c in _COLUMNS} for e in events]
        return [row | {"time": row["time"].isoformat()} for row in rows]

    def forget(self, visitor: str) -> int:
        """Delete all that is kept about one visitor; return how many events were deleted.

        Only a hash of the token is left, so that an event that arrives later is not recorded. For a
        visitor without events it bears no number: no model can know them, see `last_forgotten`.
        """
        token = _digest(check_visitor(visitor))
        mark = _insert_ignoring(self._engine.dialect.name, FORGOTTEN, "token")
        with self._transaction() as connection:
            acquire_write_lock(connection)
            own = delete(EVENTS).where(EVENTS.c.visitor == visitor)
            deleted = connection.execute(own).rowcount
            number = _next_number(connection) if deleted else _NEVER
            connection.execute(mark, {"token": token, "time": number})
            return deleted

    def purge(self, before: datetime) -> int:
        """Delete the events before a time, except imported ones; return how many they were."""
        old = EVENTS.c.time < before.timestamp()
        of_visitors = EVENTS.c.id.not_like(f"{IMPORTED}%")
        with self._transaction() as connection:
            acquire_write_lock(connection)
            return connection.execute(delete(EVENTS).where(old, of_visitors)).rowcount

    def is_forgotten(self, visitor: str) -> bool:
        """Return whether this visitor was forgotten."""
        with self._transaction() as connection:
            return _is_forgotten(connection, visitor)

    def last_forgotten(self) -> float:
        """Return the number of the last visitor who was forgotten and had events, 0.0: nobody was.

        Numbers only rise, whatever the clock does: they are seconds since 1970 where the clock does
        not go back. Models know a visitor who was forgotten where the number was another one
        before the events that they learned from were read.
        """
        with self._transaction() as connection:
            return _last_number(connection)

    def count_by_day(self, since: datetime) -> dict[tuple[date, str], int]:
        """Return how many events of each type there were on each day (UTC) since a time.

        Without the views that record which items were explored.
        """
        day = self._day().label("day")
        query = (
            select(day, EVENTS.c.event_type, func.count())
            .where(EVENTS.c.time >= since.timestamp(), _NOT_EXPLORED)
            .group_by(day, EVENTS.c.event_type)
        )
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        first = date(1970, 1, 1)
        return {(first + timedelta(days=int(day)), kind): count for day, kind, count in rows}

    def most_frequent_items(
        self, event_type: str, since: datetime, count: int
    ) -> list[tuple[str, int]]:
        """Return (item, how many events of a type it had since a time), the most frequent first."""
        total = func.count().label("total")
        query = (
            select(EVENTS.c.item, total)
            .where(EVENTS.c.time >= since.timestamp(), EVENTS.c.event_type == event_type)
            .where(_NOT_EXPLORED)
            .group_by(EVENTS.c.item)
            .order_by(total.desc(), EVENTS.c.item)
            .limit(count)
        )
        with self._transaction() as connection:
            return [(row.item, row.total) for row in connection.execute(query)]

    def _day(self) -> Any:
        """Days since 1970 of an event's time; SQLite's cast cuts off, PostgreSQL's rounds."""
        days = EVENTS.c.time / _SECONDS_PER_DAY
        return cast(days, Integer) if self._engine.dialect.name == "sqlite" else func.floor(days)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            self._reopen_if_replaced()
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreUnavailable(f"the database of events: {error.orig}") from error
        except PoolTimeout as error:
            raise StoreUnavailable("the database of events: all connections are in use") from error

    def _reopen_if_replaced(self) -> None:
        """Create the tables at first, and again where the file was deleted or replaced since.

        Connections would go on writing to the deleted file, and all of it would be lost.
        """
        if self._opened is not None and self._opened == _identity(self._file):
            return
        with self._file_lock:
            if self._opened is not None and self._opened == _identity(self._file):
                return
            self._engine.dispose()
            with self._engine.begin() as connection:
                ensure_schema(connection)
            self._opened = _identity(self._file)


def _database_file(engine: Engine) -> Path | None:
    """The file of an SQLite database; None for one in memory and for other databases."""
    name = engine.url.database
    is_file = engine.dialect.name == "sqlite" and name not in (None, "", ":memory:")
    return Path(str(name)) if is_file else None


def _identity(file: Path | None) -> tuple[int, int]:
    """What tells a file from another one at the same path; (0, 0) where there is none."""
    if file is None:
        return (0, 0)
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _engine(url: str, patience: Callable[[], float]) -> Engine:
    if url.startswith(("postgres://", "postgresql://")):  # use psycopg 3, which is required
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = "another URL"
    if backend == "sqlite":
        engine = create_engine(url, **_pool_of_file(url))
        event.listen(engine, "connect", lambda made, _: _set_up_sqlite(made, patience()))
        return engine
    if backend == "postgresql":
        reach = {"connect_timeout": 3, "tcp_user_timeout": 5000}  # s and ms, unless the URL says
        reach = {name: value for name, value in reach.items() if name not in make_url(url).query}
        engine = create_engine(url, pool_pre_ping=True, pool_timeout=5, connect_args=reach)
        event.listen(engine, "connect", lambda made, _: _set_up_postgresql(made, patience()))
        return engine
    raise EventError(
        f"{URL_VARIABLE}: expected sqlite:///FILE or postgresql://..., found {backend}"
    )


def _pool_of_file(url: str) -> dict[str, Any]:
    """Options of the pool for a file: whoever only reads waits for no connection."""
    in_memory = make_url(url).database in (None, "", ":memory:")  # one connection for each thread
    return {} if in_memory else {"max_overflow": _SQLITE_OVERFLOW, "pool_timeout": 1}


def _set_up_postgresql(connection: Any, patience: float) -> None:
    """Wait for locks of others, also advisory ones, no longer than `patience` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {math.ceil(patience * 1000)}")
    connection.commit()


def _set_up_sqlite(connection: Any, patience: float) -> None:
    """WAL: readers never wait for the writer, and a killed process loses no committed row."""
    connection.isolation_level = None  # `acquire_write_lock` begins transactions
    connection.execute(f"PRAGMA busy_timeout={math.ceil(patience * 1000)}")
    _switch_to_wal(connection, patience)
    connection.execute("PRAGMA synchronous=NORMAL")


def _switch_to_wal(connection: Any, patience: float) -> None:
    """Switch the file to WAL, waiting for others that open it at the same moment.

    SQLite does not apply the busy timeout to this one statement: it would be a deadlock where two
    connections switch at once, so the second is refused at once and has to try again.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode & 0xFF in (
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            )
            if not is_locked or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _events_of(connection: Connection, visitor: str) -> list[Event]:
    query = select(*_COLUMNS).where(EVENTS.c.visitor == visitor).order_by(EVENTS.c.seq)
    return [_event(row) for row in connection.execute(query).mappings()]


def _is_forgotten(connection: Connection, visitor: str) -> bool:
    query = select(FORGOTTEN.c.token).where(FORGOTTEN.c.token == _digest(visitor))
    return connection.execute(query).first() is not None


def _last_number(connection: Connection) -> float:
    return connection.execute(select(func.max(FORGOTTEN.c.time))).scalar() or _NEVER


def _next_number(connection: Connection) -> float:
    """The time, or just above the last number where the clock was set back."""
    return max(time.time(), math.nextafter(_last_number(connection), math.inf))


def _insert_ignoring(dialect: str, table: Any, key: str) -> Any:
    """INSERT that skips a row whose `key` is there already."""
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=[key])
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=[key])


def _insert_unless_forgotten(dialect: str) -> Any:
    """One statement per event: insert it unless its visitor was forgotten."""
    forgotten = exists().where(FORGOTTEN.c.token == bindparam("token", type_=String))
    values = select(*(bindparam(c.key, type_=c.type) for c in _COLUMNS)).where(~forgotten)
    return _insert_ignoring(dialect, EVENTS, "id").from_select([c.key for c in _COLUMNS], values)


def _digest(visitor: str) -> str:
    return hashlib.sha256(visitor.encode()).hexdigest()


def _row(e: Event) -> dict[str, Any]:
    values = {c.key: getattr(e, c.key) for c in _COLUMNS}
    return values | {"time": e.time.timestamp(), "token": _digest(e.visitor)}


def _event(row: RowMapping) -> Event:
    values = {c.key: row[c] for c in _COLUMNS}
    return Event(**values | {"time": datetime.fromtimestamp(row["time"], UTC)})
