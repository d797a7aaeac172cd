"""Slow beginnings, put off until the first page has been shown or somebody cannot do without."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """What `make` returns, made on a thread of its own, from `start` or the first `result` on.

    It is made once, and again only after a failure.

    `failure` begins the line that whoever started the site reads where it cannot be made.
    """

    def __init__(self, make: Callable[[], T], failure: str) -> None:
        self._make, self._failure = make, failure
        self._lock, self._future = threading.Lock(), None

    def start(self) -> Future[T]:
        """Begin, unless begun."""
        with self._lock:
            if self._future is None:
                self._future = Future()
                threading.Thread(target=self._run, args=(self._future,), daemon=True).start()
        return self._future

    def result(self) -> T:
        """The thing itself, waited for; raises whatever its making raised."""
        return self.start().result()

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._make())
        except BaseException as error:
            print(f"{self._failure}: {error}", file=sys.stderr, flush=True)
            with self._lock:
                self._future = None  # whoever asks next tries again
            future.set_exception(error)
