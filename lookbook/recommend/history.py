"""From events to a history: net events after undo and dislike, with weights and ages."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from lookbook.events import Event
from lookbook.recommend.data import TEXTS, History, Interactions, Labels
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


def interactions_of(visitors: Iterable[Sequence[Event]], items: Items) -> Interactions:
    """Return the net events of many visitors as Interactions, to fit models on.

    `visitors` gives all events of one visitor at a time, as `EventStore.by_visitor` reads them:
    only these are held as objects. What nobody would do by hand is limited, see `limit_evidence`.
    """
    gathered = _Columns()
    for events in visitors:
        kept, _ = net_events(events)
        rows = items.rows_of([e.item for e in kept]).tolist()
        gathered.add([(row, e) for row, e in zip(rows, kept, strict=True) if row >= 0])
    return limit_evidence(gathered.interactions(len(items)))


class _Columns:
    """The columns of Interactions while they grow: 32 bytes an event."""

    def __init__(self) -> None:
        self.users: list[str] = []
        self.user, self.item, self.day = array("i"), array("i"), array("d")
        self.labels: dict[str, tuple[array[int], dict[str, int]]] = {
            name: (array("i"), {}) for name in TEXTS
        }

    def add(self, events: Sequence[tuple[int, Event]]) -> None:
        """Append the events of one visitor, each with the row of its item."""
        if not events:
            return
        self.user.extend([len(self.users)] * len(events))
        self.users.append(events[0][1].visitor)
        self.item.extend([row for row, _ in events])
        self.day.extend([days_since_epoch(e.time) for _, e in events])
        for name, (codes, numbers) in self.labels.items():
            texts = [getattr(e, name) or "" for _, e in events]
            codes.extend([numbers.setdefault(text, len(numbers)) for text in texts])

    def interactions(self, item_count: int) -> Interactions:
        """Return them with users numbered, and rows ordered, by the users' names."""
        season, occasion, types = (
            Labels(tuple(numbers), np.asarray(codes)) for codes, numbers in self.labels.values()
        )
        weights = np.array([EVENT_WEIGHTS[name] for name in types.values], np.float32)
        found = Interactions(
            self.users,
            item_count,
            np.asarray(self.user),
            np.asarray(self.item),
            np.asarray(self.day),
            weights[types.codes],
            season=season,
            occasion=occasion,
            event_type=types,
        )
        return _ordered_by_name(found)


def _ordered_by_name(interactions: Interactions) -> Interactions:
    """Number users by their names: PostgreSQL may read them in the order of another alphabet."""
    order = np.argsort(np.array(interactions.users, dtype=str))
    if (np.diff(order) > 0).all():
        return interactions
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(len(order))
    users = [interactions.users[number] for number in order]
    renamed = replace(interactions, users=users, user=numbers[interactions.user])
    return renamed.where(np.argsort(renamed.user, kind="stable"))


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
    span = int(days.max() - days.min()) + 1
    item_days = item.astype(np.int64) * span + (days - days.min()).astype(np.int64)
    groups = np.unique(item_days, return_inverse=True)[1]
    known_count = np.bincount(groups[~unknown], minlength=int(groups.max()) + 1)
    most = MAX_UNKNOWN * (1 + known_count[groups])
    rank = _rank(groups, unknown, interactions.day)
    return interactions.where(kept & (~unknown | (rank < most)))


def _barely_known(interactions: Interactions) -> np.ndarray:
    """bool (users,): who took few different items, or all of them at once."""
    user, day, count = interactions.user, interactions.day, len(interactions.users)
    pairs = np.unique(user.astype(np.int64) * interactions.item_count + interactions.item)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, user, day)
    np.maximum.at(last, user, day)
    at_once = (last - first) * _SECONDS_PER_DAY < MIN_SECONDS
    return (np.bincount(pairs // interactions.item_count, minlength=count) < MIN_ITEMS) | at_once


def _rank(first: np.ndarray, second: np.ndarray, day: np.ndarray) -> np.ndarray:
    """int32 (n,): the place of each row, by time, among those of the same two keys."""
    order = np.lexsort((day, second, first))
    starts = np.zeros(len(order), bool)  # where other keys begin, in that order
    starts[:1] = True
    for keys in (first, second):
        ordered = keys[order]
        starts[1:] |= ordered[1:] != ordered[:-1]
    begins = np.flatnonzero(starts).astype(np.int32)
    sizes = np.diff(begins, append=len(order))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32) - np.repeat(begins, sizes)
    return rank
