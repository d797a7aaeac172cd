"""Near-duplicates: group rows that show the same picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.index.engines.annoy import AnnoyEngine
from lookbook.index.engines.contract import Array, Engine
from lookbook.index.engines.exact import ExactEngine

MIN_COSINE = 0.95
# Measured on 39,823 shop photos: copies recompressed (JPEG quality 50 to 90, WebP) or resized by
# half to double differ by 0.5 to 2, garments of one cut in two colours by 2.2 and more.
MAX_DIFFERENCE = 2.0
_WORST_CELLS = 16
_NEIGHBOURS = 10
_EXACT_ROWS = 10_000  # with more rows, all pairs take longer than a small forest
_TREES, _SEARCH_K = 10, 1_000  # near-duplicates fall on the same side of nearly every split
_BLOCK = 256


def group_near_duplicates(
    vectors: Array,
    descriptors: Array,
    hashes: Sequence[str],
    *,
    min_cosine: float = MIN_COSINE,
    max_difference: float = MAX_DIFFERENCE,
) -> Array:
    """Group rows that show the same picture; return int64 (n,), each row's representative.

    Two rows show the same picture where their content hashes are equal, or where they are a pair of
    `near_duplicate_pairs`, which has the arguments and the errors.
    """
    pairs = near_duplicate_pairs(
        vectors, descriptors, hashes, min_cosine=min_cosine, max_difference=max_difference
    )
    return group_pairs(pairs, hashes)


def near_duplicate_pairs(
    vectors: Array,
    descriptors: Array,
    hashes: Sequence[str],
    *,
    min_cosine: float = MIN_COSINE,
    max_difference: float = MAX_DIFFERENCE,
    known: Array | None = None,
) -> Array:
    """Return int64 (p, 2), sorted: pairs (row, earlier row) of different files that look the same.

    Their vectors (n, dim) have a cosine of at least `min_cosine`, and their thumbnail descriptors
    (n, 3 x cells), uint8, differ by at most `max_difference`. Of rows with one content hash the
    first stands for all. `known`, bool (n,): rows whose pairs among each other the caller has; only
    pairs with at least one other row are searched for, exactly. Raises ValueError for inputs of
    different lengths.
    """
    if not len(vectors) == len(descriptors) == len(hashes):
        raise ValueError(
            f"expected as many vectors as thumbnail descriptors and hashes, found {len(vectors)}, "
            f"{len(descriptors)} and {len(hashes)}"
        )
    distinct = np.sort(np.unique(np.asarray(hashes), return_index=True)[1])
    queries = np.arange(len(distinct)) if known is None else np.flatnonzero(~known[distinct])
    parts = vectors[distinct], descriptors[distinct]
    engine = _engine(parts[0]) if known is None else ExactEngine(parts[0], "angular")
    pairs = _similar_pairs(engine, *parts, queries, min_cosine, max_difference)
    return distinct[np.array(pairs, np.int64).reshape(-1, 2)]


def group_pairs(pairs: Array, hashes: Sequence[str]) -> Array:
    """Group rows by pairs (p, 2) of `near_duplicate_pairs`, sorted, and by their content hashes.

    Returns int64 (n,), each row's representative: the first row of its group. A row joins only if
    it is similar to that one, so that no chain of small steps links two colourways.
    """
    _, first, inverse = np.unique(np.asarray(hashes), return_index=True, return_inverse=True)
    representative = np.arange(len(hashes))
    for row, earlier in pairs.tolist():  # by row, then by the earlier one
        if representative[row] == row and representative[earlier] == earlier:
            representative[row] = earlier
    grouped: Array = representative[first[inverse]]
    return grouped


def difference(one: Array, other: Array) -> Array:
    """Return how far thumbnail descriptors (n, 3 x cells) are apart, float (n,), 0 to 255.

    The mean over the 16 RGB cells that differ most: most of a shop photo is white background, and
    a mean over all cells would hide that a garment has another colour.
    """
    apart = np.abs(one.astype(np.int16) - other).reshape(len(one), one.shape[1] // 3, 3)
    cells = np.sort(apart.mean(axis=2), axis=1)
    worst: Array = cells[:, -_WORST_CELLS:].mean(axis=1)
    return worst


def _similar_pairs(
    engine: Engine,
    vectors: Array,
    descriptors: Array,
    queries: Array,
    min_cosine: float,
    max_difference: float,
) -> list[tuple[int, int]]:
    """Return pairs (row, earlier row) that show the same picture, one of them in `queries`."""
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        rows, scores = engine.search(np.asarray(vectors[block], np.float32), _NEIGHBOURS + 1)
        near, rank = np.nonzero(scores >= min_cosine)
        one, other = block[near], rows[near, rank]
        apart = difference(descriptors[one], descriptors[other])
        same = (apart <= max_difference) & (one != other)
        one, other = one[same].tolist(), other[same].tolist()
        pairs.update((max(pair), min(pair)) for pair in zip(one, other, strict=True))
    return sorted(pairs)


def _engine(vectors: Array) -> Engine:
    if len(vectors) <= _EXACT_ROWS:
        return ExactEngine(vectors, "angular")
    forest = AnnoyEngine.build(vectors, "angular", seed=0, trees=_TREES)
    forest.effort = _SEARCH_K
    return forest
