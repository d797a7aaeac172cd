"""Approximate search by Annoy: a forest of random projection trees in one memory-mapped file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np

from lookbook.index.engines.annoy_file import map_vectors, validate_annoy_file
from lookbook.index.engines.contract import (
    Array,
    Engine,
    RowProgress,
    check_effort,
    check_metric,
    check_queries,
    register,
    stack_hits,
)
from lookbook.index.errors import IndexCorrupt

DEFAULT_TREES = 50
_BLOCK_FLOATS = 1 << 18  # 1 MB of float32 at a time becomes Python lists
_MAX_SEARCH_K = 2**31 - 1


@register
class AnnoyEngine(Engine):
    """Annoy, its item ids being the row numbers 0..count-1; `effort` is its search_k.

    Safe for any number of reading threads: Annoy only reads the mapped file, and releases the
    interpreter's lock meanwhile.
    """

    name = "annoy"
    file = "forest.ann"
    package = "annoy"
    options: ClassVar[Mapping[str, int]] = {"trees": DEFAULT_TREES}

    def __init__(self, forest: Any, metric: str, count: int, trees: int, search_k: int) -> None:
        self._forest = forest
        self._trees = trees
        self.metric = metric
        self.count = count
        self.effort: int = search_k
        self._vectors: Array | None = None

    @classmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        trees: int = DEFAULT_TREES,
        **options: int,
    ) -> Self:
        """Build the forest of `vectors` (n, dim) in memory, by one thread.

        One thread and one seed: the same vectors give the same bytes.
        """
        from annoy import AnnoyIndex

        check_metric(metric)
        forest: Any = AnnoyIndex(vectors.shape[1], cast(Any, metric))
        forest.set_seed(seed)
        step = max(1, _BLOCK_FLOATS // vectors.shape[1])
        for start in range(0, len(vectors), step):
            block = np.asarray(vectors[start : start + step], np.float32).tolist()
            for row, vector in enumerate(block, start):
                forest.add_item(row, vector)
            if progress:
                progress(start + len(block))
        forest.build(trees, n_jobs=1)
        return cls(forest, metric, len(vectors), trees, trees * len(vectors))

    def save(self, path: Path) -> None:
        """Write the file that `open` maps."""
        self._forest.save(str(path))

    @classmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Map a forest after checking what Annoy does not; raises IndexCorrupt, never crashes."""
        from annoy import AnnoyIndex

        count, dim = vectors.shape
        effort = check_effort(path, effort)
        validate_annoy_file(path, dim, metric, count)
        forest: Any = AnnoyIndex(dim, cast(Any, metric))
        forest.load(str(path))
        if forest.get_n_items() != count:
            raise IndexCorrupt(
                f"{path.name} holds {forest.get_n_items()} items, the manifest says {count}"
            )
        engine = cls(forest, metric, count, forest.get_n_trees(), effort)
        engine._vectors = map_vectors(path, vectors, metric)
        return engine

    @property
    def float_vectors(self) -> Array | None:
        """float32 (n, dim), the vectors in its file, which its searches read."""
        return self._vectors

    @property
    def max_effort(self) -> int:
        """search_k that visits every row in every tree."""
        return self._trees * self.count

    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return about the k nearest rows: as good as search_k allows, sometimes fewer than k.

        `rows` filters what the forest returns, so few may be left. Where queries have different
        numbers of hits, all are cut to the shortest.
        """
        queries = check_queries(queries, self._forest.f)
        k = min(k, self.count)
        search_k = min(max(effort or self.effort, k), _MAX_SEARCH_K)
        return stack_hits([self._search_one(query, k, search_k, rows) for query in queries])

    def _search_one(
        self, query: Array, k: int, search_k: int, rows: Array | None
    ) -> tuple[Array, Array]:
        found, distances = self._forest.get_nns_by_vector(
            query.tolist(), k, search_k=search_k, include_distances=True
        )
        hits = np.array(found, np.int64)
        scores = _score(np.array(distances, np.float32), self.metric)
        if rows is None:
            return hits, scores
        kept = np.isin(hits, rows)
        return hits[kept], scores[kept]


def _score(distances: Array, metric: str) -> Array:
    if metric == "angular":  # Annoy's angular distance is sqrt(2 - 2 cosine)
        return 1 - distances * distances / 2
    return -distances if metric == "euclidean" else distances
