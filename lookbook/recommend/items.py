"""The catalogue as recommenders see it: rows with attributes, vectors and product groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lookbook.index.mapped import release_pages
from lookbook.index.normalization import UnitRows, unit_vectors
from lookbook.recommend.visual_neighbours import find_neighbours, renew_neighbours
from lookbook.schema.column_names import (
    ARTICLE_NUMBER_NAMES,
    PRODUCT_CODE_NAMES,
    find_column,
    is_categorical,
    is_numeric,
    normalize_column_name,
)
from lookbook.schema.columns import find_price, made_title
from lookbook.schema.filters import Coded, Where, cell_values, parse_where
from lookbook.schema.text import excerpt
from lookbook.search.availability import available_rows, hides_sold_out
from lookbook.search.intents import vectors_between_items, vectors_key
from lookbook.search.mitigation import used_conditions
from lookbook.search.product_groups import group_products

ALIKE = 0.6  # cosine from which two items count as alike

if TYPE_CHECKING:
    from lookbook.search.index import Index

_CODE_NAMES = frozenset((*ARTICLE_NUMBER_NAMES, *PRODUCT_CODE_NAMES, "variantid"))  # in orders
_MAX_CATEGORIES = 150  # a column with more distinct values holds no categories of items


class UnknownItems(LookupError):  # noqa: N818
    """The catalogue does not have an item of this id."""


class Items:
    """n items: ids, titles, columns of attributes, vectors (n, dim) or None.

    `product_groups` number what is one product in several colours, as search and the site group it.
    `vectors_key` changes with the vectors of an index; None where they are of none. Raises
    ValueError where lengths do not agree.
    """

    vectors_key: str | None = None

    def __init__(
        self,
        ids: Sequence[str],
        titles: Sequence[str] | None = None,
        columns: Mapping[str, Coded] | None = None,
        vectors: np.ndarray | UnitRows | None = None,
        groups: np.ndarray | None = None,
        taken: Mapping[str, str] | None = None,
    ) -> None:
        """`taken`: the columns of `price` and `group`, where a build settled them."""
        self._price, self._product_code = ((taken or {}).get(role) for role in ("price", "group"))
        self.ids = list(ids)
        self.titles = list(titles) if titles is not None else self.ids
        self._has_titles = titles is not None
        self.columns = dict(columns or {})
        of_norm_1 = vectors is None or isinstance(vectors, UnitRows)
        self.vectors = vectors if of_norm_1 else unit_vectors(vectors)
        self._groups = np.arange(len(self.ids)) if groups is None else np.asarray(groups)
        self._short_names: dict[int, str] = {}
        self._rows = {id: row for row, id in enumerate(self.ids)}
        self._check()

    @classmethod
    def of_index(cls, index: Index) -> Items:
        """Return the items of an opened index; of its vectors the part that compares items."""
        columns = {name: index.categorical_codes(name) for name in index.columns}
        items = cls(
            index.ids,
            index.titles,
            columns,
            vectors_between_items(index),
            index.duplicate_groups,
            index.columns_taken,
        )
        items.vectors_key = vectors_key(index)
        release_pages(index.generation.vectors)  # all were read once
        return items

    @classmethod
    def of_columns(
        cls,
        ids: Sequence[str],
        attributes: Mapping[str, Sequence],
        titles: Sequence[str] | None = None,
        vectors: np.ndarray | None = None,
    ) -> Items:
        """Build items from plain lists of values, one list an attribute."""
        return cls(ids, titles, {n: _coded(v) for n, v in attributes.items()}, vectors)

    def __len__(self) -> int:
        return len(self.ids)

    def _check(self) -> None:
        if len(self._rows) != len(self.ids):
            raise ValueError(f"{len(self.ids)} items have {len(self._rows)} different ids")
        lengths = {"titles": len(self.titles), "groups": len(self._groups)}
        lengths |= {name: len(codes) for name, (_, codes) in self.columns.items()}
        if self.vectors is not None:
            lengths["vectors"] = len(self.vectors)
        for name, count in lengths.items():
            if count != len(self):
                raise ValueError(f"{len(self)} items but {count} {name}")

    def row_of(self, id: str) -> int:
        """Return the row number of an item; raises UnknownItems."""
        if id not in self._rows:
            raise UnknownItems(f"no item {excerpt(id)} among the {len(self)} of this catalogue")
        return self._rows[id]

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Return row numbers int64 (n,), -1 for ids that the catalogue does not have."""
        return np.fromiter((self._rows.get(id, -1) for id in ids), np.int64, len(ids))

    def rows_by_code(self, codes: Sequence[str]) -> tuple[np.ndarray, str | None]:
        """Return row numbers int64 (n,) by id, or by the column of codes that finds more of them.

        Orders often name the `sku` of a variant where the catalogue goes by product. Also the
        column that they were found in, None for the ids. -1 for what is not in the catalogue.
        """
        rows, by = self.rows_of(codes), None
        for name, (values, numbers) in self.columns.items():
            if normalize_column_name(name) not in _CODE_NAMES:
                continue
            first = np.full(len(values), -1, np.int64)
            first[numbers[::-1]] = np.arange(len(self))[::-1]
            known = {
                str(code): int(first[n])
                for n, value in enumerate(values)
                for code in cell_values(value)
            }
            found = np.fromiter((known.get(code, -1) for code in codes), np.int64, len(codes))
            if (found >= 0).sum() > (rows >= 0).sum():
                rows, by = found, name
        return rows, by

    def attributes(self, row: int) -> dict[str, Any]:
        """Return the attributes of one item."""
        return {name: values[codes[row]] for name, (values, codes) in self.columns.items()}

    def mask(self, where: Where) -> np.ndarray:
        """bool (n,): the items that meet `where`; raises FilterError for an unknown column."""
        conditions = used_conditions(self.columns, parse_where(where))[0]
        hides = hides_sold_out(self.columns, conditions)
        allowed = self._available.copy() if hides else np.ones(len(self), bool)
        for condition in conditions:
            allowed &= condition.rows(self.columns)
        return allowed

    def find_column(self, *names: str) -> str | None:
        """Return the first column called one of `names`, case and punctuation ignored."""
        return find_column(self.columns, names)

    def short_name(self, row: int) -> str:
        """Return an item's colour and category where columns have them, else its title."""
        if row not in self._short_names:
            name = made_title(self.attributes(row), "").lower()
            self._short_names[row] = name or self.titles[row]
        return self._short_names[row]

    @cached_property
    def _available(self) -> np.ndarray:
        return available_rows(self.columns)

    @cached_property
    def category_codes(self) -> dict[str, np.ndarray]:
        """Columns whose values are categories of items: {name: int64 codes (n,)}."""
        columns, most = {}, min(_MAX_CATEGORIES, max(2, len(self) // 4))
        for name, (values, codes) in self.columns.items():
            if is_categorical(values, range(2, most + 1)):
                columns[name] = codes.astype(np.int64)
        return columns

    @cached_property
    def product_groups(self) -> np.ndarray:
        """int64 (n,): items of one number are one product in several colours; 0, 1, 2 ..."""
        titles = self.titles if self._has_titles else None
        groups = group_products(self.columns, titles, self._groups, self._product_code)
        return np.unique(groups, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def prices(self) -> np.ndarray | None:
        """float32 (n,), nan where unknown; None where no column tells prices."""
        numeric = [name for name, (values, _) in self.columns.items() if is_numeric(values)]
        name = self._price if self._price in numeric else find_price(numeric)
        if name is None:
            return None
        values, codes = self.columns[name]
        return np.array([_number(v) for v in values], np.float32)[codes]

    @cached_property
    def visual_neighbours(self) -> np.ndarray | None:
        """int64 (n, up to 20): rows of the items that look most like each, itself left out.

        None for items without vectors and for one item alone.
        """
        if self.vectors is None or len(self) < 2:
            return None
        return find_neighbours(np.asarray(self.vectors))

    def reuse_visual_neighbours(self, before: Items) -> None:
        """Set `visual_neighbours` from those of the catalogue before an update, where it has any.

        Items of the same id and vector keep theirs, but for what was added or removed.
        """
        known = vars(before).get("visual_neighbours")
        if known is None or before.vectors is None or self.vectors is None or len(self) < 2:
            return
        if before.vectors.shape[1] == self.vectors.shape[1]:
            rows = before.rows_of(self.ids)
            vectors, of_before = np.asarray(self.vectors), np.asarray(before.vectors)
            self.visual_neighbours = renew_neighbours(vectors, of_before, known, rows)


def _coded(column: Sequence) -> Coded:
    values: dict[object, int] = {}
    codes = np.fromiter((values.setdefault(v, len(values)) for v in column), np.int64, len(column))
    return list(values), codes


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")
