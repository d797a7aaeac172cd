"""Stored events of many visitors as arrays: one visitor at a time, the same as all at once."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookbook.events import EVENT_TYPES, Event, EventStore, new_visitor
from lookbook.recommend.data import Interactions, Labels
from lookbook.recommend.history import (
    EVENT_WEIGHTS,
    days_since_epoch,
    interactions_of,
    limit_evidence,
    net_events,
)
from tests.tiny_shop import ITEMS, by_visitor, checkerboard_items

VISITORS = [letter * 22 for letter in "BaAb_-09"]
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
SHOP = checkerboard_items()

events = st.builds(
    Event,
    st.sampled_from(VISITORS),
    st.sampled_from(EVENT_TYPES),
    st.sampled_from([*SHOP.ids[:4], "gone"]),
    time=st.integers(0, 48).map(lambda hours: NOON + timedelta(hours=hours)),
    season=st.sampled_from([None, "Summer", "Winter"]),
    occasion=st.sampled_from([None, "Party"]),
    surface=st.sampled_from([None, "explored"]),
)


def all_at_once(recorded: list[Event]) -> Interactions:
    """The same from lists of objects, without the arrays that grow."""
    kept = [e for own in by_visitor(recorded) for e in net_events(own)[0]]
    known = Interactions.of(
        [e.visitor for e in kept],
        SHOP.rows_of([e.item for e in kept]),
        np.array([days_since_epoch(e.time) for e in kept]),
        len(SHOP),
        weight=np.array([EVENT_WEIGHTS[e.event_type] for e in kept], np.float32),
        season=np.array([e.season or "" for e in kept], dtype=str),
        occasion=np.array([e.occasion or "" for e in kept], dtype=str),
        event_type=np.array([e.event_type for e in kept], dtype=str),
    )
    return limit_evidence(known)


def plain(known: Interactions) -> dict[str, object]:
    return {f.name: getattr(known, f.name) for f in fields(known)} | {
        name: getattr(known, name).tolist()
        for name in ("user", "item", "day", "weight", "season", "occasion", "event_type")
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=60), st.randoms(use_true_random=False))
def test_a_visitor_at_a_time_gives_what_all_events_at_once_give(recorded, random):
    visitors = by_visitor(recorded)
    random.shuffle(visitors)  # PostgreSQL may read them in the order of another alphabet
    assert plain(interactions_of(visitors, SHOP)) == plain(all_at_once(recorded))


def test_a_store_is_read_a_visitor_at_a_time_with_the_same_result(tmp_path):
    random = np.random.default_rng(0)
    tokens = [new_visitor() for _ in range(7)]
    recorded = [
        Event(tokens[visitor], "like", f"i{item}", time=NOON + timedelta(hours=float(hour)))
        for hour, (visitor, item) in enumerate(random.integers((7, ITEMS), size=(200, 2)))
    ]
    store = EventStore(f"sqlite:///{tmp_path / 'events.sqlite'}")
    store.record(recorded)
    known = interactions_of(store.by_visitor(batch=13), SHOP)
    assert plain(known) == plain(all_at_once(recorded)) and len(known) == 200
    assert (known.user.dtype, known.item.dtype) == (np.int32, np.int32)


def test_labels_say_which_text_each_row_has():
    labels = Labels.of(["b", "a", "b", ""])
    assert labels.tolist() == ["b", "a", "b", ""] and len(labels) == 4
    assert labels.equal("b").tolist() == [True, False, True, False]
    assert not labels.equal("c").any()
    kept = labels[np.array([False, True, False, True])]
    assert kept.distinct() == ["", "a"] and labels.distinct() == ["", "a", "b"]
