"""What the site measures of itself, in the text format of Prometheus; nothing of a visitor."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Summary,
    generate_latest,
)

# `photo` is the search itself, `encoding` what comes before: decode, locate the garment, encode
ACTIONS = ("words", "photo", "encoding", "item", "filters", "feed")
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_log = logging.getLogger("lookbook.answers")


class Metrics:
    """Counters of one process: answers and failures by action, refusals, events, queue, index."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Histogram(
            "lookbook_answer_seconds",
            "Time of an answer, by what it is to",
            ["action"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._failed = Counter(
            "lookbook_failed_answers",
            "Answers that ended in an exception, by what they were to",
            ["action"],
            registry=self.registry,
        )
        self._refused = Counter(
            "lookbook_refused_requests", "Requests refused", ["reason"], registry=self.registry
        )
        self.events = Counter(
            "lookbook_events", "Events recorded by this process", registry=self.registry
        )
        self.recall = Summary(
            "lookbook_recall_probe",
            "Share of the first exact results that a sampled search found",
            registry=self.registry,
        )
        self._queue = Gauge(
            "lookbook_queue_length", "Requests that wait for an answer", registry=self.registry
        )
        self._items = Gauge("lookbook_items", "Items of the index shown", registry=self.registry)
        self._index = Info("lookbook_index", "The generation shown", registry=self.registry)
        for action in ACTIONS:  # so that a rate can be computed from the first answer on
            self._answers.labels(action)
            self._failed.labels(action)

    @contextmanager
    def answering(self, action: str) -> Iterator[None]:
        """Time an answer to one of ACTIONS, count it where it fails, and log it."""
        began = time.perf_counter()
        outcome = "error"
        try:
            yield
            outcome = "answered"
        finally:
            seconds = time.perf_counter() - began
            self._answers.labels(action).observe(seconds)
            if outcome == "error":
                self._failed.labels(action).inc()
            fields = {"action": action, "seconds": round(seconds, 4), "outcome": outcome}
            _log.info("%s in %.0f ms", action, seconds * 1000, extra={"fields": fields})

    def refuse(self, reason: str) -> None:
        """Count a request that was refused."""
        self._refused.labels(reason).inc()
        _log.info("refused: %s", reason, extra={"fields": {"refused": reason}})

    def watch(
        self, queue: Callable[[], float], items: Callable[[], float], generation: Callable[[], str]
    ) -> None:
        """Set where the length of the queue, the number of items and the generation come from."""
        self._queue.set_function(queue)
        self._items.set_function(items)
        self._generation = generation

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        if hasattr(self, "_generation"):
            self._index.info({"generation": self._generation()})
        return generate_latest(self.registry)


METRICS = Metrics()  # of this process, as its counters are


def may_read(scope: MutableMapping[str, Any], token: str | None) -> bool:
    """Whether a request may read the metrics: one of this machine, or one with the token.

    A proxy of this machine asks for others: what it forwards has a header that says so.
    """
    headers = dict(scope["headers"])
    given = headers.get(b"authorization", b"")
    if token and hmac.compare_digest(given, f"Bearer {token}".encode()):
        return True
    forwarded = {b"x-forwarded-for", b"forwarded", b"x-real-ip"} & set(headers)
    return not forwarded and (scope.get("client") or ("", 0))[0] in ("127.0.0.1", "::1")
