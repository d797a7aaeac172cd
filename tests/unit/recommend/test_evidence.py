"""What invented visitors, and single ones without end, can teach the recommenders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from lookbook.events import Event, new_visitor
from lookbook.recommend.history import (
    MAX_PER_DAY,
    MAX_UNKNOWN,
    interactions_of,
    limit_evidence,
)
from lookbook.recommend.model_store import Models
from tests.tiny_shop import ITEMS, by_visitor, checkerboard_items

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def honest(people: int = 40) -> list[Event]:
    """Each likes four items of one colour within an hour, in the days before NOON."""
    events = []
    for number in range(people):
        token = new_visitor()
        mine = np.arange(number % 2, ITEMS, 2)
        rows = np.random.default_rng(number).permutation(mine)[:4]
        start = NOON - timedelta(days=1 + number % 5)
        events += [
            Event(token, "like", f"i{row}", time=start + timedelta(minutes=10 * place))
            for place, row in enumerate(rows)
        ]
    return events


def invented(count: int, items: tuple[str, ...]) -> list[Event]:
    """Likes by new tokens, all within 26 seconds."""
    return [
        Event(new_visitor(), "like", item, time=NOON + timedelta(seconds=26 * n / count))
        for n in range(count)
        for item in items
    ]


def test_many_new_tokens_do_not_put_their_items_first():
    items = checkerboard_items()
    chosen = ("i0", "i1")
    rigged = interactions_of(by_visitor(honest() + invented(600, chosen)), items)
    assert len(rigged) == 160 + 2 * MAX_UNKNOWN
    counts = np.bincount(rigged.item, minlength=ITEMS)
    assert counts[[0, 1]].max() <= counts.max() + MAX_UNKNOWN
    plain = Models.fit(interactions_of(by_visitor(honest()), items), items).hybrid
    attacked = Models.fit(rigged, items).hybrid
    before, after = plain.item_features.event_counts, attacked.item_features.event_counts
    assert (after - before)[[0, 1]].max() <= MAX_UNKNOWN


def test_honest_visitors_count_whole():
    items = checkerboard_items()
    assert len(interactions_of(by_visitor(honest()), items)) == 160


def test_first_likes_of_honest_strangers_count_beside_those_of_known_visitors():
    items = checkerboard_items()
    events = honest()
    liked = events[0].item
    day = events[0].time
    beside = [Event(new_visitor(), "like", liked, time=day) for _ in range(20)]
    same_day = sum(e.item == liked and e.time.date() == day.date() for e in events)
    kept = len(interactions_of(by_visitor(events + beside), items)) - len(events)
    assert kept == min(20, MAX_UNKNOWN * (1 + same_day))


def test_one_visitor_without_end_counts_like_a_busy_one():
    items = checkerboard_items()
    token = new_visitor()
    views = [
        Event(token, "view", f"i{n % ITEMS}", time=NOON + timedelta(seconds=n)) for n in range(900)
    ]
    assert len(interactions_of(by_visitor(views), items)) == MAX_PER_DAY


def test_nothing_stays_nothing():
    items = checkerboard_items()
    assert len(limit_evidence(interactions_of(by_visitor([]), items))) == 0
