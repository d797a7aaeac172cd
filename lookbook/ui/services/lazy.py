"""Slow objects, made in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from lookbook.ui.logs import SITE_LOG

T = TypeVar("T")


class Lazy(Generic[T]):
    """What `make` returns, made once on a thread that `start` or the first `result` starts.

    After a failure the next call tries again. `failure` begins the line on stderr that then tells
    whoever started the site.
    """

    def __init__(self, make: Callable[[], T], failure: str) -> None:
        self._make, self._failure = make, failure
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def start(self) -> Future[T]:
        """Start making it, unless that was done before."""
        with self._lock:
            if self._future is None:
                self._future = Future()
                threading.Thread(target=self._run, args=(self._future,), daemon=True).start()
            return self._future

    def result(self) -> T:
        """Return it, waiting until it is made; raises whatever `make` raised."""
        return self.start().result()

    @property
    def ready(self) -> bool:
        """Whether it is made."""
        with self._lock:
            future = self._future
        return future is not None and future.done() and future.exception() is None

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._make())
        except BaseException as error:
            SITE_LOG.error("%s: %s", self._failure, error)
            with self._lock:
                self._future = None
            future.set_exception(error)
