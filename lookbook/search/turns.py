"""Orders in which several colours, or the kinds of a general one, take turns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from lookbook.search.calibration import kind_column
from lookbook.search.index import Groups, Hit, Index

_MIN_SHARE = 0.05  # of the hits that a kind takes turns for
_RARE = -1  # no code of a kind
_BELOW = 1e-3  # less than levels differ by


def take_turns(lists: Sequence[tuple[Sequence[Hit], np.ndarray]], groups: Groups) -> list[Hit]:
    """Return the hits of several lists, each one's first before each one's second.

    With each list come levels, float (n,) by row: all of a higher one are before those of a lower.
    Of each group, `groups` int (n,), the first hit is kept.
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


def alternated(
    search: Callable[[np.ndarray | None], list[Hit]],
    alternatives: Sequence[np.ndarray],
    allowed: np.ndarray | None,
    levels: np.ndarray,
    weight: float,
    groups: Groups,
) -> list[Hit]:
    """Return the hits for each of `alternatives`, bool (n,), in turns, then the others.

    `search` finds the best hits of those allowed; `levels` float (n,) are what counts beside the
    alternatives, which count `weight`. Of "red or blue" the encoder may find one colour closer than
    the other, which says nothing of what was asked for.
    """
    parts = [rows if allowed is None else rows & allowed for rows in alternatives]
    lists = [(search(rows), levels) for rows in parts if rows.any()]
    return take_turns([*lists, (search(allowed), levels - np.float32(weight))], groups)


def mixed_kinds(hits: Sequence[Hit], levels: np.ndarray, index: Index) -> list[Hit]:
    """Return hits with the catalogue's finest kinds in turns, within each of `levels` by row.

    Kinds that few of the hits are of come after the others of their level: a free gift among
    glasses.
    """
    column = kind_column(index.columns)
    if column is None:
        return list(hits)
    _, codes = index.categorical_codes(column)
    counts = Counter(int(codes[hit.row]) for hit in hits)
    by_kind: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        kind = int(codes[hit.row])
        by_kind[kind if counts[kind] >= _MIN_SHARE * len(hits) else _RARE].append(hit)
    rare = by_kind.pop(_RARE, [])
    lists = [(one, levels) for one in by_kind.values()]
    return take_turns([*lists, (rare, levels - np.float32(_BELOW))], None)
