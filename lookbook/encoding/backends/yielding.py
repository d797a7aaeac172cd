"""A backend for work that nobody waits for: it gives way to everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from lookbook.encoding.backends import Backend

_QUIET = 0.02  # seconds without an answer: the next of a queue begins sooner
_MAX_WAIT = 3.0  # seconds that one task waits in all on a site that is never quiet


class Answers:
    """How many answers are being made. Thread-safe."""

    def __init__(self) -> None:
        self._running, self._changed = 0, threading.Condition()

    @contextmanager
    def making(self) -> Iterator[None]:
        """Count an answer while it is made."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def give_way(self) -> Callable[[], None]:
        """Return the `wait` of one task: it returns once no answer is being made.

        From _MAX_WAIT seconds after this call on it returns at once, however often it is called.
        """
        return partial(self._wait_until_quiet, time.monotonic() + _MAX_WAIT)

    def _wait_until_quiet(self, end: float) -> None:
        with self._changed:
            while (left := end - time.monotonic()) > 0:
                self._changed.wait_for(lambda: not self._running, left)
                if not self._changed.wait_for(lambda: self._running, _QUIET):
                    return

    def _count(self, change: int) -> None:
        with self._changed:
            self._running += change
            self._changed.notify_all()


class YieldingBackend:
    """A backend whose passes begin when `wait` returns, one picture at a time.

    So others wait for one pass at most, and one request of the backend is left to them.
    """

    def __init__(self, backend: Backend, wait: Callable[[], None]) -> None:
        self.name, self.fixed_size = backend.name, backend.fixed_size
        self._backend, self._wait = backend, wait

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim), not normalized, for uint8 (n, size, size, 3)."""
        return np.concatenate([self._backend.embed(one) for one in self._turns(pixels)])

    def feature_maps(self, pixels: np.ndarray, stages: tuple[int, ...]) -> list[np.ndarray]:
        """Return float32 (n, channels, positions...) for each of `stages`."""
        maps = [self._backend.feature_maps(one, stages) for one in self._turns(pixels)]
        return [np.concatenate(of_stage) for of_stage in zip(*maps, strict=True)]

    def embed_with_maps(
        self, pixels: np.ndarray, stages: tuple[int, ...]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the results of `embed` and of `feature_maps` in one forward pass."""
        found = [self._backend.embed_with_maps(one, stages) for one in self._turns(pixels)]
        maps = zip(*(maps for _, maps in found), strict=True)
        return np.concatenate([v for v, _ in found]), [np.concatenate(m) for m in maps]

    def _turns(self, pixels: np.ndarray) -> Iterator[np.ndarray]:
        for number in range(len(pixels)):
            self._wait()
            yield pixels[number : number + 1]
