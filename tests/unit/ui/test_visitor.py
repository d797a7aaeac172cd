"""Likes as the site sees them, and slow beginnings."""

from __future__ import annotations

import pytest

from lookbook.events import new_visitor
from lookbook.search.index import Index
from lookbook.ui.services.lazy import Later
from lookbook.ui.services.visitor import Visits
from tests.tiny_index import publish_tiny


@pytest.fixture
def visits(tmp_path):
    publish_tiny(tmp_path / "index")
    return Visits(Index.open(tmp_path / "index"), tmp_path / "state", tmp_path)


def test_a_heart_turns_over_whatever_other_pages_did(visits):
    visitor = visits.known("")
    visits.record(visitor, "like", "a-1", "site")
    visits.record(visitor, "like", "a-1", "site")  # a second page, opened before the first press
    visits.turn(visitor, "a-1")
    assert visits.liked(visitor) == frozenset()
    visits.turn(visitor, "a-1")
    assert visits.liked(visitor) == {"a-1"}


def test_a_token_of_nobodys_becomes_a_new_visitor_and_a_forgotten_one_too(visits):
    assert visits.known("x") != "x"
    visitor = new_visitor()
    assert visits.known(visitor) == visitor
    visits.record(visitor, "like", "a-1", "site")
    fresh = visits.forget(visitor)
    assert visits.known(visitor) not in (visitor, fresh)
    assert visits.liked(fresh) == frozenset()


def test_what_cannot_have_happened_is_not_recorded(visits):
    visitor = visits.known("")
    visits.record(visitor, "like", "nothing", "site")
    visits.record("", "like", "a-1", "site")
    assert visits.store.count() == 0


def test_a_hemisphere_turns_the_seasons(visits, tmp_path):
    south = Visits(visits.index, tmp_path / "state", tmp_path, hemisphere="south")
    assert south.context().weather != visits.context().weather
    assert visits.context(temperature=30.0).weather == "Summer"


def test_a_slow_beginning_happens_once_and_again_after_a_failure(capsys):
    made = []

    def make():
        made.append(1)
        if len(made) == 1:
            raise OSError("no disk")
        return len(made)

    later = Later(make, "it cannot be made")
    with pytest.raises(OSError, match="no disk"):
        later.result()
    assert "it cannot be made: no disk" in capsys.readouterr().err
    assert later.result() == later.result() == 2
