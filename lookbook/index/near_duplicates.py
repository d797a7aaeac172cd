"""Near-duplicates: several rows that show one and the same picture, folded into one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.index.engines.annoy import AnnoyEngine, ExactEngine, build_annoy

MIN_COSINE = 0.95
# Looked at on 39,823 shop photos: copies recompressed (JPEG quality 50 to 90, WebP) or resized by
# half to double differ by 0.5 to 2, garments of one cut in two colours by 2.2 and more.
MAX_DIFFERENCE = 2.0
_WORST_CELLS = 16
_NEIGHBOURS = 10
_EXACT_ROWS = 10_000  # beyond, all pairs take longer than a small forest
_TREES, _SEARCH_K = 10, 1_000  # near-copies fall on the same side of nearly every split
_BLOCK = 256


def fold(
    vectors: np.ndarray,
    signatures: np.ndarray,
    hashes: Sequence[str],
    *,
    min_cosine: float = MIN_COSINE,
    max_difference: float = MAX_DIFFERENCE,
) -> np.ndarray:
    """Group rows that show the same picture: int64 (n,), the first row of each row's group.

    Two rows show the same picture where their content hashes are equal, or where their vectors
    (n, dim) have a cosine of at least `min_cosine` and their signatures (n, 3 x cells), uint8,
    differ by at most `max_difference`. A row joins a group only if it is like the first row of it,
    so likeness does not creep along a chain from one colourway to the next.
    """
    if not len(vectors) == len(signatures) == len(hashes):
        raise ValueError(
            f"expected as many vectors as signatures and hashes, found {len(vectors)}, "
            f"{len(signatures)} and {len(hashes)}"
        )
    _, first, inverse = np.unique(np.asarray(hashes), return_index=True, return_inverse=True)
    distinct = np.sort(first)  # one row for each hash, in the order of the catalogue
    pairs = _alike(vectors[distinct], signatures[distinct], min_cosine, max_difference)
    representative = np.arange(len(distinct))
    for row, earlier in pairs:  # by row, then by the earlier one
        if representative[row] == row and representative[earlier] == earlier:
            representative[row] = earlier
    return distinct[representative][np.searchsorted(distinct, first[inverse])]


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far signatures (n, 3 x cells) are apart, 0 to 255: float (n,).

    The mean of the 16 RGB cells that differ most, not of all: most of a shop photo is white ground,
    in which a garment's other colour would drown.
    """
    apart = np.abs(one.astype(np.int16) - other).reshape(len(one), one.shape[1] // 3, 3)
    cells = np.sort(apart.mean(axis=2), axis=1)
    return cells[:, -_WORST_CELLS:].mean(axis=1)


def _alike(
    vectors: np.ndarray, signatures: np.ndarray, min_cosine: float, max_difference: float
) -> list[tuple[int, int]]:
    """Pairs (row, earlier row) that show the same picture, sorted."""
    engine = _engine(vectors)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(vectors), _BLOCK):
        queries = np.asarray(vectors[start : start + _BLOCK], np.float32)
        rows, scores = engine.search(queries, _NEIGHBOURS + 1)
        near, place = np.nonzero(scores >= min_cosine)
        one, other = near + start, rows[near, place]
        apart = difference(signatures[one], signatures[other])
        same = (apart <= max_difference) & (one != other)
        one, other = one[same].tolist(), other[same].tolist()
        pairs.update((max(pair), min(pair)) for pair in zip(one, other, strict=True))
    return sorted(pairs)


def _engine(vectors: np.ndarray) -> ExactEngine | AnnoyEngine:
    if len(vectors) <= _EXACT_ROWS:
        return ExactEngine(vectors, "angular")
    forest = build_annoy(vectors, "angular", _TREES, seed=0)
    return AnnoyEngine(forest, "angular", len(vectors), _SEARCH_K)
