"""Who did what with which item and when, as arrays; and what one person did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp


def _rows() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class History:
    """What one person did, oldest first: rows of items, weights, ages in days, and kinds.

    `hidden` rows are never shown to this person, `disliked` rows push away what is like them.
    `name` is the person's, where a model was fitted with it.
    """

    rows: np.ndarray = field(default_factory=_rows)
    weights: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    ages: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    kinds: tuple[str, ...] = ()
    hidden: np.ndarray = field(default_factory=_rows)
    disliked: np.ndarray = field(default_factory=_rows)
    name: str | None = None

    @classmethod
    def of_rows(cls, rows: Sequence[int], kind: str = "buy", **about: object) -> History:
        """A history of equal weights, all of it just now."""
        rows = np.asarray(rows, np.int64)
        ones = np.ones(len(rows), np.float32)
        return cls(rows, ones, 0 * ones, (kind,) * len(rows), **about)  # type: ignore[arg-type]

    @property
    def known(self) -> np.ndarray:
        """int64: the distinct rows, in order of number."""
        return np.unique(self.rows)

    @cached_property
    def by_row(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct rows, and the largest weight of each, as `Interactions.matrix` has them."""
        rows, inverse = np.unique(self.rows, return_inverse=True)
        weights = np.zeros(len(rows), np.float32)
        np.maximum.at(weights, inverse, self.weights)
        return rows, weights

    def __len__(self) -> int:
        return len(self.rows)


EMPTY = History()


@dataclass(frozen=True)
class Interactions:
    """n interactions: `user` and `item` numbers, `day` as a number of days, `weight`.

    `users` are the names behind the numbers of users; items are rows of a catalogue of
    `item_count`. `price` is nan where it is not known; `season` and `occasion` are "" there.
    """

    users: list[str]
    item_count: int
    user: np.ndarray
    item: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    price: np.ndarray | None = None
    season: np.ndarray | None = None
    occasion: np.ndarray | None = None
    kind: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        users: Sequence,
        rows: np.ndarray,
        days: np.ndarray,
        item_count: int,
        **columns: np.ndarray | None,
    ) -> Interactions:
        """From one entry an interaction; rows of -1 (no item of this catalogue) are left out."""
        kept = np.asarray(rows) >= 0
        names, numbers = np.unique(np.asarray(users, dtype=str)[kept], return_inverse=True)
        rest = {n: np.asarray(c)[kept] for n, c in columns.items() if c is not None}
        rest.setdefault("weight", np.ones(int(kept.sum()), np.float32))
        return cls(
            names.tolist(),
            item_count,
            numbers.astype(np.int64),
            np.asarray(rows, np.int64)[kept],
            np.asarray(days, np.float64)[kept],
            **rest,
        )

    def __len__(self) -> int:
        return len(self.user)

    def where(self, kept: np.ndarray) -> Interactions:
        """The interactions that the bool mask (n,) keeps; users keep their numbers."""
        names = ("user", "item", "day", "weight", "price", "season", "occasion", "kind")
        parts = {n: getattr(self, n) for n in names}
        return replace(self, **{n: None if p is None else p[kept] for n, p in parts.items()})

    def before(self, day: float) -> Interactions:
        """What happened before `day`."""
        return self.where(self.day < day)

    @property
    def now(self) -> float:
        """The first day after the last interaction: ages are counted from here."""
        return float(np.floor(self.day.max()) + 1) if len(self) else 0.0

    def matrix(self) -> sp.csr_matrix:
        """float32 (users, items): the weight of each pair, at most that of one interaction."""
        import scipy.sparse as sp

        shape = (len(self.users), self.item_count)
        order = np.lexsort((-self.weight, self.item, self.user))
        user, item, weight = self.user[order], self.item[order], self.weight[order]
        first = np.ones(len(user), bool)
        first[1:] = (np.diff(user) != 0) | (np.diff(item) != 0)
        parts = (weight[first].astype(np.float32), (user[first], item[first]))
        return sp.csr_matrix(parts, shape=shape)

    @cached_property
    def _of_user(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.lexsort((self.day, self.user))
        ends = np.cumsum(np.bincount(self.user, minlength=len(self.users)))
        return order, np.concatenate([[0], ends])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.users)}

    def history(self, name: str, now: float | None = None) -> History | None:
        """What the user called `name` did, seen from day `now`; None for one who did nothing."""
        number = self._numbers.get(name)
        if number is None:
            return None
        order, starts = self._of_user
        mine = order[starts[number] : starts[number + 1]]
        if not len(mine):
            return None
        ages = (self.now if now is None else now) - self.day[mine]
        kinds = ("buy",) * len(mine) if self.kind is None else tuple(map(str, self.kind[mine]))
        return History(
            self.item[mine], self.weight[mine], ages.astype(np.float32), kinds, name=name
        )
