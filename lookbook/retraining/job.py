"""Refreshing in the background, by schedule or by number of events."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from lookbook.events import EventStore
from lookbook.retraining.refresh import Report, refresh
from lookbook.search.index import Index

_LOOK = 5.0  # seconds between looks at the number of events
_log = logging.getLogger(__name__)


class RefreshJob:
    """A thread that refreshes every `seconds`, or once `events` more have come, or both.

    `last` is the latest report. A refresh that fails is logged, and tried again at its next time.
    Raises ValueError where neither is given.
    """

    def __init__(
        self,
        index: Index,
        store: EventStore,
        root: str | Path | None = None,
        *,
        seconds: float | None = None,
        events: int | None = None,
        look: float = _LOOK,
    ) -> None:
        if not seconds and not events:
            raise ValueError("a refresh job needs seconds, events, or both")
        self._index, self._store, self._root = index, store, root
        self._seconds, self._events, self._look = seconds, events, look
        self._stopping = threading.Event()
        self._seen, self._done = store.count(), time.monotonic()
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)
        self.last: Report | None = None

    def start(self) -> RefreshJob:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def stop(self, timeout: float = 60) -> None:
        """End, after the refresh that is under way."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._look):
            try:
                if self._due():
                    self._refresh()
            except Exception:  # the site goes on with the models it has
                _log.exception("the refresh failed")
                self._done = time.monotonic()

    def _due(self) -> bool:
        late = self._seconds and time.monotonic() - self._done >= self._seconds
        return bool(late or (self._events and self._store.count() - self._seen >= self._events))

    def _refresh(self) -> None:
        self._seen, self._done = self._store.count(), time.monotonic()
        self.last = refresh(self._index, self._store, self._root)
        _log.info("refresh: %s", self.last)
