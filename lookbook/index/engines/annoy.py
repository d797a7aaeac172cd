"""Nearest neighbours behind one small interface: exact search and Annoy.

An engine answers `search(queries, k, rows)` with row numbers and scores, best first. A score says
"higher is closer" whatever the metric: cosine similarity for `angular`, minus the distance for
`euclidean`, the inner product for `dot`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from lookbook.index.engines.annoy_file import (
    METRICS,
    IndexCorrupt,
    check_metric,
    validate_annoy_file,
)

__all__ = [
    "METRICS",
    "AnnoyEngine",
    "Engine",
    "ExactEngine",
    "IndexCorrupt",
    "Tuning",
    "build_annoy",
    "check_metric",
    "exact_neighbours",
    "tune_search_k",
]

DEFAULT_TREES = 50
_BLOCK_FLOATS = 1 << 22  # 16 MB of float32 at a time where a memory-mapped gallery is converted
_PREPARED_BYTES = 512 << 20  # a gallery up to this size is kept ready in memory as float32
_GIVE_UP = 10  # times slower than exact search: no use in tuning a forest further
_TIE = 1e-5  # float32 sums differ by about this much; a hit that close to the k-th is a tie


class Engine(Protocol):
    """Anything that finds the nearest rows of a gallery."""

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Queries float32 (q, dim) -> rows int64 and scores float32, both (q, at most k)."""
        ...


