"""Which items are one product in several colours: the one definition for all that folds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lookbook.schema.colours import COLOUR_WORDS
from lookbook.schema.column_names import (
    COLOUR_NAMES,
    PRODUCT_CODE_NAMES,
    find_column,
    normalize_column_name,
)
from lookbook.schema.filters import Coded
from lookbook.schema.text import tokenize
from lookbook.search.index import Index, IndexItem
from lookbook.search.per_index import per_index

_SAME_NAMES = ("articletype", "producttypename", "gender", "subcategory", "indexname", "category")
_MAX_COLOURS = 12  # of one product; a larger group is a word that many products share
_MAX_MEAN_ITEMS = 6  # items of a product code on average; above it, a column says a kind
_MIN_LETTERS = 3  # of a word that counts; the t of "t-shirt" and the "in" of "in black" do not


@per_index
def product_groups(index: Index) -> np.ndarray:
    """Return int64 (n,): for each row of `index`, the first row that shows the same product."""
    columns = {name: index.categorical_codes(name) for name in index.columns}
    code = index.columns_taken.get("group")
    return group_products(columns, index.titles, index.duplicate_groups, code)


def other_colours(index: Index, row: int) -> list[IndexItem]:
    """Return the same product in other colours, one item for each group of near-duplicates."""
    groups, duplicates = product_groups(index), index.duplicate_groups
    same = (groups == groups[row]) & (duplicates != duplicates[row])
    same &= duplicates == np.arange(len(index))
    items = index.items
    return [items[int(other)] for other in np.flatnonzero(same)]


def count_colourways(index: Index) -> tuple[int, int]:
    """Count (items, products) of the products in several colours, near-duplicates left out."""
    groups = product_groups(index)[np.unique(index.duplicate_groups)]
    _, sizes = np.unique(groups, return_counts=True)
    return int(sizes[sizes > 1].sum()), int((sizes > 1).sum())


def group_products(
    columns: Mapping[str, Coded],
    titles: Sequence[str] | None = None,
    duplicate_groups: np.ndarray | None = None,
    code_column: str | None = None,
) -> np.ndarray:
    """Return int64 (n,): for each item, the first one of its product.

    A column such as `product_code` or `style_id` says it, unless its values are shared by so many
    items that they name kinds ("casual", "smart"). Without such a column, items of one kind whose
    titles differ in colour words only are one product, as long as no two of them have the same
    colour: a title like "Men T-shirt" belongs to many products. A title of which one word is left
    ("Black bag", "Blue bag") names a kind and no product. `columns` holds attributes by name,
    `titles` (n,) are None where items have none, `duplicate_groups` int (n,) are the first rows of
    near-duplicates, which are one product always. `code_column` is taken for that of product
    codes whatever its name.
    """
    count = _count(columns, titles, duplicate_groups)
    duplicates = np.arange(count) if duplicate_groups is None else duplicate_groups
    keys = _by_code(columns, code_column)
    if keys is None:
        keys = np.arange(count)
        if titles is not None:
            own = np.unique(duplicates)
            kept = {name: _rows(columns[name], own) for name in _compared(columns)}
            keys[own] = own[group_by_title([titles[row] for row in own], kept)]
    _, first, inverse = np.unique(keys[duplicates], return_index=True, return_inverse=True)
    return first[inverse]


def group_by_title(titles: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> np.ndarray:
    """Return int64 (n,): for each item the first one of its product, by titles and colours only.

    `columns`: values of the n items by the name of their attribute; those of colour and kind count.
    """
    colour = find_column(columns, COLOUR_NAMES)
    named = columns[colour] if colour else [None] * len(titles)
    known = COLOUR_WORDS | {word for value in set(named) if value for word in tokenize(str(value))}
    kinds = [values for c, values in columns.items() if normalize_column_name(c) in _SAME_NAMES]
    rows_by_key: dict[tuple[object, ...], list[int]] = defaultdict(list)
    colours: list[object] = []
    for row, title in enumerate(titles):
        words = tokenize(title)
        without_colours = tuple(word for word in words if word not in known)
        colours.append(named[row] or tuple(word for word in words if word in known))
        names_a_product = sum(len(word) >= _MIN_LETTERS for word in without_colours) > 1
        name = without_colours if names_a_product else row
        rows_by_key[(name, *(kind[row] for kind in kinds))].append(row)
    keys = np.arange(len(titles))
    for rows in rows_by_key.values():
        distinct = len({colours[row] for row in rows}) == len(rows)
        if 1 < len(rows) <= _MAX_COLOURS and distinct:
            keys[rows] = rows[0]
    return keys


def _count(
    columns: Mapping[str, Coded], titles: Sequence[str] | None, duplicates: np.ndarray | None
) -> int:
    if duplicates is not None:
        return len(duplicates)
    return len(titles) if titles is not None else len(next(iter(columns.values()))[1])


def _by_code(columns: Mapping[str, Coded], taken: str | None) -> np.ndarray | None:
    """Return first rows by product code, or None where no column holds one."""
    codes = [name for name, coded in columns.items() if _is_code(*coded)]
    column = taken if taken in columns else find_column(codes, PRODUCT_CODE_NAMES)
    if column is None:
        return None
    values, numbers = columns[column]
    missing = ~_known(values)[numbers]
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    return np.where(missing, np.arange(len(numbers)), first[inverse])


def _is_code(values: Sequence[Any], numbers: np.ndarray) -> bool:
    """Whether few items share each value; a column "style" may hold ten words for all."""
    counts = np.bincount(numbers, minlength=len(values))[_known(values)]
    counts = counts[counts > 0]
    return len(counts) > 0 and int(counts.sum()) <= _MAX_MEAN_ITEMS * len(counts)


def _known(values: Sequence[Any]) -> np.ndarray:
    """Return bool (len(values),), false for None and NaN."""
    return np.array([value is not None and value == value for value in values], bool)


def _compared(columns: Iterable[str]) -> list[str]:
    """Return the columns that `group_by_title` looks at."""
    names = (*COLOUR_NAMES, *_SAME_NAMES)
    return [column for column in columns if normalize_column_name(column) in names]


def _rows(coded: Coded, rows: np.ndarray) -> list[Any]:
    values, numbers = coded
    return [values[number] for number in numbers[rows]]
