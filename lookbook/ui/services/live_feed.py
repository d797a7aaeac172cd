"""The feed of a running site: that of before answers until the new one is made."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lookbook.recommend.feed import Feed
from lookbook.search.index import Index
from lookbook.ui.logs import SITE_LOG
from lookbook.ui.services.lazy import Lazy

_LONGEST_WAIT = 600.0  # seconds between attempts

MakeFeed = Callable[[Index, Feed | None], Feed]


class LiveFeed:
    """A feed of the index that is shown, or of one before it with the items that are left.

    `make` takes an index and the feed of before, None at first. The first feed is made by `start`
    or `result`, that of another index in the background, see `show`.
    """

    def __init__(self, index: Index, make: MakeFeed, *, first_wait: float = 5.0) -> None:
        """`first_wait`: seconds after the first failure; each further one doubles the wait."""
        self._make, self._first_wait = make, first_wait
        self._index = index
        self._first = self._first_of(index)
        self._feed: Feed | None = None
        self._lock = threading.Lock()
        self._shown = threading.Event()  # another index, while a failure is waited out
        self._thread: threading.Thread | None = None

    def _first_of(self, index: Index) -> Lazy[Feed]:
        return Lazy(lambda: self._make(index, None), "the feed cannot be made")

    def start(self) -> None:
        """Start making the first feed; returns at once."""
        self._first.start()

    def result(self) -> Feed:
        """Return the feed that answers now; the first one is waited for, its error raised."""
        return self._feed or self._first.result()

    def show(self, index: Index) -> None:
        """Answer only with items of another index from now on, and make its feed meanwhile.

        Feeds are made one at a time. What fails is tried again after growing waits, at once for
        yet another index. Where there is no feed yet, the first one is made of this index.
        """
        with self._lock:
            self._index = index
            if self._feed is None and not self._first.ready:
                self._first = self._first_of(index)
                return
            self._feed = self.result()
            self._feed.keep_only(index)
            self._shown.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="live-feed", daemon=True)
                self._thread.start()

    def _renew(self) -> None:
        """Make the feed of the index that is shown, until there is one."""
        wait = self._first_wait
        while (index := self._next()) is not None:
            try:
                feed = self._make(index, self._feed)
            except Exception as error:  # the feed of before goes on answering
                line = f"the feed of generation {index.manifest.generation} cannot be made: {error}"
                SITE_LOG.warning("%s; next try in %g s", line, wait)
                another = self._shown.wait(wait)
                wait = self._first_wait if another else min(2 * wait, _LONGEST_WAIT)
                continue
            with self._lock:
                if index is not self._index:
                    feed.keep_only(self._index)
                self._feed = feed

    def _next(self) -> Index | None:
        """Return the index whose feed is to be made; None, which ends the thread, for none."""
        with self._lock:
            self._shown.clear()
            if self._feed is not None and self._feed.index is self._index:
                self._thread = None
                return None
            return self._index
