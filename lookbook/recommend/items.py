"""The catalogue as recommenders see it: rows with attributes, vectors and families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lookbook.schema.column_names import find_column
from lookbook.schema.columns import made_title
from lookbook.schema.filters import FilterError, Where, parse_where
from lookbook.search.product_groups import group_products

if TYPE_CHECKING:
    from lookbook.search.index import Index

Coded = tuple[list, np.ndarray]  # distinct values, and for each row which of them it has

_PRICE_NAMES = ("price", "saleprice", "listprice", "amount")
_KINDS = range(2, 151)  # a column with so many values tells a kind of item


class UnknownItems(LookupError):  # noqa: N818
    """An id that the catalogue does not have."""


class Items:
    """n items: ids, titles, columns of attributes, vectors (n, dim) or None.

    `product_groups` number what is one product in several colours, as search and the site group it.
    Raises ValueError where lengths do not agree.
    """

    def __init__(
        self,
        ids: Sequence[str],
        titles: Sequence[str] | None = None,
        columns: Mapping[str, Coded] | None = None,
        vectors: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> None:
        self.ids = list(ids)
        self.titles = list(titles) if titles is not None else self.ids
        self._has_titles = titles is not None
        self.columns = dict(columns or {})
        self.vectors = None if vectors is None else _unit(vectors)
        self._groups = np.arange(len(self.ids)) if groups is None else np.asarray(groups)
        self._words: dict[int, str] = {}
        self._rows = {id: row for row, id in enumerate(self.ids)}
        self._check()

    @classmethod
    def of_index(cls, index: Index) -> Items:
        """The items of an opened index, with its vectors."""
        columns = {name: index.categorical_codes(name) for name in index.columns}
        return cls(
            index.ids, index.titles, columns, index.generation.vectors, index.duplicate_groups
        )

    @classmethod
    def of_columns(
        cls,
        ids: Sequence[str],
        attributes: Mapping[str, Sequence],
        titles: Sequence[str] | None = None,
        vectors: np.ndarray | None = None,
    ) -> Items:
        """Items from plain lists of values, one list an attribute."""
        return cls(ids, titles, {n: _coded(v) for n, v in attributes.items()}, vectors)

    def __len__(self) -> int:
        return len(self.ids)

    def _check(self) -> None:
        if len(self._rows) != len(self.ids):
            raise ValueError(f"{len(self.ids)} items have {len(self._rows)} different ids")
        found = {"titles": len(self.titles), "groups": len(self._groups)}
        found |= {name: len(codes) for name, (_, codes) in self.columns.items()}
        if self.vectors is not None:
            found["vectors"] = len(self.vectors)
        for name, count in found.items():
            if count != len(self):
                raise ValueError(f"{len(self)} items but {count} {name}")

    def row_of(self, id: str) -> int:
        """Row number of an item; raises UnknownItems."""
        if id not in self._rows:
            raise UnknownItems(f"no item {id!r} among the {len(self)} of this catalogue")
        return self._rows[id]

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Row numbers int64 (n,), -1 for what is not (or no longer) in the catalogue."""
        return np.fromiter((self._rows.get(id, -1) for id in ids), np.int64, len(ids))

    def attributes(self, row: int) -> dict[str, object]:
        """The attributes of one item."""
        return {name: values[codes[row]] for name, (values, codes) in self.columns.items()}

    def mask(self, where: Where) -> np.ndarray:
        """bool (n,): the items that meet `where`; raises FilterError for an unknown column."""
        allowed = np.ones(len(self), bool)
        for condition in parse_where(where):
            if condition.column not in self.columns:
                there = ", ".join(self.columns) or "none"
                raise FilterError(
                    f"there is no column {condition.column!r}; the columns are: {there}"
                )
            values, codes = self.columns[condition.column]
            allowed &= condition.mask(values)[codes]
        return allowed

    def named(self, *names: str) -> str | None:
        """The column that is called one of `names`, case and punctuation aside."""
        return find_column(self.columns, names)

    def words(self, row: int) -> str:
        """An item in a few words: its colour and kind where columns say so, else its title."""
        if row not in self._words:
            name = made_title(self.attributes(row), "").lower()
            self._words[row] = name or self.titles[row]
        return self._words[row]

    @cached_property
    def kinds(self) -> dict[str, np.ndarray]:
        """Columns that sort the items into kinds: {name: codes (n,)}."""
        found = {}
        for name, (values, codes) in self.columns.items():
            texts = [v for v in values if v is not None]
            plain = all(isinstance(v, str) for v in texts)
            if plain and len(texts) in _KINDS and len(texts) <= max(2, len(self) // 4):
                found[name] = codes.astype(np.int64)
        return found

    @cached_property
    def product_groups(self) -> np.ndarray:
        """int64 (n,): items of one number are one product in several colours; 0, 1, 2 ..."""
        titles = self.titles if self._has_titles else None
        groups = group_products(self.columns, titles, self._groups)
        return np.unique(groups, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def prices(self) -> np.ndarray | None:
        """float32 (n,), nan where unknown; None where no column tells prices."""
        name = self.named(*_PRICE_NAMES)
        if name is None:
            return None
        values, codes = self.columns[name]
        return np.array([_number(v) for v in values], np.float32)[codes]


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, np.finfo(np.float32).tiny)


def _coded(column: Sequence) -> Coded:
    values: dict[object, int] = {}
    codes = np.fromiter((values.setdefault(v, len(values)) for v in column), np.int64, len(column))
    return list(values), codes


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")
