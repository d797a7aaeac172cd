"""Events of visitors are deleted when they are too old; a shop's own records stay."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from lookbook.events import Event, EventStore, new_visitor
from lookbook.events.event import IMPORTED
from lookbook.events.retention import RetentionJob

NOW = datetime.now(UTC)


@pytest.fixture
def store(database):
    opened = EventStore(database)
    yield opened
    opened.close()


def event(days: float, id: str) -> Event:
    return Event(new_visitor(), "like", "shirt", NOW - timedelta(days=days), id)


def test_only_old_events_of_visitors_are_deleted(store):
    store.record([event(181, "old"), event(179, "new"), event(900, f"{IMPORTED}1")])
    assert RetentionJob(store, days=180).purge() == 1
    assert [e.id for e in store.all()] == ["new", f"{IMPORTED}1"]
    assert RetentionJob(store, days=180).purge() == 0


def test_the_job_looks_at_once_and_again(store):
    store.record(event(10, "old"))
    job = RetentionJob(store, days=5, check_seconds=0.05).start()
    try:
        wait_for(lambda: store.count() == 0)
        store.record(event(10, "late"))
        wait_for(lambda: store.count() == 0)
    finally:
        job.stop()


def test_a_database_that_is_away_ends_nothing(store, monkeypatch):
    from lookbook.events.store import StoreUnavailable

    calls = []

    def purge(before):
        calls.append(before)
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "purge", purge)
    job = RetentionJob(store, days=5, check_seconds=0.01).start()
    try:
        wait_for(lambda: len(calls) > 2)
    finally:
        job.stop()


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
