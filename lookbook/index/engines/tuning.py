"""Choose an engine's effort: the least that reaches the wanted recall on held-out queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lookbook.index.engines.contract import Array, Engine, build_engine
from lookbook.index.engines.exact import ExactEngine

TUNED_FOR = 24  # the k that effort is tuned at
_GIVE_UP = 10  # times slower than exact search: more effort cannot pay
_TIE = 1e-5  # float32 sums differ by about this much: a hit this close to the k-th is a tie


@dataclass(frozen=True)
class Tuning:
    """The effort that reaches a recall, and the cost of one query with it."""

    effort: int
    recall: float  # measured on held-out queries at this effort
    engine_ms: float  # median of single queries, one thread
    exact_ms: float
    reached: bool

    @property
    def faster_than_exact(self) -> bool:
        """Whether the engine reaches the wanted recall in less time than exact search."""
        return self.reached and self.engine_ms < self.exact_ms


def tune(
    engine: str,
    vectors: Array,
    metric: str,
    *,
    seed: int = 0,
    recall: float = 0.99,
    k: int = TUNED_FOR,
    sample: int = 200,
    first: int | None = None,
    **options: int,
) -> Tuning:
    """Return the least effort of `engine` that reaches `recall` at `k` on `vectors` (n, dim).

    The queries are rows left out of the engine that answers them, since a row always finds itself;
    exact search gives the true neighbours. The effort is doubled, then bisected to within a tenth;
    tuning ends (`reached` False) where the engine takes ten times as long as exact search. `first`
    is an effort that was enough for nearly the same vectors: it is measured before any other, and
    kept where it reaches `recall` still.
    Raises ValueError for a recall outside (0, 1].
    """
    from threadpoolctl import threadpool_limits

    if not 0 < recall <= 1:
        raise ValueError(f"recall must lie above 0 and not above 1, found {recall}")
    count = len(vectors)
    held_out = np.sort(np.random.default_rng(seed).permutation(count)[: min(sample, count // 4)])
    if not len(held_out):  # up to three rows: any search visits them all
        built = build_engine(engine, vectors, metric, seed=seed, progress=None, **options)
        return Tuning(max(k, built.max_effort), 1.0, 0.0, 0.0, True)
    rest = np.delete(np.asarray(vectors), held_out, axis=0)
    queries = np.asarray(vectors[held_out], np.float32)
    trial = build_engine(engine, rest, metric, seed=seed, progress=None, **options)
    with threadpool_limits(1):
        measured = Trial(trial, ExactEngine(rest, metric), queries, min(k, len(rest)))
        if first is not None and (kept := measured.measure(first, recall)).reached:
            return kept
        return measured.walk(recall)


class Trial:
    """An engine, measured on queries (q, dim) against the answers of exact search."""

    def __init__(self, engine: Engine, exact: ExactEngine, queries: Array, k: int) -> None:
        self.engine, self.queries, self.k = engine, queries, k
        self.kth_score = exact.search(queries, k)[1][:, -1]
        self.exact_ms = _median_ms(lambda query: exact.search(query, k), queries[:50])

    def walk(self, target: float) -> Tuning:
        """Double the effort until `target` recall is reached, then bisect to within a tenth."""
        too_low, effort = self.k - 1, self.k  # every engine visits at least k rows
        tuning = self.measure(effort, target)
        while not tuning.reached and effort < self.engine.max_effort:
            if tuning.engine_ms > _GIVE_UP * self.exact_ms:
                return tuning
            too_low, effort = effort, 2 * effort
            tuning = self.measure(effort, target)
        while effort - too_low > max(1, effort // 10):
            middle = (too_low + effort) // 2
            attempt = self.measure(middle, target)
            if attempt.reached:
                effort, tuning = middle, attempt
            else:
                too_low = middle
        return tuning

    def measure(self, effort: int, target: float) -> Tuning:
        """Return the recall at k and the median time of single queries at this effort."""

        def scores(query: Array) -> Array:
            return self.engine.search(query, self.k, effort=effort)[1]

        hits = 0
        for query, kth in zip(self.queries, self.kth_score, strict=True):
            hits += int((scores(query[None])[0] >= kth - _TIE * max(1, abs(kth))).sum())
        recall = hits / (len(self.queries) * self.k)
        engine_ms = _median_ms(scores, self.queries[:50])
        return Tuning(effort, recall, engine_ms, self.exact_ms, recall >= target)


def _median_ms(search: Callable[[Array], object], queries: Array) -> float:
    times = []
    for query in queries:
        start = time.perf_counter()
        search(query[None])
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))
