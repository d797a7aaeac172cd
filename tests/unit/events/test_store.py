"""Events: recorded once, kept whole, forgotten completely; in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from lookbook.events import (
    EVENT_TYPES,
    Event,
    EventError,
    EventStore,
    SchemaMismatch,
    check_visitor,
    database_url,
    new_visitor,
)
from lookbook.events.schema import acquire_write_lock
from lookbook.events.store import StoreUnavailable

REPOSITORY = Path(__file__).parents[3]

_WRITER = """
import sys
from lookbook.events import Event, EventStore, new_visitor
store, tag, count = EventStore(sys.argv[1]), sys.argv[2], int(sys.argv[3])
visitor = new_visitor()
for number in range(count):
    id = f"{tag}-{number}"
    store.record(Event(visitor, "view", "shirt", id=id))
    print(id, flush=True)  # acknowledged
"""

_FIRST_RELEASE = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, id VARCHAR(200) NOT NULL UNIQUE, visitor VARCHAR(22) NOT NULL,
    kind VARCHAR(16) NOT NULL, item VARCHAR(200) NOT NULL, time FLOAT NOT NULL,
    season VARCHAR(64), occasion VARCHAR(64), place VARCHAR(64), probability FLOAT
);
CREATE TABLE forgotten (token VARCHAR(64) PRIMARY KEY, time FLOAT NOT NULL);
CREATE TABLE lookbook_schema (version INTEGER NOT NULL);
INSERT INTO lookbook_schema VALUES (1)
"""


@pytest.fixture
def store(database):
    opened = EventStore(database)
    yield opened
    opened.close()


