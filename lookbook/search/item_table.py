"""The items of an index as a table: ids, titles, attributes, and the filters on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lookbook.index.columns import attribute_columns, to_numpy
from lookbook.schema.filters import Coded, Condition, Where, coded_column, parse_where
from lookbook.schema.text import excerpt


class RowMask(np.ndarray[Any, np.dtype[np.bool_]]):
    """bool (n,), read only: the rows that meet `conditions`; what is made of it has None there."""

    conditions: tuple[Condition, ...] | None = None

    @classmethod
    def of(cls, rows: np.ndarray, conditions: tuple[Condition, ...]) -> RowMask:
        """Return rows (n,) that meet conditions, and nothing else."""
        mask = rows.view(cls)
        mask.conditions = conditions
        mask.flags.writeable = False  # so that it stays what they say
        return mask

    def __array_finalize__(self, source: object) -> None:
        self.conditions = None


class UnknownItem(LookupError):  # noqa: N818
    """No item of the index has this id."""


@dataclass(frozen=True)
class IndexItem:
    """What the index knows of one item; its picture is `Index.thumb(id)`."""

    id: str
    title: str
    attributes: dict[str, str | int | float | bool | tuple[str, ...] | None]


class ItemTable:
    """The items of a generation by row number; immutable, safe for any number of threads."""

    def __init__(self, table: pa.Table) -> None:
        """`table` has the columns id, title and group (near-duplicates), and the attributes."""
        self.ids: list[str] = table["id"].to_pylist()
        self.titles: list[str] = table["title"].to_pylist()
        self._row_of = {id: row for row, id in enumerate(self.ids)}
        # int64 (n,): for each row, the first row of its group of near-duplicates
        self.duplicate_groups = _first_rows(to_numpy(table["group"].combine_chunks()))
        self._columns = attribute_columns(table)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: object) -> bool:
        return id in self._row_of

    @property
    def columns(self) -> list[str]:
        """Names of the attributes, in the order of the catalogue."""
        return list(self._columns)

    def values(self, column: str) -> dict[object, int]:
        """Count the items of each value of an attribute, the most frequent first.

        An item with several values of it counts for each of them.
        """
        return self.counts(column, slice(None))

    def counts(self, column: str, rows: np.ndarray | slice) -> dict[object, int]:
        """Count as `values` does, in `rows` (bool or int (n,)), without values that none has."""
        values, codes = self.categorical_codes(column)
        counts = np.bincount(codes[rows], minlength=len(values))
        if self.has_several(column):
            return _counts_of_each(values, counts)
        order = np.argsort(-counts, kind="stable")
        return {values[i]: int(counts[i]) for i in order if counts[i] and values[i] is not None}

    def has_several(self, column: str) -> bool:
        """Whether items may have several values of an attribute, as sizes: tuples of texts."""
        return any(isinstance(value, tuple) for value in self.categorical_codes(column)[0])

    def categorical_codes(self, column: str) -> Coded:
        """Return an attribute's distinct values, and int (n,) which of them each row has.

        Raises FilterError for a column that the index does not have.
        """
        return coded_column(self._columns, column)

    def column(self, name: str) -> list[Any]:
        """Return the value of an attribute by row number; raises FilterError for an unknown one."""
        values, codes = self.categorical_codes(name)
        return [values[code] for code in codes]

    def matching(self, where: Where = None) -> RowMask:
        """Return bool (n,), the rows that meet the filters; raises FilterError."""
        allowed, conditions = np.ones(len(self), bool), parse_where(where)
        for condition in conditions:
            allowed &= self.condition_mask(condition)
        return RowMask.of(allowed, conditions)

    def condition_mask(self, condition: Condition) -> np.ndarray:
        """Return bool (n,), the rows that meet one condition; raises FilterError."""
        return condition.rows(self._columns)

    @property
    def items(self) -> Sequence[IndexItem]:
        """Every item, by row number; each is built when it is read."""
        return _Items(self)

    def item(self, id: str) -> IndexItem:
        """Return the item with this id; raises UnknownItem."""
        return self.items[self.row_of(id)]

    def row_of(self, id: str) -> int:
        """Return the row number of an item; raises UnknownItem."""
        try:
            return self._row_of[id]
        except KeyError:
            raise UnknownItem(
                f"no item {excerpt(id)} among the {len(self)} of this index"
            ) from None


class _Items(Sequence[IndexItem]):
    def __init__(self, table: ItemTable) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, row: int) -> IndexItem:  # type: ignore[override]
        row, table = range(len(self))[row], self._table
        attributes = {name: values[codes[row]] for name, (values, codes) in table._columns.items()}
        return IndexItem(table.ids[row], table.titles[row], attributes)


def _counts_of_each(values: Sequence[Any], counts: np.ndarray) -> dict[object, int]:
    """Count single values from the counts of tuples of them, the most frequent first."""
    each: Counter[object] = Counter()
    for value, count in zip(values, counts.tolist(), strict=True):
        if value is not None and count:
            each.update(dict.fromkeys(value, count))
    return dict(each.most_common())


def _first_rows(groups: np.ndarray) -> np.ndarray:
    """Group numbers of any kind -> for each row, the first row of its group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]
