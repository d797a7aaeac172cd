"""Approximate search by hnswlib: a navigable small-world graph, loaded into memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

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

_SPACES = {"angular": "cosine", "euclidean": "l2", "dot": "ip"}
_BLOCK_ROWS = 4096


@register
class HnswEngine(Engine):
    """HNSW (Malkov & Yashunin 2018) as hnswlib has it; `effort` is its ef.

    hnswlib's `set_ef` would change the index for every thread, so ef is given by asking for that
    many neighbours and returning the first k of them.
    """

    name = "hnswlib"
    file = "graph.hnsw"
    package = "hnswlib"
    options: ClassVar[Mapping[str, int]] = {"connectivity": 16, "ef_construction": 200}

    def __init__(self, graph: Any, metric: str, effort: int) -> None:
        self._graph = graph
        self.metric = metric
        self.count: int = graph.element_count
        self.effort: int = effort
        graph.set_num_threads(1)
        graph.set_ef(1)  # no less than the number of neighbours asked for

    @classmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        connectivity: int = 16,
        ef_construction: int = 200,
        **options: int,
    ) -> Self:
        """Build the graph of `vectors` (n, dim) in memory, by one thread."""
        import hnswlib

        check_metric(metric)
        graph = hnswlib.Index(_SPACES[metric], vectors.shape[1])
        graph.init_index(
            len(vectors), connectivity, ef_construction, random_seed=seed + 1
        )  # its generator takes 0 for 1
        for start in range(0, len(vectors), _BLOCK_ROWS):
            block = np.asarray(vectors[start : start + _BLOCK_ROWS], np.float32)
            graph.add_items(block, np.arange(start, start + len(block)), num_threads=1)
            if progress:
                progress(start + len(block))
        return cls(graph, metric, len(vectors))

    def save(self, path: Path) -> None:
        """Write the file that `open` loads."""
        self._graph.save_index(str(path))

    @classmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Load a graph after checking what hnswlib does not; raises IndexCorrupt, never crashes."""
        import hnswlib

        count, dim = vectors.shape
        check_metric(metric)
        effort = check_effort(path, effort)
        validate_hnsw_file(path, dim, count)
        graph = hnswlib.Index(_SPACES[metric], dim)
        try:
            graph.load_index(str(path), max_elements=count)
        except RuntimeError as error:
            raise IndexCorrupt(f"{path.name} cannot be read: {error}") from error
        return cls(graph, metric, effort)

    @property
    def max_effort(self) -> int:
        """ef that visits every row."""
        return self.count

    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return about the k nearest rows: as good as ef allows, sometimes fewer than k.

        `rows` filters what the graph returns, so few may be left. Where queries have different
        numbers of hits, all are cut to the shortest.
        """
        queries = check_queries(queries, self._graph.dim)
        ef = min(max(effort or self.effort, k), self.count)
        return stack_hits([self._search_one(query[None], k, ef, rows) for query in queries])

    def _search_one(self, query: Array, k: int, ef: int, rows: Array | None) -> tuple[Array, Array]:
        while True:
            try:
                labels, distances = self._graph.knn_query(query, ef, num_threads=1)
                break
            except RuntimeError:  # fewer than ef rows can be reached from the entry point
                ef = max(1, ef // 2)
        hits, scores = labels[0].astype(np.int64), _score(distances[0], self.metric)
        if rows is not None:
            kept = np.isin(hits, rows)
            hits, scores = hits[kept], scores[kept]
        return hits[:k], scores[:k]


def _score(distances: Array, metric: str) -> Array:
    if metric == "euclidean":  # hnswlib gives the square
        return -np.sqrt(distances)
    return 1 - distances


class _Header(NamedTuple):
    """The first 96 bytes of a file of hnswlib 0.8, in its own order."""

    level0_offset: int
    max_elements: int
    rows: int
    element_bytes: int
    label_offset: int
    vector_offset: int
    max_level: int
    entry_point: int
    max_links: int
    max_links_level0: int
    connectivity: int
    level_factor: float
    ef_construction: int


_HEADER = struct.Struct("<6QiI3QdQ")


def validate_hnsw_file(path: Path, dim: int, count: int) -> None:
    """Check that every link leads to an element of this graph that exists on the link's level.

    hnswlib follows the numbers in the file without looking. Layout: the header; for each element
    its links on level 0 (uint32: how many, then `max_links_level0` of them), `dim` float32 and the
    label (uint64); then for each element the size in bytes of its links on higher levels (uint32)
    and these, `max_links` a level. Raises IndexCorrupt.
    """
    size = path.stat().st_size
    if size < _HEADER.size:
        raise IndexCorrupt(f"{path.name} has {size} bytes, its header alone {_HEADER.size}")
    content: Array = np.memmap(path, np.uint8, "r")
    header = _Header(*_HEADER.unpack(content[: _HEADER.size].tobytes()))
    links, m = 4 + 4 * header.max_links_level0, header.connectivity
    expected = header._replace(
        level0_offset=0,
        max_elements=count,
        rows=count,
        element_bytes=links + 4 * dim + 8,
        label_offset=links + 4 * dim,
        vector_offset=links,
        max_links=m,
        max_links_level0=2 * m,
    )
    if header != expected or not 2 <= m <= 1 << 12:
        raise IndexCorrupt(
            f"{path.name} is not a graph of {count} vectors of dimension {dim}: found {header}, "
            f"expected {expected}"
        )
    level0_end = _HEADER.size + count * header.element_bytes
    if size < level0_end:
        raise IndexCorrupt(f"{path.name} has {size} bytes, expected at least {level0_end}")
    _check_level0(path.name, content[_HEADER.size : level0_end], header, dim)
    _check_upper_levels(path.name, content[level0_end:], header)


def _check_level0(name: str, content: Array, header: _Header, dim: int) -> None:
    words = content.view(np.uint32).reshape(header.rows, -1)
    width = header.max_links_level0
    links_valid = _links_valid(words[:, 0], words[:, 1 : 1 + width], header.rows)
    vectors = words[:, 1 + width : 1 + width + dim].view(np.float32)
    labels = np.ascontiguousarray(words[:, -2:]).view(np.uint64)[:, 0]
    if not links_valid or not np.isfinite(vectors).all():
        raise IndexCorrupt(f"{name} has links outside its {header.rows} rows, or broken vectors")
    if (labels != np.arange(header.rows)).any():
        raise IndexCorrupt(f"{name} has labels that are not the row numbers")


def _links_valid(counts: Array, links: Array, rows: int) -> bool:
    used = np.arange(links.shape[1]) < counts[:, None]
    return bool((counts <= links.shape[1]).all() and (links[used] < rows).all())


def _check_upper_levels(name: str, content: Array, header: _Header) -> None:
    per_level = 4 + 4 * header.max_links
    levels, lists = _read_levels(name, content, per_level, header.rows)
    words = np.array([words for _, words in lists], np.uint32).reshape(-1, 1 + header.max_links)
    counts, links = words[:, 0], words[:, 1:]
    if not _links_valid(counts, links, header.rows):
        raise IndexCorrupt(f"{name} has links outside its {header.rows} rows")
    used = np.arange(header.max_links) < counts[:, None]
    level_of_list = np.array([level for level, _ in lists], np.int64)[:, None]
    if (levels[links[used]] < np.broadcast_to(level_of_list, links.shape)[used]).any():
        raise IndexCorrupt(f"{name} has links to rows that are not on the same level")
    top = header.max_level
    if not 0 <= header.entry_point < header.rows or levels[header.entry_point] != top:
        raise IndexCorrupt(f"{name} starts at row {header.entry_point}, not on its level {top}")
    if levels.max() > top:
        raise IndexCorrupt(f"{name} has rows on level {levels.max()}, its highest is {top}")


def _read_levels(
    name: str, content: Array, per_level: int, count: int
) -> tuple[Array, list[tuple[int, Array]]]:
    """Return each row's level, int64 (n,), and every (level, uint32 words) above level 0."""
    if len(content) % 4:
        raise IndexCorrupt(f"{name} does not end where its last row ends")
    words = content.view(np.uint32)
    levels = np.zeros(count, np.int64)
    lists: list[tuple[int, Array]] = []
    at = 0
    for row in range(count):
        size = int(words[at]) if at < len(words) else -1
        if size < 0 or size % per_level or at + 1 + size // 4 > len(words):
            raise IndexCorrupt(f"{name} has {size} bytes of links for row {row}")
        levels[row] = size // per_level
        rows_words = words[at + 1 : at + 1 + size // 4].reshape(-1, per_level // 4)
        lists += [(level, one) for level, one in enumerate(rows_words, 1)]
        at += 1 + size // 4
    if at != len(words):
        raise IndexCorrupt(f"{name} has {4 * (len(words) - at)} bytes after its last row")
    return levels, lists
