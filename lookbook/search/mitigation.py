"""What a shop does against bias in what it shows: switched on by its owner, off by default.

`python -m lookbook audit` with the same options measures what each one changes and costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from lookbook.schema.column_names import PEOPLE_NAMES, find_column
from lookbook.schema.filters import Condition, FilterError
from lookbook.search.index import Index

_MAX_GROUPS = 12  # the largest values are groups of their own, all others are one


@dataclass(frozen=True)
class Mitigation:
    """`quota` is a column whose values are shown as often as the catalogue has them.

    Of the first results, at every length, each value's share stays within `tolerance` of its share
    of the items that meet the filters. `genderless`: for whom an item is neither narrows nor ranks.
    `damping`: recommendations divide by popularity to this power, 0 (not at all) to 1.
    """

    quota: str | None = None
    tolerance: float = 0.1
    genderless: bool = False
    damping: float = 0.0

    @property
    def active(self) -> bool:
        """Whether anything is switched on."""
        return self.quota is not None or self.genderless or self.damping > 0


_in_use = [Mitigation()]


def mitigation() -> Mitigation:
    """Return what this process does against bias."""
    return _in_use[0]


def use_mitigation(chosen: Mitigation) -> None:
    """Choose for this process what every search and recommendation does from now on."""
    _in_use[0] = chosen


@contextmanager
def mitigated(chosen: Mitigation) -> Iterator[None]:
    """Choose for a while, to compare; not beside other threads that search."""
    before = mitigation()
    use_mitigation(chosen)
    try:
        yield
    finally:
        use_mitigation(before)


def check_quota(index: Index, chosen: Mitigation) -> None:
    """Raise FilterError where the catalogue lacks the column of the quota."""
    if chosen.quota is not None and chosen.quota not in index.columns:
        columns = ", ".join(index.columns) or "none"
        raise FilterError(f"--exposure-quota {chosen.quota}: the columns are: {columns}")


def gender_column(columns: Iterable[str]) -> str | None:
    """Return the column that says for whom items are, where it is not to be used; else None."""

    return find_column(columns, PEOPLE_NAMES) if mitigation().genderless else None


def used_conditions(
    columns: Iterable[str], conditions: tuple[Condition, ...]
) -> tuple[tuple[Condition, ...], bool]:
    """Return the conditions that may narrow, and whether one on gender was left out."""
    unused = gender_column(columns)
    kept = tuple(c for c in conditions if c.column != unused)
    return kept, len(kept) < len(conditions)


def value_groups(index: Index, column: str) -> tuple[list[str], np.ndarray]:
    """Return the names of the groups of a column's values, and int (n,) the group of each row."""
    values, codes = index.categorical_codes(column)
    largest = list(index.values(column))[:_MAX_GROUPS]
    code_of = {value: code for code, value in enumerate(largest)}
    group_of = np.array([code_of.get(value, len(largest)) for value in values])[codes]
    names = [str(value) for value in largest]
    if (group_of == len(names)).any():
        names.append("other or none")
    return names, group_of


def quota_order(groups: np.ndarray, shares: np.ndarray, count: int, tolerance: float) -> list[int]:
    """Return positions of up to `count` of ranked candidates (m,) that keep to the shares (g,).

    At each rank a group that has fallen below its share minus the tolerance comes first, then the
    best candidate of a group that is not above its share plus the tolerance (DetCons of Geyik et
    al. 2019, with both bounds); where no group can follow, the best one left.
    """
    left = [list(np.flatnonzero(groups == g)[::-1]) for g in range(len(shares))]
    placed, order = np.zeros(len(shares), int), []
    for rank in range(1, min(count, len(groups)) + 1):
        open_groups = np.array([bool(rows) for rows in left])
        least = np.floor((shares - tolerance) * rank + 1e-9)
        most = np.ceil((shares + tolerance) * rank - 1e-9)
        below = open_groups & (placed < least)
        within = open_groups & (placed < most)
        possible = below if below.any() else within if within.any() else open_groups
        chosen = min(np.flatnonzero(possible), key=lambda g: left[g][-1])
        order.append(int(left[chosen].pop()))
        placed[chosen] += 1
    return order
