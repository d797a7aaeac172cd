"""The recall of approximate search while the site runs: sampled queries, searched exactly too."""

from __future__ import annotations

import itertools
import logging
import queue
import threading

import numpy as np

from lookbook.search.index import Index
from lookbook.search.mitigation import used_conditions
from lookbook.search.query import Query, allowed_rows, query_vector, rows_asked
from lookbook.ui.metrics import METRICS

EVERY = 50  # of so many searches by photo or item one is probed
_log = logging.getLogger(__name__)


class RecallProbe:
    """Compares sampled searches with exact search, in a thread of its own, one at a time.

    A search that comes while another is compared is not probed, so that a busy site is not held up.
    """

    def __init__(self, every: int = EVERY) -> None:
        self._every, self._count = every, itertools.count(1)
        self._waiting: queue.Queue[tuple[Query, Index]] = queue.Queue(1)
        self._started = threading.Lock()

    def note(self, query: Query, index: Index) -> None:
        """Take note of a search, which returns at once; words alone are not probed."""
        if query.words.strip() or not (query.pictures or query.item):
            return
        if index.serving[query.vector_kind] == "exact" or next(self._count) % self._every:
            return
        if self._started.acquire(blocking=False):  # held for good: the thread starts once
            threading.Thread(target=self._run, daemon=True, name="recall probe").start()
        try:
            self._waiting.put_nowait((query, index))
        except queue.Full:
            return

    def wait(self) -> None:
        """Wait until all searches that were taken are compared."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            query, index = self._waiting.get()
            try:
                METRICS.recall.observe(recall(query, index))
            except Exception:  # a probe is no answer: an item may be gone by now
                _log.debug("recall probe failed", exc_info=True)
            finally:
                del query, index  # a visitor's vector and an old index are not kept
                self._waiting.task_done()


def recall(query: Query, index: Index) -> float:
    """Return the share of the exact rows that approximate search finds, 0 to 1.

    Of as many rows as a search asks the engine for: what is re-ranked, not only what is shown.
    """
    vector, count = query_vector(query, index), rows_asked(query, index)
    allowed = allowed_rows(index, used_conditions(index.columns, query.where)[0])
    found, _ = index.rank_rows(vector, count, allowed, kind=query.vector_kind)
    exact, _ = index.rank_rows(vector, count, allowed, exact=True)
    return float(np.isin(exact, found).mean()) if len(exact) else 1.0
