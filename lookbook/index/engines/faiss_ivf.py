"""Approximate search by faiss: inverted lists of float16 vectors, loaded into memory."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

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
from lookbook.index.engines.exact import exact_neighbours
from lookbook.index.errors import IndexCorrupt
from lookbook.index.mapped import release_pages
from lookbook.index.normalization import unit_vectors

_BLOCK_ROWS = 4096
_TRAINED_ON = 40  # rows a list: the clustering is fitted on so many, drawn from all
# Rows of mapped vectors that are read before their pages are given back: some 64 kB around each row
# count as memory of this process, at a million soon all 1.7 GB.
_MOST_READ = 4096
_FORMAT = 1
_LENGTH = struct.Struct("<Q")  # of the head, in bytes


@register
class FaissEngine(Engine):
    """An inverted file (IVF, Jégou et al. 2011) as faiss has it; `effort` is its nprobe.

    Rows are clustered, a query is compared with the rows of the nearest clusters. The file is our
    own, so that a damaged one is refused before faiss reads it: for each list its vectors float16
    and their rows int64; centroids float32 (lists, dim); a head in JSON; the length of the head.
    Hits are scored again from the vectors of the index, whose precision is that of the score.
    """

    name = "faiss"
    file = "lists.ivf"
    package = "faiss"
    distribution = "faiss-cpu"
    options: ClassVar[Mapping[str, int]] = {"lists_factor": 4}  # lists: about so often sqrt(n)

    def __init__(
        self, index: Any, quantizer: Any, vectors: Array, metric: str, effort: int
    ) -> None:
        self._index, self._vectors, self.metric, self.effort = index, vectors, metric, effort
        self._quantizer = quantizer  # of which faiss has a pointer only
        self._rows_read = 0  # of the vectors since their pages were given back

    @classmethod
    def build(
        cls,
        vectors: Array,
        metric: str,
        *,
        seed: int = 0,
        progress: RowProgress | None = None,
        lists_factor: int = 4,
        **options: int,
    ) -> Self:
        """Cluster `vectors` (n, dim) and sort them into lists, by one thread."""
        import faiss
        from threadpoolctl import threadpool_limits

        check_metric(metric)
        count, dim = vectors.shape
        lists = min(count, 1 << max(0, round(np.log2(lists_factor * np.sqrt(count)))))
        quantizer, how = _quantizer(dim, metric), faiss.ClusteringParameters()
        index = _inverted_file(quantizer, dim, lists, metric)
        how.seed, how.min_points_per_centroid, how.max_points_per_centroid = seed, 1, _TRAINED_ON
        index.cp = how
        drawn = np.random.default_rng(seed).permutation(count)[: _TRAINED_ON * lists]
        with threadpool_limits(1):
            index.train(_prepared(vectors[np.sort(drawn)], metric))
            for start in range(0, count, _BLOCK_ROWS):
                index.add(_prepared(vectors[start : start + _BLOCK_ROWS], metric))
                if progress:
                    progress(min(count, start + _BLOCK_ROWS))
        return cls(index, quantizer, vectors, metric, lists)

    def save(self, path: Path) -> None:
        """Write the file that `open` loads."""
        import faiss

        inverted, quantizer = self._index.invlists, self._index.quantizer
        lists, dim = self._index.nlist, self._index.d
        sizes = [int(inverted.list_size(i)) for i in range(lists)]
        head = {"format": _FORMAT, "metric": self.metric, "dim": dim, "sizes": sizes}
        with path.open("wb") as file:
            for i in filter(sizes.__getitem__, range(lists)):
                codes = faiss.rev_swig_ptr(inverted.get_codes(i), sizes[i] * inverted.code_size)
                file.write(codes.tobytes())
                file.write(faiss.rev_swig_ptr(inverted.get_ids(i), sizes[i]).tobytes())
            file.write(quantizer.reconstruct_n(0, lists).astype("<f4").tobytes())
            text = json.dumps(head).encode("ascii")
            text += b" " * (-len(text) % 8)  # all of the file is aligned
            file.write(text + _LENGTH.pack(len(text)))

    @classmethod
    def open(cls, path: Path, vectors: Array, metric: str, effort: int | None) -> Self:
        """Load the lists after checking where each begins and ends; raises IndexCorrupt."""

        check_metric(metric)
        effort = check_effort(path, effort)
        count, dim = vectors.shape
        sizes = _read_sizes(path, count, dim, metric)
        lists, end = len(sizes), count * _row_bytes(dim)
        centroids = np.fromfile(path, "<f4", lists * dim, offset=end).reshape(lists, dim)
        if not np.isfinite(centroids).all():
            raise IndexCorrupt(f"{path.name} has centroids that are no numbers")
        quantizer = _quantizer(dim, metric)
        quantizer.add(centroids)
        index = _inverted_file(quantizer, dim, lists, metric)
        _load_lists(path, sizes, index, count)
        index.is_trained, index.ntotal = True, count
        return cls(index, quantizer, vectors, metric, min(effort, lists))

    @property
    def max_effort(self) -> int:
        """nprobe that visits every list."""
        return int(self._index.nlist)

    def search(
        self, queries: Array, k: int, rows: Array | None = None, *, effort: int | None = None
    ) -> tuple[Array, Array]:
        """Return the k nearest rows of the nearest lists, fewer where these hold fewer."""
        import faiss

        asked = check_queries(queries, self._index.d)
        queries = _prepared(asked, self.metric)
        how = faiss.SearchParametersIVF()
        how.nprobe = min(effort or self.effort or 1, self.max_effort)
        if rows is not None:
            chosen = np.zeros(self._index.ntotal, bool)
            chosen[rows] = True
            bits = np.packbits(chosen, bitorder="little")
            how.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[arg-type, call-arg]
        wanted = min(2 * k + 16, self._index.ntotal)
        _, found = self._index.search(queries, wanted, params=how)
        return stack_hits(
            [
                self._best(query, np.sort(r[r >= 0]), k)
                for query, r in zip(asked, found, strict=True)
            ]
        )

    def _best(self, query: Array, rows: Array, k: int) -> tuple[Array, Array]:
        """Return the best k of `rows` and their scores, by the vectors as they are stored."""
        places, scores = exact_neighbours(self._read(rows), query[None], k, self.metric)
        return rows[places[0]], scores[0]

    def _read(self, rows: Array) -> Array:
        """Return the vectors of `rows`; the pages around them do not pile up in this process."""
        self._rows_read += len(rows)
        if self._rows_read > _MOST_READ:
            self._rows_read = 0
            release_pages(self._vectors)
        return self._vectors[rows]


def _prepared(vectors: Array, metric: str) -> Array:
    """Return float32 rows, of norm 1 for the angular metric: the inner product is the cosine."""
    if metric == "angular":
        return unit_vectors(vectors)
    return np.ascontiguousarray(vectors, np.float32)


def _quantizer(dim: int, metric: str) -> Any:
    import faiss

    return faiss.IndexFlatL2(dim) if metric == "euclidean" else faiss.IndexFlatIP(dim)


def _inverted_file(quantizer: Any, dim: int, lists: int, metric: str) -> Any:
    import faiss

    kind = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
    half = faiss.ScalarQuantizer.QT_fp16
    # the rows themselves, not what they differ by from their centroid
    return faiss.IndexIVFScalarQuantizer(quantizer, dim, lists, half, kind, False)


def _row_bytes(dim: int) -> int:
    return 2 * dim + 8


def _read_sizes(path: Path, count: int, dim: int, metric: str) -> Array:
    """Return the size of each list, int64; raises IndexCorrupt for a file of another build."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(-min(size, _LENGTH.size), os.SEEK_END)
        length = int.from_bytes(file.read(), "little")
        if length > size - _LENGTH.size:
            raise IndexCorrupt(f"{path.name} has no head of {length} bytes")
        file.seek(size - _LENGTH.size - length)
        try:
            head = json.loads(file.read(length))
            sizes = np.array(head["sizes"], np.int64)
            found = (head["format"], head["metric"], head["dim"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise IndexCorrupt(f"{path.name} has no readable head: {error}") from error
    expected = (_FORMAT, metric, dim)
    if found != expected or sizes.ndim != 1 or not len(sizes):
        raise IndexCorrupt(f"{path.name} is for {found}, expected {expected}")
    if (sizes < 0).any() or (sizes > count).any() or int(sizes.sum()) != count:
        raise IndexCorrupt(f"{path.name} has lists of {sizes.sum()} rows, expected {count}")
    told = count * _row_bytes(dim) + 4 * len(sizes) * dim + length + _LENGTH.size
    if size != told:
        raise IndexCorrupt(f"{path.name} has {size} bytes, its head tells of {told}")
    return sizes


def _lists(path: Path, sizes: Array, dim: int) -> Iterator[tuple[Array, Array]]:
    """Yield the bytes of the vectors and the rows, int64, of each list."""
    content: Array = np.memmap(path, np.uint8, "r")
    at = 0
    for size in sizes.tolist():
        middle, end = at + size * 2 * dim, at + size * _row_bytes(dim)
        yield np.array(content[at:middle]), np.frombuffer(content[middle:end].tobytes(), "<i8")
        at = end


def _load_lists(path: Path, sizes: Array, index: Any, count: int) -> None:
    """Fill the lists of `index`; raises IndexCorrupt unless every row is in one of them."""
    import faiss

    seen = np.zeros(count, bool)
    for number, (codes, rows) in enumerate(_lists(path, sizes, index.d)):
        if not len(rows):
            continue
        if rows.min() < 0 or rows.max() >= count:
            raise IndexCorrupt(f"{path.name} names a row outside its {count} rows")
        seen[rows] = True
        index.invlists.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(codes))
    if not seen.all():
        raise IndexCorrupt(f"{path.name} lacks rows")
