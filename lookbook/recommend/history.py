"""From events to a history: net events after undo and dislike, with weights and ages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from lookbook.events import Event
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items

EVENT_WEIGHTS = {"view": 0.2, "like": 1.0, "save": 1.0, "buy": 1.0}
NEGATIVE_EVENTS = ("dislike", "hide")
EXPLORED = "explored"  # surface of a view that records the propensity of an explored item
_SECONDS_PER_DAY = 86_400.0


def days_since_epoch(time: datetime) -> float:
    """Return days since 1970, the time of day as a fraction."""
    return time.timestamp() / _SECONDS_PER_DAY


def net_events(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Return the net events of one visitor after undo and dislike: (for items, against items).

    An undo takes back the latest event of its item, views aside. Where the latest event of an item
    is a dislike or a hide, no earlier event of that item counts. The first list is sorted by time.
    Exposures of explored items are not views.
    """
    views: list[Event] = []
    by_item: dict[str, list[Event]] = {}
    for event in events:
        if event.event_type == "undo":
            if by_item.get(event.item):
                by_item[event.item].pop()
        elif event.event_type != "view":
            by_item.setdefault(event.item, []).append(event)
        elif event.surface != EXPLORED:
            views.append(event)
    latest = [own[-1] for own in by_item.values() if own]
    against = [event for event in latest if event.event_type in NEGATIVE_EVENTS]
    banned = {event.item for event in against}
    positive = [e for own in by_item.values() for e in own if e.event_type in EVENT_WEIGHTS]
    kept = (e for e in positive + views if e.item not in banned)
    return sorted(kept, key=lambda e: e.time), against


def history_of(events: Iterable[Event], items: Items, now: datetime | None = None) -> History:
    """Return one visitor's events as a History as of `now`; items that are gone are left out."""
    kept, against = net_events(events)
    today = days_since_epoch(now or datetime.now(UTC))
    rows = items.rows_of([e.item for e in kept])
    kept = [e for e, row in zip(kept, rows, strict=True) if row >= 0]
    disliked = items.rows_of([e.item for e in against])
    return History(
        rows[rows >= 0],
        np.array([EVENT_WEIGHTS[e.event_type] for e in kept], np.float32),
        np.array([max(0.0, today - days_since_epoch(e.time)) for e in kept], np.float32),
        tuple(e.event_type for e in kept),
        disliked[disliked >= 0],
    )


def interactions_of(events: Iterable[Event], items: Items) -> Interactions:
    """Return the net events of many visitors as Interactions, to fit models on."""
    by_visitor: dict[str, list[Event]] = {}
    for event in events:
        by_visitor.setdefault(event.visitor, []).append(event)
    kept = [e for own in by_visitor.values() for e in net_events(own)[0]]
    return Interactions.of(
        [e.visitor for e in kept],
        items.rows_of([e.item for e in kept]),
        np.array([days_since_epoch(e.time) for e in kept]),
        len(items),
        weight=np.array([EVENT_WEIGHTS[e.event_type] for e in kept], np.float32),
        season=np.array([e.season or "" for e in kept], dtype=str),
        occasion=np.array([e.occasion or "" for e in kept], dtype=str),
        event_type=np.array([e.event_type for e in kept], dtype=str),
    )
