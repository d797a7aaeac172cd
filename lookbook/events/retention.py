"""Delete the events of visitors that are older than the site keeps them."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from lookbook.events.store import EventStore, StoreUnavailable

_CHECK_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class RetentionJob:
    """A thread that deletes events older than `days`, at once and then every hour.

    Events that a shop imported are its own records and stay. Models that know deleted events are
    replaced at the next refresh. Several processes may each have such a job.
    """

    def __init__(
        self, store: EventStore, days: float, check_seconds: float = _CHECK_SECONDS
    ) -> None:
        self._store, self._kept, self._seconds = store, timedelta(days=days), check_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-retention", daemon=True)

    def start(self) -> RetentionJob:
        """Start the thread and return the job itself."""
        self._thread.start()
        return self

    def stop(self, timeout: float = 60) -> None:
        """End the thread, waiting at most `timeout` seconds."""
        self._stopping.set()
        self._thread.join(timeout)

    def purge(self) -> int:
        """Delete what is too old now; return how many events. Raises StoreUnavailable."""
        return self._store.purge(datetime.now(UTC) - self._kept)

    def _run(self) -> None:
        while True:
            try:
                if deleted := self.purge():
                    _log.info("%d events older than %s were deleted", deleted, self._kept)
            except StoreUnavailable as error:  # the database may be back at the next round
                _log.warning("old events cannot be deleted: %s", error)
            if self._stopping.wait(self._seconds):
                return
