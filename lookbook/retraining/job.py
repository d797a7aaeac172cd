"""Refresh in the background, by schedule or by number of events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lookbook.events import EventStore
from lookbook.retraining.refresh import Report, refresh
from lookbook.search.index import Index

_POLL_SECONDS = 5.0  # between counts of the events
_log = logging.getLogger(__name__)


class RefreshJob:
    """A thread that refreshes every `seconds`, or after `events` more events, or both.

    `index` may be a function that returns the index that is served now. `last` is the latest
    report. A refresh that fails is logged and tried again when it is next due. Raises ValueError
    where neither is given.
    """

    def __init__(
        self,
        index: Index | Callable[[], Index],
        store: EventStore,
        root: str | Path | None = None,
        *,
        seconds: float | None = None,
        events: int | None = None,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        if not seconds and not events:
            raise ValueError("a refresh job needs seconds, events, or both")
        self._index, self._store, self._root = index, store, root
        self._seconds, self._events, self._poll_seconds = seconds, events, poll_seconds
        self._stopping = threading.Event()
        self._last_count, self._last_time = store.count(), time.monotonic()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
        self.last: Report | None = None

    def start(self) -> RefreshJob:
        """Start the thread and return the job itself."""
        self._thread.start()
        return self

    def stop(self, timeout: float = 60) -> None:
        """End after the refresh that is running, waiting at most `timeout` seconds."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                if self._due():
                    self._refresh()
            except Exception:  # the site goes on with the models it has
                _log.exception("the refresh failed")
                self._last_time = time.monotonic()

    def _due(self) -> bool:
        if self._seconds and time.monotonic() - self._last_time >= self._seconds:
            return True
        if not self._events:
            return False
        return self._store.count() - self._last_count >= self._events

    def _refresh(self) -> None:
        self._last_count, self._last_time = self._store.count(), time.monotonic()
        index = self._index() if callable(self._index) else self._index
        self.last = refresh(index, self._store, self._root)
        _log.info("refresh: %s", self.last)
