"""What visitors do, as numbers by day: no token, no time of day, nothing of a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from lookbook.events import EventStore
from lookbook.events.store import StoreUnavailable
from lookbook.ui.services.unanswered import KEPT_DAYS, UnansweredSearches

KINDS = ("view", "like", "buy")
_TOP = 10  # items and searches that are listed


@dataclass(frozen=True)
class Activity:
    """Of each of `days`, `counts` of each of KINDS and of "unanswered" searches.

    `items` are (title, how often) of the most frequent ones by kind, `searches` (words, how often);
    `problem` says why there is nothing.
    """

    days: list[date] = field(default_factory=list)
    counts: dict[str, list[int]] = field(default_factory=dict)
    items: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    searches: list[tuple[str, int]] = field(default_factory=list)
    problem: str = ""


def activity(
    store: EventStore,
    unanswered: UnansweredSearches,
    title: Callable[[str], str],
    today: date | None = None,
) -> Activity:
    """Return the activity of the last KEPT_DAYS days; `title` names an item by its id."""
    last = today or datetime.now(UTC).date()
    days = [last - timedelta(days=n) for n in reversed(range(KEPT_DAYS))]
    since = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
    try:
        counted = store.count_by_day(since)
        top = {kind: store.most_frequent_items(kind, since, _TOP) for kind in KINDS}
    except StoreUnavailable as error:
        return Activity(problem=str(error))
    counts = {kind: [counted.get((day, kind), 0) for day in days] for kind in KINDS}
    counts["like"] = [
        likes + counted.get((day, "save"), 0)
        for day, likes in zip(days, counts["like"], strict=True)
    ]
    searches = unanswered.by_day()
    counts["unanswered"] = [searches.get(day, 0) for day in days]
    items = {kind: [(title(id), n) for id, n in rows] for kind, rows in top.items() if rows}
    return Activity(days, counts, items, unanswered.most_frequent(_TOP))
