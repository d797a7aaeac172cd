"""Exact search: one matrix product with all vectors."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from lookbook.index.blas_threads import threads_for
from lookbook.index.engines.contract import (
    Array,
    Engine,
    RowProgress,
    check_metric,
    check_queries,
    register,
)
from lookbook.index.mapped import release_pages
from lookbook.index.normalization import UnitRows, unit_vectors

_BLOCK_FLOATS = 1 << 22  # 16 MB of float32 at a time when memory-mapped vectors are converted
_GATHERED_ROWS = 256  # 1 MB of float32 at a dimension of 1,024
_PREPARED_BYTES = 512 << 20  # vectors up to this size are kept in memory as float32


def exact_neighbours(vectors: Array, queries: Array, k: int, metric: str) -> tuple[Array, Array]:
    """Return the true k nearest rows of `vectors` (n, dim) for each of `queries` (q, dim).

    Works block by block, so that memory-mapped float16 vectors are never in memory as a whole.
    Returns rows int64 and scores float32, both (q, min(k, n)), best first, ties by row number.
    """
    return ExactEngine(vectors, metric, prepared_bytes=0).search(queries, k)


@register
class ExactEngine(Engine):
    """Exact search over `vectors` (n, dim), float16 or float32, memory-mapped or not."""

    name = "exact"

    def __init__(
        self,
        vectors: Array,
        metric: str,
        *,
        prepared_bytes: int = _PREPARED_BYTES,
        mapped: Array | None = None,
    ) -> None:
        """`mapped`: the same as float32 in a mapped file; no copy is made of them where angular."""
        check_metric(metric)
        self.metric = metric
        self._vectors = vectors
        self._mapped = mapped if metric == "angular" else None
        self._keep = vectors.shape[0] * (vectors.shape[1] + 1) * 4 <= prepared_bytes

    def __len__(self) -> int:
        """How many rows are searched."""
        return len(self._vectors)

    @classmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        **options: int,
    ) -> Self:
        """Return an engine over `vectors`: there is nothing to build."""
        return cls(vectors, metric)

    def save(self, path: Path) -> None:
        """Write nothing: vectors.npy is all that `open` needs."""

    @classmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Return an engine over `vectors`; `path` and `effort` are not used."""
        return cls(vectors, metric)

    @cached_property
    def _prepared(self) -> Array | None:
        if not self._keep:
            return None
        if self._mapped is not None:
            return self._mapped
        count, dim = self._vectors.shape
        prepared: Array = np.empty((count, dim + (self.metric == "euclidean")), np.float32)
        step = max(1, _BLOCK_FLOATS // dim)
        for start in range(0, count, step):
            block = self._vectors[start : start + step]
            prepared[start : start + step] = _prepare_vectors(block, self.metric)
        release_pages(self._vectors)
        return prepared

    @cached_property
    def unit_vectors(self) -> UnitRows | None:
        """Those of L2 norm 1, of the array in memory that is searched; None where there is none."""
        if self._prepared is None or self.metric != "angular":
            return None
        return UnitRows(self._prepared)

    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return the k nearest rows, or the k nearest among `rows` (int64, distinct) where given.

        Queries float32 (q, dim); returns rows int64 and scores float32, both (q, min(k, n)).
        """
        queries = check_queries(queries, self._vectors.shape[1])
        with threads_for(len(queries)):
            return self._search(queries, k, rows)

    def _search(self, queries: Array, k: int, rows: Array | None) -> tuple[Array, Array]:
        prepared = _prepare_queries(queries, self.metric)
        total = len(self._vectors) if rows is None else len(rows)
        best_rows: Array = np.empty((len(queries), 0), np.int64)
        best: Array = np.empty((len(queries), 0), np.float32)
        step = self._step(len(queries))
        for start in range(0, total, step):
            stop = min(start + step, total)
            numbers = np.arange(start, stop) if rows is None else rows[start:stop]
            block = self._scores(prepared, start, stop, rows)
            positions, scores = _top(block, k)
            best_rows = np.concatenate([best_rows, numbers[positions]], axis=1)
            best, best_rows = _merge(np.concatenate([best, scores], axis=1), best_rows, k)
        return best_rows, self._final(queries, best_rows, best)

    def _step(self, queries: int) -> int:
        width = queries if self._keep else max(queries, self._vectors.shape[1])
        return max(1, _BLOCK_FLOATS // max(1, width))

    def _scores(self, queries: Array, start: int, stop: int, rows: Array | None) -> Array:
        part = slice(start, stop) if rows is None else rows[start:stop]
        if self._prepared is None:
            scores: Array = queries @ _prepare_vectors(self._vectors[part], self.metric).T
            return scores
        # Beyond half of all rows, gathering them costs more than multiplying all.
        if rows is not None and len(queries) == 1 and 2 * len(rows) > len(self._prepared):
            scores = (queries @ self._prepared.T)[:, part]
        elif rows is not None:
            scores = _gathered(queries, self._prepared, rows[start:stop])
        else:
            scores = queries @ self._prepared[part].T
        if self._mapped is not None and self.unit_vectors is not None:
            scores *= self.unit_vectors.scale[part]
        return scores

    def _final(self, queries: Array, rows: Array, scores: Array) -> Array:
        if self.metric != "euclidean":
            return scores
        near = self._vectors[rows].astype(np.float32)
        negated: Array = -np.linalg.norm(near - queries[:, None, :], axis=2).astype(np.float32)
        return negated


def _gathered(queries: Array, vectors: Array, rows: Array) -> Array:
    """Return the products of queries with some rows, a few of which the CPU's cache holds."""
    scores: Array = np.empty((len(queries), len(rows)), np.float32)
    for start in range(0, len(rows), _GATHERED_ROWS):
        part = slice(start, start + _GATHERED_ROWS)
        scores[:, part] = queries @ vectors[rows[part]].T
    return scores


def _prepare_vectors(block: Array, metric: str) -> Array:
    """Return a float32 copy such that one product with a prepared query ranks for the metric."""
    block = np.asarray(block, dtype=np.float32)
    if metric == "angular":
        return unit_vectors(block)
    if metric == "euclidean":  # |x - q|^2 = |q|^2 - 2 (x.q - |x|^2 / 2): an extra column ranks it
        half = 0.5 * np.einsum("ij,ij->i", block, block)
        return np.column_stack([block, -half])
    return block


def _prepare_queries(queries: Array, metric: str) -> Array:
    if metric == "angular":
        return unit_vectors(queries)
    if metric == "euclidean":
        return np.column_stack([queries, np.ones(len(queries), np.float32)])
    return queries


def _top(scores: Array, k: int) -> tuple[Array, Array]:
    """Positions and values of the k best of each row of `scores`, in no particular order."""
    if k >= scores.shape[1]:
        positions = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    else:
        positions = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]
    return positions, np.take_along_axis(scores, positions, axis=1)


def _merge(scores: Array, rows: Array, k: int) -> tuple[Array, Array]:
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