def writer(url, tag, count):
    command = [sys.executable, "-c", _WRITER, url, tag, str(count)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_what_is_recorded_comes_back_as_it_was(store):
    visitor = new_visitor()
    events = [
        Event(visitor, type_, f"item {type_}", season="Summer", occasion="Party", surface="results")
        for type_ in EVENT_TYPES
    ]
    events.append(Event(visitor, "view", "Kleid für 5 €", surface="explored", propensity=0.0016))
    assert store.record(events) == len(events)
    assert store.of_visitor(visitor) == events
    assert list(store.all(batch=3)) == events
    assert store.count() == len(events)


def test_events_are_read_a_visitor_at_a_time_in_any_batches(store):
    visitors = sorted(new_visitor() for _ in range(4))
    order = [2, 0, 0, 3, 1, 0, 2, 2, 0, 3]
    events = [Event(visitors[v], "view", f"item {n}") for n, v in enumerate(order)]
    store.record(events)
    expected = {visitor: store.of_visitor(visitor) for visitor in visitors}
    for batch in (1, 3, 4, 100):
        read = list(store.by_visitor(batch))
        assert len(read) == 4 and {own[0].visitor: own for own in read} == expected


def test_a_visitor_whose_events_arrive_while_they_are_read_stays_whole(store):
    visitors = sorted(new_visitor() for _ in range(2))
    store.record([Event(v, "like", item) for v in visitors for item in "ab"])
    reading = store.by_visitor(batch=1)
    first = next(reading)
    store.record([Event(v, "like", "c") for v in visitors])
    rest = list(reading)
    assert {own[0].visitor for own in [first, *rest]} == set(visitors) and len(rest) == 1
    assert [e.item for e in first] == ["a", "b"] and [e.item for e in rest[0]] == ["a", "b", "c"]


def test_an_event_is_recorded_once(store):
    event, other = Event(new_visitor(), "like", "a"), Event(new_visitor(), "like", "a")
    assert store.record(event) == 1
    assert store.record(event) == 0
    assert store.record([event, other, other]) == 1
    assert store.count() == 2


def test_nothing_is_recorded_of_a_batch_that_fails(store):
    def broken():
        yield Event(new_visitor(), "like", "a")
        raise RuntimeError("the browser went away")

    with pytest.raises(RuntimeError):
        store.record(broken())
    assert store.record([]) == store.count() == 0


def test_a_forgotten_visitor_is_gone_and_stays_gone(store):
    visitor, other = new_visitor(), new_visitor()
    store.record(
        [Event(visitor, "like", "a"), Event(visitor, "buy", "b"), Event(other, "like", "a")]
    )
    assert store.last_forgotten() == 0
    assert store.forget(visitor) == 2
    assert store.export(visitor) == []
    assert store.record([Event(visitor, "like", "c"), Event(other, "like", "c")]) == 1  # on its way
    assert [e.visitor for e in store.all()] == [other, other]
    assert store.is_forgotten(visitor)
    assert not store.is_forgotten(other)
    number = store.last_forgotten()
    assert number > 0
    assert store.forget(visitor) == 0
    assert store.last_forgotten() == number


def test_each_who_is_forgotten_gets_a_higher_number_though_the_clock_goes_back(store, monkeypatch):
    numbers = []
    for now in (2e9, 1e9, 1e9, 2e9, 3e9):
        clock = SimpleNamespace(time=lambda now=now: now, monotonic=time.monotonic)
        monkeypatch.setattr("lookbook.events.store.time", clock)
        visitor = new_visitor()
        store.record(Event(visitor, "like", "a"))
        assert store.forget(visitor) == 1
        numbers.append(store.last_forgotten())
    assert numbers == sorted(set(numbers))


def test_forgetting_a_visitor_without_events_ages_no_model(store):
    visitor = new_visitor()
    assert store.forget(visitor) == 0
    assert store.is_forgotten(visitor)
    assert store.last_forgotten() == 0
    assert store.record(Event(visitor, "like", "late")) == 0


def test_an_update_reads_and_writes_in_one_transaction(store):
    """Eight threads each add an event that names how many there were: none reads a stale number."""
    visitor = new_visitor()

    def count_on(events):
        return [Event(visitor, "view", str(len(events)))]

    threads = [threading.Thread(target=store.update, args=(visitor, count_on)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = store.of_visitor(visitor)
    assert [e.item for e in events] == [str(number) for number in range(8)]
    assert store.update(visitor, lambda known: []) == events


def test_an_update_of_a_forgotten_visitor_writes_nothing(store):
    visitor = new_visitor()
    store.forget(visitor)
    assert store.update(visitor, lambda events: [Event(visitor, "like", "a")]) is None
    assert store.count() == 0


def test_no_table_still_knows_a_forgotten_token(database, store):
    visitor = new_visitor()
    store.record(Event(visitor, "like", "a"))
    store.forget(visitor)
    url = database.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = ("events", "forgotten", "lookbook_schema")
        rows = [row for t in tables for row in connection.execute(text(f"SELECT * FROM {t}"))]
    engine.dispose()
    assert rows
    assert visitor not in str(rows)


def test_an_export_is_complete_and_plain(store):
    visitor = new_visitor()
    event = Event(visitor, "like", "a", season="Fall", propensity=0.5, surface="for you")
    store.record([event, Event(new_visitor(), "like", "b")])
    exported = store.export(visitor)
    assert exported == [
        {
            "id": event.id,
            "visitor": visitor,
            "kind": "like",
            "item": "a",
            "time": event.time.isoformat(),
            "season": "Fall",
            "occasion": None,
            "place": "for you",
            "probability": 0.5,
        }
    ]


def test_threads_may_share_a_store(store):
    def visit():
        visitor = new_visitor()
        for number in range(25):
            store.record(Event(visitor, "view", str(number)))

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == 200


def test_a_locked_database_is_waited_for_as_long_as_was_said_and_read_meanwhile(database):
    store, visitor = EventStore(database, patience=0.2), new_visitor()
    store.record(Event(visitor, "like", "a"))
    with locked(database):
        began = time.monotonic()
        for write in (
            lambda: store.record(Event(visitor, "like", "b")),
            lambda: store.update(visitor, lambda own: [Event(visitor, "like", "b")]),
            lambda: store.forget(visitor),
        ):
            with pytest.raises(StoreUnavailable):
                write()
        assert time.monotonic() - began < 8, "each used to wait for ten seconds"
        assert [event.item for event in store.of_visitor(visitor)] == ["a"]
    assert store.record(Event(visitor, "like", "b")) == 1
    store.close()


def test_a_database_in_memory_keeps_its_tables_whatever_the_patience():
    store, visitor = EventStore("sqlite://", patience=0.2), new_visitor()
    assert store.record(Event(visitor, "like", "a")) == 1
    assert [event.item for event in store.of_visitor(visitor)] == ["a"]
    store.close()


def test_writers_that_wait_for_a_lock_leave_connections_to_readers(database):
    store, visitor = EventStore(database, patience=2), new_visitor()
    store.record(Event(visitor, "like", "a"))
    refused = []

    def like():
        try:
            store.record(Event(new_visitor(), "like", "b"))
        except StoreUnavailable:
            refused.append(1)

    with locked(database):
        writers = [threading.Thread(target=like) for _ in range(14)]
        for thread in writers:
            thread.start()
        assert len(store.of_visitor(visitor)) == 1
        for thread in writers:
            thread.join()
    assert len(refused) == 14
    store.close()


@contextmanager
def locked(database: str):
    """Hold the lock of writers, as another process that does not end its transaction."""
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        acquire_write_lock(connection)
        yield
    engine.dispose()


def test_two_processes_share_a_database(database):
    """Both also create it: whoever comes second finds it made."""
    writers = [writer(database, tag, 100) for tag in ("one", "two")]
    ids = [w.communicate(timeout=60)[0].split() for w in writers]
    assert [w.returncode for w in writers] == [0, 0]
    store = EventStore(database)
    assert {e.id for e in store.all()} == {*ids[0], *ids[1]}
    assert store.count() == 200
    store.close()


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(database):
    killed = writer(database, "event", 1_000_000)
    acknowledged = [killed.stdout.readline().strip() for _ in range(60)]
    os.kill(killed.pid, signal.SIGKILL)
    acknowledged += killed.stdout.read().split("\n")[:-1]  # a last line may be cut off
    killed.wait()
    store = EventStore(database)
    recorded = [e.id for e in store.all()]
    store.close()
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= set(recorded)
    assert len(recorded) <= len(acknowledged) + 2  # at most the one that was just being written


def test_another_version_of_the_tables_is_refused(database):
    EventStore(database).close()
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE lookbook_schema SET version = 7"))
    engine.dispose()
    with pytest.raises(SchemaMismatch, match="schema version 7, this program reads 1"):
        EventStore(database)


def test_the_database_is_beside_the_index_unless_a_url_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("LOOKBOOK_DATABASE_URL", raising=False)
    assert database_url(tmp_path) == f"sqlite:///{tmp_path / 'events.sqlite'}"
    EventStore.for_index(tmp_path).close()
    assert (tmp_path / "events.sqlite").is_file()
    monkeypatch.setenv("LOOKBOOK_DATABASE_URL", "postgresql://shop@db/events")
    assert database_url(tmp_path) == "postgresql://shop@db/events"


def test_the_old_name_of_for_index_still_works(tmp_path, monkeypatch):
    monkeypatch.delenv("LOOKBOOK_DATABASE_URL", raising=False)
    with pytest.warns(DeprecationWarning, match="EventStore.for_index"):
        EventStore.beside(tmp_path).close()
    assert (tmp_path / "events.sqlite").is_file()


def test_a_database_of_the_first_release_is_read_and_written(tmp_path):
    """Its columns keep their names, whatever the fields of an Event are called."""
    visitor, url = new_visitor(), f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in _FIRST_RELEASE.split(";"):
            connection.execute(text(statement))
        old = text(
            "INSERT INTO events VALUES (1, 'e', :v, 'view', 'a', 9.5, 'Fall', 'Party', :p, 1)"
        )
        connection.execute(old, {"v": visitor, "p": "explored"})
    store = EventStore(url)
    like = Event(visitor, "like", "b", surface="site", propensity=0.5)
    store.record(like)
    time = datetime.fromtimestamp(9.5, UTC)
    first = Event(visitor, "view", "a", time, "e", "Fall", "Party", "explored", 1.0)
    assert store.of_visitor(visitor) == list(store.all()) == [first, like]
    store.close()
    with engine.connect() as connection:
        query = text("SELECT kind, place, probability FROM events WHERE item = 'b'")
        assert tuple(connection.execute(query).one()) == ("like", "site", 0.5)
    engine.dispose()


def test_sqlite_writes_ahead(tmp_path):
    EventStore.for_index(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'events.sqlite'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["no url", "mysql://a@b/c", "oracle://a", "sqlite:///no/such/dir/x"]
)
def test_an_unusable_url_is_refused(url):
    with pytest.raises((EventError, StoreUnavailable), match=r"expected|database of events"):
        EventStore(url)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"event_type": "wink"}, "unknown event type 'wink': expected one of view, like"),
        ({"visitor": "Jane Doe"}, "a visitor's token"),
        ({"visitor": "a" * 23}, "a visitor's token"),
        ({"item": ""}, "item: expected 1 to 200 characters"),
        ({"item": "a\0b"}, "item: expected 1 to 200 characters"),
        ({"id": "x" * 201}, "id: expected 1 to 200 characters"),
        ({"surface": "p" * 65}, "surface: expected 1 to 64"),
        ({"propensity": 0.0}, "propensity: expected above 0"),
        ({"propensity": 1.5}, "propensity: expected above 0"),
        ({"time": datetime(2026, 1, 1)}, "a datetime with a time zone"),
    ],
)
def test_an_event_with_a_value_out_of_range_is_refused(change, expected):
    with pytest.raises(EventError, match=expected):
        Event(**{"visitor": new_visitor(), "event_type": "like", "item": "a"} | change)


def test_tokens_are_random_and_recognised():
    tokens = {new_visitor() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(check_visitor(token) == token for token in tokens)
