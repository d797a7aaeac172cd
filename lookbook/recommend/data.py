"""Interactions of all users as arrays, and the history of one user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

TEXTS = ("season", "occasion", "event_type")  # columns of Interactions that are Labels

if TYPE_CHECKING:
    import scipy.sparse as sp


def _no_rows() -> np.ndarray:
    return np.empty(0, np.int64)


def _no_values() -> np.ndarray:
    return np.empty(0, np.float32)


@dataclass(frozen=True)
class Labels:
    """n texts of few different values: `codes` int32 (n,) say which of `values` each one is."""

    values: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str] | np.ndarray) -> Labels:
        """Return the labels of n texts."""
        values, codes = np.unique(np.asarray(texts, dtype=str), return_inverse=True)
        return cls(tuple(values.tolist()), codes.astype(np.int32))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: np.ndarray) -> Labels:
        """Return those of `rows`, row numbers or a bool mask."""
        return Labels(self.values, self.codes[rows])

    def equal(self, value: str) -> np.ndarray:
        """bool (n,): which of them are `value`."""
        code = self.values.index(value) if value in self.values else -1
        return np.asarray(self.codes == code)

    def distinct(self) -> list[str]:
        """Return the values that occur, sorted."""
        return sorted(self.values[code] for code in np.unique(self.codes))

    def tolist(self) -> list[str]:
        """Return the n texts."""
        return [self.values[code] for code in self.codes]


@dataclass(frozen=True)
class History:
    """What one user did, oldest first: `rows` of items, `weights`, `ages` in days, `event_types`.

    `disliked` rows are never shown to this user and push away what is like them. `name` is the
    user's, where a model was fitted with it.
    """

    rows: np.ndarray = field(default_factory=_no_rows)
    weights: np.ndarray = field(default_factory=_no_values)
    ages: np.ndarray = field(default_factory=_no_values)
    event_types: tuple[str, ...] = ()
    disliked: np.ndarray = field(default_factory=_no_rows)
    name: str | None = None

    @classmethod
    def of_rows(
        cls,
        rows: Sequence[int] | np.ndarray,
        event_type: str = "buy",
        disliked: np.ndarray | None = None,
        name: str | None = None,
    ) -> History:
        """Return a history of equal weights, all of it just now."""
        taken = np.asarray(rows, np.int64)
        ones = np.ones(len(taken), np.float32)
        away = _no_rows() if disliked is None else disliked
        return cls(taken, ones, 0 * ones, (event_type,) * len(taken), away, name)

    @property
    def distinct_rows(self) -> np.ndarray:
        """int64: the distinct rows, in order of number."""
        return np.unique(self.rows)

    @cached_property
    def weights_by_row(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct rows, and the largest weight of each, as `Interactions.matrix` has them."""
        rows, inverse = np.unique(self.rows, return_inverse=True)
        weights = np.zeros(len(rows), np.float32)
        np.maximum.at(weights, inverse, self.weights)
        return rows, weights

    def __len__(self) -> int:
        return len(self.rows)


EMPTY_HISTORY = History()


@dataclass(frozen=True)
class Interactions:
    """n interactions: `user` and `item` numbers (int32), `day` as a number of days, `weight`.

    `users` are the names behind the numbers of users; items are rows of a catalogue of
    `item_count`. `price` is nan where it is not known; `season` and `occasion` are "" there.
    Days are float64, since seconds count; ten million interactions take some 300 MB.
    """

    users: list[str]
    item_count: int
    user: np.ndarray
    item: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    price: np.ndarray | None = None
    season: Labels | None = None
    occasion: Labels | None = None
    event_type: Labels | None = None

    @classmethod
    def of(
        cls,
        users: Sequence,
        rows: np.ndarray,
        days: np.ndarray,
        item_count: int,
        **columns: np.ndarray | None,
    ) -> Interactions:
        """Build from one entry per interaction; rows of -1 (not in this catalogue) are left out.

        `columns` are `weight` (1 by default), `price`, and the texts `season`, `occasion` and
        `event_type`.
        """
        kept = np.asarray(rows) >= 0
        names, numbers = np.unique(np.asarray(users, dtype=str)[kept], return_inverse=True)
        given: dict[str, Any] = {
            name: (Labels.of(column) if name in TEXTS else np.asarray(column))[kept]
            for name, column in columns.items()
            if column is not None
        }
        given.setdefault("weight", np.ones(int(kept.sum()), np.float32))
        return cls(
            names.tolist(),
            item_count,
            numbers.astype(np.int32),
            np.asarray(rows, np.int32)[kept],
            np.asarray(days, np.float64)[kept],
            **given,
        )

    def __len__(self) -> int:
        return len(self.user)

    def where(self, kept: np.ndarray) -> Interactions:
        """Return the interactions of `kept`, a bool mask (n,) or row numbers; users keep theirs."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {n: c[kept] for n, c in columns.items() if isinstance(c, (np.ndarray, Labels))}
        return replace(self, **arrays)  # type: ignore[arg-type]

    def before(self, day: float) -> Interactions:
        """Return what happened before `day`."""
        return self.where(self.day < day)

    @property
    def now(self) -> float:
        """The first day after the last interaction: ages are counted from here."""
        return float(np.floor(self.day.max()) + 1) if len(self) else 0.0

    def matrix(self) -> sp.csr_matrix:
        """float32 (users, items): the largest weight of each pair."""
        import scipy.sparse as sp

        shape = (len(self.users), self.item_count)
        order = np.lexsort((-self.weight, self.item, self.user))
        user, item, weight = self.user[order], self.item[order], self.weight[order]
        first = np.ones(len(user), bool)
        first[1:] = (np.diff(user) != 0) | (np.diff(item) != 0)
        entries = (weight[first].astype(np.float32), (user[first], item[first]))
        return sp.csr_matrix(entries, shape=shape)

    @cached_property
    def _by_user(self) -> tuple[np.ndarray, np.ndarray]:
        """Interactions sorted by user and day, and where each user's begin."""
        order = np.lexsort((self.day, self.user))
        ends = np.cumsum(np.bincount(self.user, minlength=len(self.users)))
        return order, np.concatenate([[0], ends])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.users)}

    def history(self, name: str, now: float | None = None) -> History | None:
        """Return what the user called `name` did, as of day `now`; None where that is nothing."""
        number = self._numbers.get(name)
        if number is None:
            return None
        order, starts = self._by_user
        own = order[starts[number] : starts[number + 1]]
        if not len(own):
            return None
        ages = (self.now if now is None else now) - self.day[own]
        types = ("buy",) * len(own)
        if self.event_type is not None:
            types = tuple(self.event_type[own].tolist())
        rows = self.item[own].astype(np.int64)
        return History(rows, self.weight[own], ages.astype(np.float32), types, name=name)
