"""The visitor service: tokens, likes and contexts; and lazy objects."""

from __future__ import annotations

import pytest
import sqlalchemy

from lookbook.events import new_visitor
from lookbook.search.index import Index
from lookbook.ui.services.lazy import Lazy
from lookbook.ui.services.visitor import VisitorService
from tests.tiny_index import publish_tiny


@pytest.fixture
def visitor_service(tmp_path):
    publish_tiny(tmp_path / "index")
    return VisitorService(Index.open(tmp_path / "index"), tmp_path / "state", tmp_path)


def test_a_like_is_toggled_whatever_other_pages_did(visitor_service):
    visitor = visitor_service.ensure_token("")
    visitor_service.record(visitor, "like", "a-1", "site")
    # from a second page, opened before the first like
    visitor_service.record(visitor, "like", "a-1", "site")
    visitor_service.toggle_like(visitor, "a-1")
    assert visitor_service.liked(visitor) == frozenset()
    visitor_service.toggle_like(visitor, "a-1")
    assert visitor_service.liked(visitor) == {"a-1"}


def test_one_like_is_one_transaction(visitor_service):
    """Whether it is pressed or taken back, by a known visitor or by a new one."""
    visitor = new_visitor()
    transactions = []
    sqlalchemy.event.listen(visitor_service.store._engine, "begin", transactions.append)
    assert visitor_service.toggle_like(visitor, "a-1") == (visitor, {"a-1"})
    assert len(transactions) == 1
    visitor_service.record(visitor, "like", "a-1", "site")
    transactions.clear()
    assert visitor_service.toggle_like(visitor, "a-1") == (visitor, frozenset())
    assert len(transactions) == 1
    transactions.clear()
    assert visitor_service.toggle_like("x", "a-1")[1] == {"a-1"}
    assert len(transactions) == 1


def test_the_like_of_a_forgotten_visitor_is_that_of_a_new_one(visitor_service):
    visitor = new_visitor()
    visitor_service.record(visitor, "like", "a-2", "site")
    visitor_service.forget(visitor)
    token, liked = visitor_service.toggle_like(visitor, "a-1")
    assert token != visitor
    assert liked == visitor_service.liked(token) == {"a-1"}
    assert visitor_service.liked(visitor) == frozenset()


def test_a_like_of_an_unknown_item_changes_nothing(visitor_service):
    visitor = new_visitor()
    assert visitor_service.toggle_like(visitor, "nothing") == (visitor, frozenset())
    assert visitor_service.store.count() == 0


def test_an_invalid_or_forgotten_token_becomes_a_new_one(visitor_service):
    assert visitor_service.ensure_token("x") != "x"
    visitor = new_visitor()
    assert visitor_service.ensure_token(visitor) == visitor
    visitor_service.record(visitor, "like", "a-1", "site")
    new = visitor_service.forget(visitor)
    assert visitor_service.ensure_token(visitor) not in (visitor, new)
    assert visitor_service.liked(new) == frozenset()


def test_events_of_unknown_items_or_visitors_are_not_recorded(visitor_service):
    visitor = visitor_service.ensure_token("")
    visitor_service.record(visitor, "like", "nothing", "site")
    visitor_service.record("", "like", "a-1", "site")
    assert visitor_service.store.count() == 0


def test_a_hemisphere_turns_the_seasons(visitor_service, tmp_path):
    south = VisitorService(visitor_service.index, tmp_path / "state", tmp_path, hemisphere="south")
    assert south.context().effective_season != visitor_service.context().effective_season
    assert visitor_service.context(temperature=30.0).effective_season == "Summer"


def test_a_lazy_object_is_made_once_and_again_after_a_failure(capsys):
    made = []

    def make():
        made.append(1)
        if len(made) == 1:
            raise OSError("no disk")
        return len(made)

    lazy = Lazy(make, "it cannot be made")
    with pytest.raises(OSError, match="no disk"):
        lazy.result()
    assert "it cannot be made: no disk" in capsys.readouterr().err
    assert lazy.result() == lazy.result() == 2


def test_saved_and_viewed_items_are_listed_the_newest_first(visitor_service):
    visitor = visitor_service.ensure_token("")
    for item in ("a-1", "a-2", "a-1"):
        visitor_service.record(visitor, "view", item, "site")
    visitor_service.toggle_like(visitor, "a-2")
    visitor_service.toggle_like(visitor, "a-1")
    assert visitor_service.saved(visitor) == ["a-1", "a-2"]
    assert visitor_service.recently_viewed(visitor, 5) == ["a-1", "a-2"]
    assert visitor_service.recently_viewed(visitor, 1) == ["a-1"]
    visitor_service.toggle_like(visitor, "a-1")
    assert visitor_service.saved(visitor) == ["a-2"]