def exact_neighbours(
    vectors: np.ndarray, queries: np.ndarray, k: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """The true k nearest rows of `vectors` (n, dim) for each of `queries` (q, dim).

    Works block by block, so that a memory-mapped float16 gallery is never in memory as a whole.
    Returns rows int64 and scores float32, both (q, min(k, n)), best first, ties by row number.
    """
    return ExactEngine(vectors, metric, prepared_bytes=0).search(queries, k)


class ExactEngine:
    """Exact search over `vectors` (n, dim), float16 or float32, memory-mapped or not."""

    def __init__(
        self, vectors: np.ndarray, metric: str, *, prepared_bytes: int = _PREPARED_BYTES
    ) -> None:
        check_metric(metric)
        self.metric = metric
        self._vectors = vectors
        self._keep = vectors.shape[0] * (vectors.shape[1] + 1) * 4 <= prepared_bytes

    @cached_property
    def _prepared(self) -> np.ndarray | None:
        return _gallery(self._vectors, self.metric) if self._keep else None

    def search(
        self, queries: np.ndarray, k: int, rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest rows, or the k nearest among `rows` (int64, distinct) where given.

        Queries float32 (q, dim); returns rows int64 and scores float32, both (q, min(k, n)).
        """
        queries = _check_queries(queries, self._vectors.shape[1])
        ready = _queries(queries, self.metric)
        total = len(self._vectors) if rows is None else len(rows)
        best_rows = np.empty((len(queries), 0), np.int64)
        best = np.empty((len(queries), 0), np.float32)
        step = self._step(len(queries))
        for start in range(0, total, step):
            stop = min(start + step, total)
            numbers = np.arange(start, stop) if rows is None else rows[start:stop]
            scores = self._scores(ready, start, stop, rows)
            found, scores = _top(scores, k)
            best_rows = np.concatenate([best_rows, numbers[found]], axis=1)
            best, best_rows = _merge(np.concatenate([best, scores], axis=1), best_rows, k)
        return best_rows, self._final(queries, best_rows, best)

    def _step(self, queries: int) -> int:
        width = queries if self._keep else max(queries, self._vectors.shape[1])
        return max(1, _BLOCK_FLOATS // max(1, width))

    def _scores(
        self, ready: np.ndarray, start: int, stop: int, rows: np.ndarray | None
    ) -> np.ndarray:
        part = slice(start, stop) if rows is None else rows[start:stop]
        if self._prepared is None:
            return ready @ _gallery(self._vectors[part], self.metric).T
        # Beyond a quarter of the gallery, gathering rows costs more than multiplying all of it.
        if rows is not None and len(ready) == 1 and 4 * len(rows) > len(self._prepared):
            return (ready @ self._prepared.T)[:, part]
        return ready @ self._prepared[part].T

    def _final(self, queries: np.ndarray, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
        if self.metric != "euclidean":
            return scores
        near = self._vectors[rows].astype(np.float32)
        return -np.linalg.norm(near - queries[:, None, :], axis=2).astype(np.float32)


def _gallery(block: np.ndarray, metric: str) -> np.ndarray:
    """float32 copy of a block, so prepared that one product with a query ranks for the metric."""
    block = np.asarray(block, dtype=np.float32)
    if metric == "angular":
        return _unit(block)
    if metric == "euclidean":  # |x - q|^2 = |q|^2 - 2 (x.q - |x|^2 / 2): an extra column ranks it
        half = 0.5 * np.einsum("ij,ij->i", block, block)
        return np.column_stack([block, -half])
    return block


def _queries(queries: np.ndarray, metric: str) -> np.ndarray:
    if metric == "angular":
        return _unit(queries)
    if metric == "euclidean":
        return np.column_stack([queries, np.ones(len(queries), np.float32)])
    return queries


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, np.finfo(np.float32).tiny)


def _check_queries(queries: np.ndarray, dim: int) -> np.ndarray:
    queries = np.asarray(queries, dtype=np.float32)
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(f"expected queries of shape (q, {dim}), found {queries.shape}")
    return queries


def _top(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and values of the k best of each row of `scores`, in no particular order."""
    if k >= scores.shape[1]:
        found = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    else:
        found = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]
    return found, np.take_along_axis(scores, found, axis=1)


def _merge(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


class AnnoyEngine:
    """Approximate search in an Annoy forest whose item ids are the row numbers 0..count-1.

    Safe for any number of reading threads: Annoy only reads the mapped file and lets go of
    Python's lock meanwhile.
    """

    def __init__(self, forest: object, metric: str, count: int, search_k: int) -> None:
        self._forest = forest
        self.metric = metric
        self.count = count
        self.search_k = search_k

    @staticmethod
    def build(
        vectors: np.ndarray,
        path: str | Path,
        metric: str,
        trees: int = DEFAULT_TREES,
        seed: int = 0,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Write the forest of `vectors` (n, dim) to `path`, which must not be in use.

        One thread and one seed: the same vectors give the same bytes. `progress` is told how many
        rows were added so far.
        """
        build_annoy(vectors, metric, trees, seed, progress).save(str(path))

    @classmethod
    def open(
        cls, path: str | Path, dim: int, metric: str, count: int, search_k: int
    ) -> AnnoyEngine:
        """Map a forest after checking what Annoy does not; raises IndexCorrupt, never crashes."""
        from annoy import AnnoyIndex

        validate_annoy_file(Path(path), dim, metric, count)
        forest = AnnoyIndex(dim, metric)
        forest.load(str(path))
        if forest.get_n_items() != count:
            raise IndexCorrupt(
                f"{Path(path).name} holds {forest.get_n_items()} items, the manifest says {count}"
            )
        return cls(forest, metric, count, search_k)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        rows: np.ndarray | None = None,
        *,
        search_k: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """About the k nearest rows: as good as `search_k` allows, and sometimes fewer than k.

        A subset `rows` filters what the forest gives, so it may leave few. Where the queries get
        different numbers of hits, all are cut to the shortest, so that the answer is one array.
        """
        queries = _check_queries(queries, self._forest.f)
        k = min(k, self.count)
        effort = min(max(search_k or self.search_k, k), 2**31 - 1)
        wanted = None if rows is None else np.asarray(rows)
        answers = [self._one(query, k, effort, wanted) for query in queries]
        shortest = min((len(found) for found, _ in answers), default=0)
        found = np.array([a[0][:shortest] for a in answers], np.int64)
        scores = np.array([a[1][:shortest] for a in answers], np.float32)
        return found.reshape(len(queries), shortest), scores.reshape(len(queries), shortest)

    def _one(
        self, query: np.ndarray, k: int, effort: int, wanted: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        found, distances = self._forest.get_nns_by_vector(
            query.tolist(), k, search_k=effort, include_distances=True
        )
        found, distances = np.array(found, np.int64), np.array(distances, np.float32)
        if wanted is not None:
            kept = np.isin(found, wanted)
            found, distances = found[kept], distances[kept]
        return found, _score(distances, self.metric)


def _score(distances: np.ndarray, metric: str) -> np.ndarray:
    if metric == "angular":  # Annoy's angular distance is sqrt(2 - 2 cosine)
        return 1 - distances * distances / 2
    return -distances if metric == "euclidean" else distances


def build_annoy(
    vectors: np.ndarray,
    metric: str,
    trees: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> object:
    """The annoy.AnnoyIndex of `vectors` (n, dim), built by one thread; ids are row numbers."""
    from annoy import AnnoyIndex

    check_metric(metric)
    forest = AnnoyIndex(vectors.shape[1], metric)
    forest.set_seed(seed)
    step = max(1, _BLOCK_FLOATS // 16 // vectors.shape[1])
    for start in range(0, len(vectors), step):
        block = np.asarray(vectors[start : start + step], np.float32).tolist()
        for row, vector in enumerate(block, start):
            forest.add_item(row, vector)
        if progress:
            progress(start + len(block))
    forest.build(trees, n_jobs=1)
    return forest


@dataclass(frozen=True)
class Tuning:
    """What a forest needs to reach the recall asked for, and what a query then costs."""

    search_k: int
    recall: float  # measured on held-out queries at this search_k
    annoy_ms: float  # median of single queries, one thread
    exact_ms: float
    reached: bool


def tune_search_k(
    vectors: np.ndarray,
    metric: str,
    trees: int = DEFAULT_TREES,
    seed: int = 0,
    recall: float = 0.99,
    k: int = 24,
    sample: int = 200,
) -> Tuning:
    """Choose Annoy's search_k on held-out queries: the least that reaches `recall` at `k`.

    The queries are rows that are left out of the forest they are asked of, since a row always
    finds itself; exact search is the oracle. The walk doubles search_k, then bisects to within a
    tenth; it gives up (`reached` False) where Annoy takes ten times as long as exact search.
    """
    from threadpoolctl import threadpool_limits

    check_metric(metric)
    if not 0 < recall <= 1:
        raise ValueError(f"recall must lie above 0 and not above 1, found {recall}")
    count = len(vectors)
    held = np.sort(np.random.default_rng(seed).permutation(count)[: min(sample, count // 4)])
    if not len(held):  # up to three rows: any search visits them all
        return Tuning(max(k, trees * count), 1.0, 0.0, 0.0, True)
    rest = np.delete(np.asarray(vectors), held, axis=0)
    queries = np.asarray(vectors[held], np.float32)
    trial = _Trial(rest, queries, metric, trees, seed, min(k, len(rest)))
    with threadpool_limits(1):
        return trial.walk(recall)


class _Trial:
    """A forest over the rows that were not held out, next to the exact answers."""

    def __init__(
        self, rest: np.ndarray, queries: np.ndarray, metric: str, trees: int, seed: int, k: int
    ) -> None:
        self.queries, self.k = queries, k
        self.everything = trees * len(rest)
        self.exact = ExactEngine(rest, metric)
        self.annoy = AnnoyEngine(build_annoy(rest, metric, trees, seed), metric, len(rest), 1)
        self.least = self.exact.search(queries, k)[1][:, -1]
        self.exact_ms = _median_ms(lambda query: self.exact.search(query, k), queries[:50])

    def walk(self, target: float) -> Tuning:
        below, search_k = 0, self.k
        tuning = self.measure(search_k, target)
        while not tuning.reached and search_k < self.everything:
            if tuning.annoy_ms > _GIVE_UP * self.exact_ms:
                return tuning
            below, search_k = search_k, 2 * search_k
            tuning = self.measure(search_k, target)
        while search_k - below > max(1, search_k // 10):
            middle = (below + search_k) // 2
            attempt = self.measure(middle, target)
            if attempt.reached:
                search_k, tuning = middle, attempt
            else:
                below = middle
        return tuning

    def measure(self, search_k: int, target: float) -> Tuning:
        hits = 0

        def ask(query: np.ndarray) -> np.ndarray:
            return self.annoy.search(query, self.k, search_k=search_k)[1]

        for query, least in zip(self.queries, self.least, strict=True):
            hits += int((ask(query[None])[0] >= least - _TIE * max(1, abs(least))).sum())
        recall = hits / (len(self.queries) * self.k)
        annoy_ms = _median_ms(ask, self.queries[:50])
        return Tuning(search_k, recall, annoy_ms, self.exact_ms, recall >= target)


def _median_ms(ask: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    times = []
    for query in queries:
        start = time.perf_counter()
        ask(query[None])
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))
