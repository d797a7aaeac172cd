"""Words of searches that found nothing, counted by day, in memory only.

Nothing says who searched. What looks like an address or a number of a person is not counted.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from lookbook.search.query import Query, SearchResult

KEPT_DAYS = 30
_MAX_WORDS = 60  # characters of a search that are kept
_MAX_A_DAY = 2000  # different texts
_PERSONAL = re.compile(r"@|\d{5,}|https?:")


def _today() -> date:
    return datetime.now(UTC).date()


class UnansweredSearches:
    """How often which words found nothing, or were not understood, on each of KEPT_DAYS days."""

    def __init__(self, today: Callable[[], date] = _today) -> None:
        self._today, self._lock = today, threading.Lock()
        self._days: dict[date, Counter[str]] = {}

    def note(self, query: Query, answer: SearchResult) -> None:
        """Count the words of a query without hits, else those words that were not understood."""
        texts = answer.unknown_words if answer.hits else [query.words]
        for text in (" ".join(text.casefold().split()) for text in texts):
            if text and len(text) <= _MAX_WORDS and not _PERSONAL.search(text):
                self._count(text)

    def _count(self, text: str) -> None:
        with self._lock:
            today = self._today()
            for day in [d for d in self._days if d <= today - timedelta(days=KEPT_DAYS)]:
                del self._days[day]
            counts = self._days.setdefault(today, Counter())
            if text in counts or len(counts) < _MAX_A_DAY:
                counts[text] += 1

    def by_day(self) -> dict[date, int]:
        """Return how many there were on each day that had any."""
        with self._lock:
            return {day: counts.total() for day, counts in sorted(self._days.items())}

    def most_frequent(self, count: int = 20) -> list[tuple[str, int]]:
        """Return (words, how often), the most frequent first."""
        with self._lock:
            return sum(self._days.values(), Counter()).most_common(count)
