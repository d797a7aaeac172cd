"""From events to a history: what counts, what was taken back, what is not to be shown again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from lookbook.events import Event
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items

WEIGHTS = {"view": 0.2, "like": 1.0, "save": 1.0, "buy": 1.0}
AGAINST = ("dislike", "hide")
EXPLORED = "explored"  # the place of a view that only says: this was shown, with such a probability
_DAY = 86_400.0


def days(time: datetime) -> float:
    """Days since 1970, the time of day as a fraction."""
    return time.timestamp() / _DAY


def net_events(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """What stands of one visitor's events, oldest first: for items, and against items.

    An undo takes back what was last said of its item, views aside; of an item that was last spoken
    against, nothing that was said for it counts.
    """
    views: list[Event] = []
    said: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "undo":
            if said.get(event.item):
                said[event.item].pop()
        elif event.kind != "view":
            said.setdefault(event.item, []).append(event)
        elif event.place != EXPLORED:
            views.append(event)
    against = [own[-1] for own in said.values() if own and own[-1].kind in AGAINST]
    banned = {event.item for event in against}
    kept = [e for own in said.values() for e in own if e.kind not in AGAINST] + views
    return sorted((e for e in kept if e.item not in banned), key=lambda e: e.time), against


def history_of(events: Iterable[Event], items: Items, now: datetime | None = None) -> History:
    """One visitor's events as a History, as of `now`; items that are gone are left out."""
    kept, against = net_events(events)
    today = days(now or datetime.now(UTC))
    rows = items.rows_of([e.item for e in kept])
    there = rows >= 0
    kept = [e for e, ok in zip(kept, there, strict=True) if ok]
    hidden = items.rows_of([e.item for e in against])
    disliked = items.rows_of([e.item for e in against])
    return History(
        rows[there],
        np.array([WEIGHTS[e.kind] for e in kept], np.float32),
        np.array([max(0.0, today - days(e.time)) for e in kept], np.float32),
        tuple(e.kind for e in kept),
        hidden[hidden >= 0],
        disliked[disliked >= 0],
    )


def interactions_of(events: Iterable[Event], items: Items) -> Interactions:
    """All that stands of many visitors' events, to fit models on."""
    by_visitor: dict[str, list[Event]] = {}
    for event in events:
        by_visitor.setdefault(event.visitor, []).append(event)
    kept = [e for own in by_visitor.values() for e in net_events(own)[0]]
    return Interactions.of(
        [e.visitor for e in kept],
        items.rows_of([e.item for e in kept]),
        np.array([days(e.time) for e in kept]),
        len(items),
        weight=np.array([WEIGHTS[e.kind] for e in kept], np.float32),
        season=np.array([e.season or "" for e in kept], dtype=str),
        occasion=np.array([e.occasion or "" for e in kept], dtype=str),
        kind=np.array([e.kind for e in kept], dtype=str),
    )
