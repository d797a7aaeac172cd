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
MAX_PER_DAY = 200  # interactions of one visitor that count
MAX_UNKNOWN = 5
MIN_ITEMS = 3
MIN_SECONDS = 30.0
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
    """Return the net events of many visitors as Interactions, to fit models on.

    What nobody would do by hand is limited, see `limit_evidence`.
    """
    by_visitor: dict[str, list[Event]] = {}
    for event in events:
        by_visitor.setdefault(event.visitor, []).append(event)
    kept = [e for own in by_visitor.values() for e in net_events(own)[0]]
    interactions = Interactions.of(
        [e.visitor for e in kept],
        items.rows_of([e.item for e in kept]),
        np.array([days_since_epoch(e.time) for e in kept]),
        len(items),
        weight=np.array([EVENT_WEIGHTS[e.event_type] for e in kept], np.float32),
        season=np.array([e.season or "" for e in kept], dtype=str),
        occasion=np.array([e.occasion or "" for e in kept], dtype=str),
        event_type=np.array([e.event_type for e in kept], dtype=str),
    )
    return limit_evidence(interactions)


def limit_evidence(interactions: Interactions) -> Interactions:
    """Limit what one visitor, and what many barely known visitors together, can teach the models.

    Tokens are free to make. So of one visitor the first MAX_PER_DAY interactions of a day count;
    and of an item's interactions with visitors who took fewer than MIN_ITEMS items, or all within
    MIN_SECONDS, a day's first MAX_UNKNOWN count, and as many again for each interaction of that day
    with a visitor who did more.
    """
    if not len(interactions):
        return interactions
    user, item, days = interactions.user, interactions.item, np.floor(interactions.day)
    kept = _rank(user, days, interactions.day) < MAX_PER_DAY
    unknown = _barely_known(interactions)[user]
    groups = np.unique(np.stack([item, days.astype(np.int64)]), axis=1, return_inverse=True)[1]
    groups = groups.reshape(-1)
    known_count = np.bincount(groups[~unknown], minlength=int(groups.max()) + 1)
    most = MAX_UNKNOWN * (1 + known_count[groups])
    rank = _rank(groups, unknown, interactions.day)
    return interactions.where(kept & (~unknown | (rank < most)))


def _barely_known(interactions: Interactions) -> np.ndarray:
    """bool (users,): who took few different items, or all of them at once."""
    user, day, count = interactions.user, interactions.day, len(interactions.users)
    pairs = np.unique(np.stack([user, interactions.item]), axis=1)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, user, day)
    np.maximum.at(last, user, day)
    at_once = (last - first) * _SECONDS_PER_DAY < MIN_SECONDS
    return (np.bincount(pairs[0], minlength=count) < MIN_ITEMS) | at_once


def _rank(first: np.ndarray, second: np.ndarray, day: np.ndarray) -> np.ndarray:
    """int64 (n,): the place of each row, by time, among those of the same two keys."""
    order = np.lexsort((day, second, first))
    a, b = first[order], second[order]
    starts = np.concatenate([[True], (np.diff(a) != 0) | (b[1:] != b[:-1])])
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - begin
    return rank
