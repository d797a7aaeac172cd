"""An update of the running site: it is shown at once, its recommendations follow."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from lookbook.index import publish
from lookbook.search.index import Index
from lookbook.search.query import Query
from lookbook.ui.api import Api
from lookbook.ui.pages import for_you
from lookbook.ui.pages.find.item_actions import ItemActions
from lookbook.ui.services import visitor as visitor_module
from lookbook.ui.services.live_feed import LiveFeed
from lookbook.ui.services.live_index import LiveIndex
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.tiny_index import random_vectors, write_plain

COUNT, NEW = 30, "new"
IDS = [f"i{n}" for n in range(COUNT)]
GONE = IDS[:15]


def publish_items(root, ids):
    """Publish a generation of these ids; of equal ids the vectors and titles are equal."""
    vectors = random_vectors(COUNT + 1, 8)[[IDS.index(i) if i in IDS else COUNT for i in ids]]
    items = {"id": ids, "title": [f"shirt {id}" for id in ids]}
    thumbs = [id.encode() for id in ids]
    folder = write_plain(
        root, vectors=vectors, items=items, thumbs=thumbs, encoder={"id": "tiny"}, trees=2
    )
    publish(root, folder)


def eventually(holds, seconds=20.0):
    """Whether something holds within some seconds."""
    deadline = time.monotonic() + seconds
    while not (true := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return true


class SlowFeed(visitor_module.Feed):
    """A feed that an event holds up, or that fails, when it is made after an update."""

    go_on: threading.Event
    made: list
    failures = 0

    def __init__(self, index, store, root, *, before=None):
        if before is not None:
            type(self).made.append(index)
            assert self.go_on.wait(30)
            if type(self).failures:
                type(self).failures -= 1
                raise MemoryError("no memory for it")
        super().__init__(index, store, root, before=before)


@pytest.fixture
def slow_feed(monkeypatch):
    """The class of all feeds; each test has its own event."""
    feed_class = type("Feed", (SlowFeed,), {"go_on": threading.Event(), "made": []})
    monkeypatch.setattr(visitor_module, "Feed", feed_class)
    yield feed_class
    feed_class.go_on.set()


@pytest.fixture
def site(tmp_path, slow_feed):
    """A site that has shown its feed; `update` publishes other items and shows them."""
    root = tmp_path / "index"
    publish_items(root, IDS)
    index = Index.open(root)
    search = SearchService(index, lambda: None, tmp_path / "thumbs")
    visitor = VisitorService(index, tmp_path / "state", tmp_path / "spare")
    assert visitor.feed.index is index
    live = LiveIndex(index, [search.prepare, visitor.prepare], seconds=60)

    def update(ids):
        publish_items(root, ids)
        assert live.check()

    yield SimpleNamespace(search=search, visitor=visitor, update=update)
    # a thread that goes on would make its next feed by the class of the next test
    slow_feed.failures = 0
    slow_feed.go_on.set()
    visitor._live_feed._shown.set()
    assert eventually(lambda: visitor._live_feed._thread is None)


def recommended(site, token=""):
    token = site.visitor.ensure_token(token)
    everything = COUNT + 1
    return set(site.visitor.for_you(token, everything, site.visitor.context()).ids)


def test_search_shows_a_new_item_while_the_feed_is_being_made(site, slow_feed):
    before = site.visitor.feed
    site.update([NEW, *IDS])
    found = site.search.search(Query(item="i0", count=COUNT + 1))
    assert NEW in [card.id for card in found.cards]
    assert site.search.exact_item("shirt new") == NEW
    assert site.visitor.feed is before
    slow_feed.go_on.set()
    assert eventually(lambda: site.visitor.feed is not before)
    assert site.visitor.feed.index is site.search.index
    assert NEW in recommended(site)


def test_what_is_gone_is_recommended_nowhere(site, slow_feed):
    """Neither from the feed of before nor from the new one; a visitor's likes count in both."""
    token, _ = site.visitor.toggle_like("", "i0")
    for other in range(5):
        for id in ("i0", "i1", "i20"):
            site.visitor.record(site.visitor.ensure_token(f"{other}"), "buy", id, "site")
    site.update(IDS[15:])
    left = set(IDS[15:])
    api = Api(site.search, site.visitor)
    for _ in ("before", "after"):
        assert recommended(site) and recommended(site) <= left
        assert recommended(site, token) and recommended(site, token) <= left
        feed = site.visitor.feed
        assert {item.id for item in feed.onboarding_items()} <= left
        assert {item.id for item in site.visitor.also_liked("i20")} <= left
        assert set(site.visitor.bought_together("i20")) <= left
        assert {piece["id"] for piece in api.for_you([], count=COUNT)} <= left
        slow_feed.go_on.set()
        assert eventually(lambda: site.visitor.feed.index is site.search.index)


