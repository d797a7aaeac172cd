"""State that is corrupt, read-only, full, locked or away: the site goes on and says so once."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lookbook.events import Event, EventStore, new_visitor
from lookbook.events.store import StoreUnavailable
from lookbook.search.index import Index
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.pages import for_you
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.postgres import postgres_server
from tests.tiny_index import publish_tiny


@pytest.fixture
def index(tmp_path):
    publish_tiny(tmp_path / "index")
    return Index.open(tmp_path / "index")


@pytest.fixture
def state(tmp_path):
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def service(index, state, tmp_path) -> VisitorService:
    (tmp_path / "spare").mkdir(exist_ok=True)
    return VisitorService(index, state, tmp_path / "spare")


def page(index, visitors, tmp_path) -> for_you.Callbacks:
    return for_you.Callbacks(SearchService(index, lambda: None, tmp_path / "thumbs"), visitors)


def broken_text(state: Path) -> None:
    (state / "events.sqlite").write_bytes(b"not a database " * 500)


def a_folder(state: Path) -> None:
    (state / "events.sqlite").mkdir()


def another_version(state: Path) -> None:
    EventStore.for_index(state).close()
    with sqlite3.connect(state / "events.sqlite") as connection:
        connection.execute("UPDATE lookbook_schema SET version = 99")


def a_file(state: Path) -> None:
    state.rmdir()
    state.write_text("a file where the folder should be")


@pytest.mark.parametrize("damage", [broken_text, a_folder, another_version, a_file])
def test_unusable_state_gets_one_sentence_and_likes_are_kept_while_the_site_runs(
    index, state, tmp_path, capsys, damage
):
    damage(state)
    visitors = service(index, state, tmp_path)
    message = capsys.readouterr().err
    assert message.startswith("likes are kept only while the site runs: ")
    assert len(message.splitlines()) == 1
    token, liked = visitors.toggle_like("", "a-1")
    assert visitors.liked(token) == liked == {"a-1"}
    assert len(visitors.for_you(token, 5, visitors.context())) == 5


def test_damaged_models_are_as_good_as_none(index, state, tmp_path):
    (state / "models").mkdir()
    (state / "models/CURRENT").write_text("../../etc\n")
    visitors = service(index, state, tmp_path)
    assert len(visitors.for_you(new_visitor(), 5, visitors.context())) == 5


def test_a_database_that_is_deleted_or_replaced_is_made_anew_and_loses_nothing_after(state):
    store = EventStore.for_index(state)
    visitor = new_visitor()
    store.record(Event(visitor, "like", "a"))
    for path in state.glob("events.sqlite*"):
        path.unlink()
    assert store.record(Event(visitor, "like", "b")) == 1
    store.close()
    assert [event.item for event in EventStore.for_index(state).of_visitor(visitor)] == ["b"]


def test_a_like_on_a_locked_database_gets_a_sentence_soon_and_the_feed_its_answer(
    index, state, tmp_path, monkeypatch
):
    visitors = service(index, state, tmp_path)
    pages = page(index, visitors, tmp_path)
    token, liked = visitors.toggle_like("", "a-1")
    warnings = []
    monkeypatch.setattr(for_you, "warn", lambda message, title: warnings.append(title))
    lock = sqlite3.connect(state / "events.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert pages.toggle_like(token, liked, _Press("a-2")) == (token, liked)
    assert time.monotonic() - began < 6, "it used to wait for ten seconds"
    assert warnings == ["The like is not kept"]
    assert visitors.liked(token) == {"a-1"}
    assert len(visitors.for_you(token, 5, visitors.context())) == 5
    lock.execute("ROLLBACK")
    lock.close()
    assert pages.toggle_like(token, liked, _Press("a-2"))[1] == {"a-1", "a-2"}


def test_without_its_database_the_site_goes_on_without_personalisation(
    index, state, tmp_path, monkeypatch
):
    visitors = service(index, state, tmp_path)
    token, _ = visitors.toggle_like("", "a-1")
    assert visitors.for_you(token, 5, visitors.context())
    warnings = []
    monkeypatch.setattr(for_you, "warn", lambda message, title: warnings.append(title))

    def away():
        raise StoreUnavailable("the database of events: database is locked")

    monkeypatch.setattr(visitors.store, "_reopen_if_replaced", away)
    pages = page(index, visitors, tmp_path)
    assert pages.load_visitor(token) == (token, frozenset())
    assert len(visitors.for_you(token, 5, visitors.context())) == 5
    visitors.record(token, "view", "a-2", "site")
    assert visitors.bought_together("a-1") == {}
    assert pages.toggle_like(token, frozenset(), _Press("a-2")) == (token, frozenset())
    assert pages.export(token, frozenset()).startswith("<")
    assert pages.forget(token, "", "", None)[0] == token, "nothing was forgotten: the token stays"
    assert warnings == ["The like is not kept", "It cannot be read", "Nothing was deleted yet"]
    with pytest.raises(StoreUnavailable):
        visitors.database_ready()
    monkeypatch.undo()
    assert visitors.liked(token) == {"a-1"}, "back again, with all that was confirmed"


def test_a_postgresql_that_goes_away_and_comes_back_is_used_again(index, tmp_path, monkeypatch):
    warnings = []
    monkeypatch.setattr(for_you, "warn", lambda message, title: warnings.append(title))
    (tmp_path / "spare").mkdir()
    with postgres_server() as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed: Debian's package is postgresql")
        visitors = VisitorService(index, None, tmp_path / "spare", database_url=server.url)
        pages = page(index, visitors, tmp_path)
        token, liked = visitors.toggle_like("", "a-1")
        assert len(visitors.for_you(token, 5, visitors.context())) == 5
        server.stop()
        with pytest.raises(StoreUnavailable):
            visitors.database_ready()
        assert pages.toggle_like(token, liked, _Press("a-2")) == (token, liked)
        assert len(visitors.for_you(token, 5, visitors.context())) == 5
        assert visitors.liked(token) == frozenset()
        visitors.record(token, "view", "a-3", "site")
        server.start()
        assert visitors.database_ready()
        assert visitors.liked(token) == {"a-1"}
        assert pages.toggle_like(token, liked, _Press("a-2")) == (token, {"a-1", "a-2"})
        visitors.store.close()
    assert warnings == ["The like is not kept"]


def test_an_item_that_an_update_removed_meanwhile_is_not_disliked(index, state, tmp_path):
    """The page is of one generation, the feed already of the next one."""
    publish_tiny(tmp_path / "next", count=20)
    visitors = service(Index.open(tmp_path / "next"), state, tmp_path)
    pages = page(index, visitors, tmp_path)
    token = new_visitor()
    assert "a-25" in index
    liked, *_ = pages.dislike(token, frozenset({"a-25"}), "", "", None, _Press("a-25"))
    assert liked == frozenset()
    assert visitors.store.of_visitor(token) == []
    pages.dislike(token, liked, "", "", None, _Press("a-5"))
    assert [event.item for event in visitors.store.of_visitor(token)] == ["a-5"]


def test_a_clock_that_jumps_back_changes_neither_order_nor_answers(
    index, state, tmp_path, monkeypatch
):
    """Events count in the order in which they were recorded, and none is of the future."""
    times = {"now": datetime(2026, 5, 1, 12, tzinfo=UTC)}

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, datetime)

    class Clock(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return times["now"]

    for module in ("events.event", "recommend.history"):
        monkeypatch.setattr(f"lookbook.{module}.datetime", Clock)
    visitors = service(index, state, tmp_path)
    token, _ = visitors.toggle_like("", "a-1")
    visitors.record(token, "like", "a-2", "site")
    visitors.record(token, "like", "a-3", "site")
    times["now"] -= timedelta(days=400)
    assert visitors.toggle_like(token, "a-1")[1] == {"a-2", "a-3"}, "the like is taken back"
    visitors.record(token, "dislike", "a-3", "site")
    visitors.record(token, "like", "a-4", "site")
    stored = visitors.store.of_visitor(token)
    assert [event.item for event in stored] == ["a-1", "a-2", "a-3", "a-1", "a-3", "a-4"]
    history = visitors.feed.history(token)
    ids = [visitors.feed.items.ids[row] for row in history.rows]
    assert sorted(ids) == ["a-2", "a-4"]
    assert list(history.ages) == [0, 0]
    assert len(visitors.for_you(token, 5, visitors.context())) == 5


class _Press:
    """The event of a button of an item."""

    def __init__(self, id):
        self._data = {"id": id}


def test_a_full_disk_for_temporary_files_leaves_search_with_pictures(index, tmp_path, monkeypatch):
    service = SearchService(index, lambda: None, tmp_path / "thumbs")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "unlink", full)  # as where the disk is read-only
    view = service.search(Query(count=4))
    assert len(view.cards) == 4
    assert all(card.file.startswith("data:image/webp;base64,") for card in view.cards)
    assert markup.file_url(view.cards[0].file) == view.cards[0].file
