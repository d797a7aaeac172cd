"""Choose an engine's effort for each kind of query: the least that reaches the wanted recall."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookbook.index.engines.contract import Array, Engine, build_engine
from lookbook.index.engines.exact import ExactEngine
from lookbook.index.normalization import unit_vectors

# What a query is made of. Photos and texts lie further from the catalogue than its own items do,
# and need more effort for the same recall.
KINDS = ("item", "photo", "text")
TUNED_FOR = 24  # the k that effort is tuned at
SAMPLE = 200  # queries of each kind
_GIVE_UP = 10  # times slower than exact search: more effort cannot pay
_TIE = 1e-5  # float32 sums differ by about this much: a hit this close to the k-th is a tie
_EXACT_SECONDS = 2.0  # after so many, exact search was timed often enough
# The median best cosine of real phone photos to a shop of 4,297 items: what noise is added for
# where no photo can be encoded.
_PHOTO_COSINE = 0.5
_COSINE_ROWS = 20_000  # rows that it is measured against


@dataclass(frozen=True)
class Tuning:
    """The effort that reaches a recall on one kind of query, and the cost of one query with it."""

    effort: int
    recall: float  # measured on queries of that kind at this effort
    engine_ms: float  # median of single queries, one thread
    exact_ms: float
    reached: bool

    @property
    def faster_than_exact(self) -> bool:
        """Whether the engine reaches the wanted recall in less time than exact search."""
        return self.reached and self.engine_ms < self.exact_ms

    def to_json(self, engine: str) -> dict[str, Any]:
        """Return what the manifest says of this kind; `engine` serves it, or exact search."""
        return {
            "effort": self.effort,
            "recall": round(self.recall, 6),
            "engine_ms": self.engine_ms,
            "exact_ms": self.exact_ms,
            "engine": engine if self.faster_than_exact else "exact",
        }


def held_out_rows(count: int, seed: int = 0, sample: int = SAMPLE) -> Array:
    """Return the rows of `count` that tuning leaves out of the engine: int64, sorted."""
    rows: Array = np.random.default_rng(seed).permutation(count)[: min(sample, count // 4)]
    return np.sort(rows)


def tune(
    engine: str,
    vectors: Array,
    metric: str,
    *,
    queries: Mapping[str, Array] | None = None,
    seed: int = 0,
    recall: float = 0.99,
    k: int = TUNED_FOR,
    sample: int = SAMPLE,
    first: Mapping[str, int] | None = None,
    **options: int,
) -> dict[str, Tuning]:
    """Return the least effort of `engine` that reaches `recall` at `k`, for each kind of query.

    `queries`: kind -> float32 (q, dim), as the index stores vectors. Where they are not given, item
    queries are the rows of `held_out_rows`, photo queries the same with noise (`noisy_rows`), and
    text is not tuned for. The held-out rows are left out of the engine that answers, since a row
    always finds itself; exact search gives the true neighbours. The effort is doubled, then
    bisected to within a tenth; tuning ends (`reached` False) where the engine takes ten times as
    long as exact search. `first` are efforts by kind that were enough for nearly the same vectors:
    each is measured before any other, and kept where it reaches `recall` still.
    Raises ValueError for a recall outside (0, 1].
    """
    from threadpoolctl import threadpool_limits

    if not 0 < recall <= 1:
        raise ValueError(f"recall must lie above 0 and not above 1, found {recall}")
    held_out = held_out_rows(len(vectors), seed, sample)
    if not len(held_out):  # up to three rows: any search visits them all
        built = build_engine(
            engine, vectors, metric, seed=seed, progress=None, fields=None, **options
        )
        all_rows = Tuning(max(k, built.max_effort), 1.0, 0.0, 0.0, True)
        return dict.fromkeys(("item", "photo", *(queries or {})), all_rows)
    rest = np.delete(np.asarray(vectors), held_out, axis=0)
    asked = {"item": np.asarray(vectors[held_out], np.float32)} | dict(queries or {})
    if "photo" not in asked:
        asked["photo"] = noisy_rows(asked["item"], rest, seed)
    trial = build_engine(engine, rest, metric, seed=seed, progress=None, fields=None, **options)
    with threadpool_limits(1):
        return _tune_kinds(trial, ExactEngine(rest, metric), asked, k, recall, first or {})


def _tune_kinds(
    engine: Engine,
    exact: ExactEngine,
    queries: Mapping[str, Array],
    k: int,
    recall: float,
    first: Mapping[str, int],
) -> dict[str, Tuning]:
    tunings: dict[str, Tuning] = {}
    for kind in sorted(queries, key=KINDS.index):
        trial = Trial(engine, exact, queries[kind], min(k, len(exact)))
        kept = trial.measure(first[kind], recall) if kind in first else None
        tunings[kind] = kept if kept is not None and kept.reached else trial.walk(recall)
    return tunings


def noisy_rows(rows: Array, vectors: Array, seed: int = 0) -> Array:
    """Return `rows` float32 (q, dim) with noise: the best cosine to `vectors` is about 0.5.

    What photo queries are tuned on where no picture can be encoded. The noise is normal and spreads
    over the dimensions as `vectors` (n, dim) do; rows that are further away get none.
    """
    rng = np.random.default_rng(seed)
    near = unit_vectors(vectors[:: max(1, len(vectors) // _COSINE_ROWS)])
    noise = unit_vectors(rng.normal(size=rows.shape) * near.std(axis=0))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    low, high = np.zeros((len(rows), 1)), np.ones((len(rows), 1))
    for _ in range(8):  # bisect the share of noise of each row
        share = (low + high) / 2
        best = (unit_vectors(_mixed(rows, noise, share)) @ near.T).max(axis=1, keepdims=True)
        low, high = (
            np.where(best > _PHOTO_COSINE, share, low),
            np.where(best > _PHOTO_COSINE, high, share),
        )
    return np.asarray(lengths * unit_vectors(_mixed(rows, noise, low)), np.float32)


def _mixed(rows: Array, noise: Array, share: Array) -> Array:
    mixed: Array = (1 - share) * unit_vectors(rows) + share * noise
    return mixed


class Trial:
    """An engine, measured on queries (q, dim) against the answers of exact search."""

    def __init__(self, engine: Engine, exact: ExactEngine, queries: Array, k: int) -> None:
        self.engine, self.queries, self.k = engine, queries, k
        self.kth_score = exact.search(queries, k)[1][:, -1]
        self.exact_ms = _median_ms(
            lambda query: exact.search(query, k), queries[:50], _EXACT_SECONDS
        )

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


def _median_ms(search: Callable[[Array], object], queries: Array, seconds: float = np.inf) -> float:
    """Return the median time of single queries, of all or of as many as fit into `seconds`."""
    times: list[float] = []
    for query in queries:
        if sum(times) > seconds:
            break
        start = time.perf_counter()
        search(query[None])
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))