def test_a_new_item_is_shown_before_the_feed_knows_it(site):
    site.update([NEW, *IDS])
    event = SimpleNamespace(_data={"id": NEW})
    actions = ItemActions(site.search, site.visitor)
    assert "being made" in actions.show_also_liked(event)
    assert isinstance(actions.show_outfits(event), str)
    api = Api(site.search, site.visitor)
    assert api.also_liked(NEW) == []
    assert api.for_you([NEW, "i3"])
    token, liked = site.visitor.toggle_like("", NEW)
    assert liked == {NEW} and recommended(site, token)


def test_a_page_takes_one_feed_and_leaves_out_what_is_gone_meanwhile(site, monkeypatch):
    """A generation is shown after the recommendations were made, before their cards are."""
    page = for_you.Callbacks(site.search, site.visitor)
    answers = site.visitor.for_you

    def answer_then_update(*args):
        answer = answers(*args)
        site.update(IDS[15:])
        return answer

    monkeypatch.setattr(site.visitor, "for_you", answer_then_update)
    _, onboarding, feed = page.recommend("", frozenset(), "", "", None)
    assert [id for id in IDS[15:] if f'data-id="{id}"' in feed]
    assert not [id for id in GONE if f'data-id="{id}"' in feed + onboarding]


def test_a_feed_that_fails_is_made_again_after_growing_waits(site, slow_feed, capsys):
    live_feed = site.visitor._live_feed
    live_feed._first_wait = 0.02
    slow_feed.failures = 3
    slow_feed.go_on.set()
    before = site.visitor.feed
    site.update([NEW, *IDS])
    assert eventually(lambda: site.visitor.feed is not before)
    assert len(slow_feed.made) == 4
    assert recommended(site) >= {NEW}
    lines = [line for line in capsys.readouterr().err.splitlines() if "no memory" in line]
    assert [line.rsplit("in ", 1)[1] for line in lines] == ["0.02 s", "0.04 s", "0.08 s"]


def test_another_generation_is_not_kept_waiting_by_a_failure(site, slow_feed):
    site.visitor._live_feed._first_wait = 3600.0
    slow_feed.failures = 1
    slow_feed.go_on.set()
    site.update([NEW, *IDS])
    assert eventually(lambda: len(slow_feed.made) == 1)
    site.update(IDS[15:])
    assert eventually(lambda: site.visitor.feed.index is site.search.index)
    assert len(slow_feed.made) == 2


def test_feeds_are_made_one_at_a_time_and_the_last_generation_wins(site, slow_feed):
    site.update([NEW, *IDS])
    assert eventually(lambda: len(slow_feed.made) == 1)
    site.update(IDS[5:])
    site.update(IDS[15:])
    assert recommended(site) <= set(IDS[15:])
    assert len(slow_feed.made) == 1
    slow_feed.go_on.set()
    assert eventually(lambda: site.visitor.feed.index is site.search.index)
    assert len(slow_feed.made) == 2, "that of the generation between is left out"


def test_an_update_before_the_first_feed_makes_that_of_the_new_generation(tmp_path):
    root = tmp_path / "index"
    publish_items(root, IDS)
    first = Index.open(root)
    made = []
    live_feed = LiveFeed(first, lambda index, before: made.append((index, before)) or index)
    publish_items(root, IDS[15:])
    second = Index.open(root)
    live_feed.show(second)
    assert made == []
    live_feed.start()
    assert live_feed.result() is second
    assert made == [(second, None)]
