"""Orders in which several colours, or the kinds of a general one, take turns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from lookbook.search.calibration import kind_column
from lookbook.search.index import Groups, Hit, Index


def take_turns(lists: Sequence[Sequence[Hit]], levels: np.ndarray, groups: Groups) -> list[Hit]:
    """Return the hits of several lists, each one's first before each one's second.

    Those of a higher level, float (n,) by row, come before all of a lower one. Of each group,
    `groups` int (n,), the first hit is kept.
    """
    placed: list[tuple[tuple[float, int, int], Hit]] = []
    for number, hits in enumerate(lists):
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
    groups: Groups,
) -> list[Hit]:
    """Return the hits for each of `alternatives`, bool (n,), in turns, then the others.

    `search` finds the best hits of those allowed. Of "red or blue" the encoder may find one colour
    closer than the other, which says nothing of what was asked for.
    """
    parts = [rows if allowed is None else rows & allowed for rows in alternatives]
    lists = [search(rows) for rows in parts if rows.any()]
    alternating = take_turns(lists, levels, groups)
    shown = {hit.row if groups is None else int(groups[hit.row]) for hit in alternating}
    others = search(allowed)
    return [
        *alternating,
        *(h for h in others if (h.row if groups is None else int(groups[h.row])) not in shown),
    ]


def mixed_kinds(hits: Sequence[Hit], levels: np.ndarray, index: Index) -> list[Hit]:
    """Return hits with the catalogue's finest kinds in turns, within each of `levels` by row."""
    column = kind_column(index.columns)
    if column is None:
        return list(hits)
    _, codes = index.categorical_codes(column)
    by_kind: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_kind[int(codes[hit.row])].append(hit)
    return take_turns(list(by_kind.values()), levels, None)
