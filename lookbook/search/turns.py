"""Orders in which several colours or kinds, or the kinds of a general one, take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from lookbook.search.calibration import kind_column
from lookbook.search.concepts import STRAY_SHARE
from lookbook.search.index import Groups, Hit, Index

_COSINES = 2.1  # more than two cosines differ by
_MAX_KINDS = 8  # of a general one, that take turns


def interleave(lists: Sequence[tuple[Sequence[Hit], np.ndarray]], groups: Groups) -> list[Hit]:
    """Return the hits of several lists, each one's first before each one's second.

    With each list come levels, float (n,) by row: all of a higher one are before those of a lower.
    Of each group, `groups` int (n,), the first hit is kept. Longer lists keep the order of what
    shorter ones give where the hits of each are in the order of its levels, as `levels_first` has
    them.
    """
    placed: list[tuple[tuple[float, int, int], Hit]] = []
    for number, (hits, levels) in enumerate(lists):
        turns: Counter[float] = Counter()
        for hit in hits:
            level = float(levels[hit.row])
            placed.append(((-level, turns[level], number), hit))
            turns[level] += 1
    first: dict[int, Hit] = {}
    for _, hit in sorted(placed, key=lambda one: one[0]):
        first.setdefault(hit.row if groups is None else int(groups[hit.row]), hit)
    return list(first.values())


def levels_first(levels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return float32 (n,): scores beside cosines in which every level is before those below it.

    `levels` (n,) are what lists are merged by, `scores` (n,) what orders the items of one level.
    """
    _, ranks = np.unique(levels, return_inverse=True)
    within = (scores - levels).round(2)
    step = float(np.ptp(within)) + _COSINES
    return np.asarray(within + step * ranks, np.float32)


def alternated(
    search: Callable[[np.ndarray | None], list[Hit]],
    alternatives: Sequence[np.ndarray],
    allowed: np.ndarray | None,
    levels: np.ndarray,
    weight: float,
    groups: Groups,
) -> list[Hit]:
    """Return the hits for each of `alternatives`, bool (n,), in turns, then the others.

    `search` finds the best hits of those allowed, higher `levels` first: float (n,), what counts
    beside the alternatives, which count `weight`. Of "red or blue" the encoder may find one colour
    closer than the other, which says nothing of what was asked for.
    """
    parts = [rows if allowed is None else rows & allowed for rows in alternatives]
    found = [hits for rows in parts if rows.any() and (hits := search(rows))]
    found.sort(key=lambda hits: -hits[0].score)
    lists = [(hits, levels) for hits in found]
    return interleave([*lists, (search(allowed), levels - np.float32(weight))], groups)


def common_kinds(allowed: np.ndarray | None, index: Index) -> list[np.ndarray]:
    """Return bool (n,) for each of the catalogue's finest kinds that many allowed items are of.

    Not for a stray one, as a free gift among glasses is.
    """
    column = kind_column(index.columns)
    if column is None:
        return []
    _, codes = index.categorical_codes(column)
    counts = np.bincount(codes if allowed is None else codes[allowed])
    common = np.argsort(-counts, kind="stable")[:_MAX_KINDS]
    return [codes == kind for kind in common if counts[kind] >= STRAY_SHARE * counts.sum()]
