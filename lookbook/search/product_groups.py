"""Which items are one product in several colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lookbook.schema.text import tokenize

if TYPE_CHECKING:
    from lookbook.search.index import Index

# columns whose value is the product and not its colour, in the names that shops use
_CODES = ("productcode", "styleid", "productid", "parentid", "itemgroupid", "stylecode", "style")
_COLOURS = ("basecolour", "basecolor", "colour", "color", "colourgroupname", "colorgroupname")
_ALIKE = ("articletype", "producttypename", "gender", "subcategory", "indexname", "category")
_MOST = 12  # colours of one product; a larger group is a word that many products share
_LETTERS = 3  # of a word that says something; the t of "t-shirt" and the "in" of "in black" do not
_COLOUR_WORDS = frozenset(
    tokenize(
        "aqua beige black blue bronze brown burgundy camel charcoal cobalt copper coral cream "
        "crimson dark ecru fuchsia gold golden gray green grey indigo ivory khaki lavender "
        "light lilac lime magenta maroon mauve melange metallic mint multi multicolour mustard "
        "navy nude off olive orange peach pink plum purple red rose rust salmon sand silver "
        "steel tan taupe teal turquoise violet white wine yellow"
    )
)


def plain(name: str) -> str:
    """A column's name without case and separators: `Product_Code` is `productcode`."""
    return "".join(c for c in name.casefold() if c.isalnum())


def find_column(columns: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first column that is called like one of `wanted` (plain names), in their order."""
    by_name = {plain(column): column for column in reversed(list(columns))}
    return next((by_name[name] for name in wanted if name in by_name), None)


def products(index: Index) -> np.ndarray:
    """int64 (n,): for each row of `index`, the first row that shows the same product.

    A column such as `product_code` or `style_id` says it where there is one. Without one, items of
    one kind whose titles differ in words of colour only are one product, as long as no two of them
    have the same colour: such a title ("Men T-shirt") belongs to many products. A title of which
    one word is left ("Black bag", "Blue bag") names a kind and no product.
    """
    keys = _by_code(index)
    keys = _among_own(index) if keys is None else keys
    representative = index.copies
    _, first, inverse = np.unique(keys[representative], return_index=True, return_inverse=True)
    return first[inverse]


def several(index: Index) -> tuple[int, int]:
    """How many pieces are shown as how many products in several colours; copies do not count."""
    _, sizes = np.unique(index.products[np.unique(index.copies)], return_counts=True)
    return int(sizes[sizes > 1].sum()), int((sizes > 1).sum())


def _by_code(index: Index) -> np.ndarray | None:
    """Row numbers by product code, or None where no column holds one."""
    column = find_column((c for c in index.columns if _is_code(index, c)), _CODES)
    if column is None:
        return None
    return _first([row if v is None else str(v) for row, v in enumerate(index.column(column))])


def _is_code(index: Index, column: str) -> bool:
    """A code is shared by a few items; a column "style" may hold ten words for all."""
    counts = index.values(column)
    return bool(counts) and sum(counts.values()) <= _MOST / 2 * len(counts)


def _among_own(index: Index) -> np.ndarray:
    """As `by_title`, of the pieces that are no copies; a copy is a product of its own here."""
    own = np.unique(index.copies)
    said = {column: index.column(column) for column in _telling(index.columns)}
    columns = {column: [values[row] for row in own] for column, values in said.items()}
    keys = np.arange(len(index))
    keys[own] = own[by_title([index.titles[row] for row in own], columns)]
    return keys


def _telling(columns: Iterable[str]) -> list[str]:
    """The columns by which `by_title` goes."""
    return [c for c in columns if plain(c) in (*_COLOURS, *_ALIKE)]


def by_title(titles: Sequence[str], columns: Mapping[str, Sequence]) -> np.ndarray:
    """int64 (n,): for each item the first one of its product, as `products` does without a code.

    `columns`: values of the n items by the name of their attribute; those of colour and kind count.
    """
    colour = find_column(columns, _COLOURS)
    said = columns[colour] if colour else [None] * len(titles)
    known = _COLOUR_WORDS | {word for value in set(said) if value for word in tokenize(str(value))}
    kinds = [values for c, values in columns.items() if plain(c) in _ALIKE]
    alike: dict[tuple, list[int]] = defaultdict(list)
    colours = []
    for row, title in enumerate(titles):
        split = tokenize(title)
        bare = tuple(word for word in split if word not in known)
        colours.append(said[row] or tuple(word for word in split if word in known))
        named = sum(len(word) >= _LETTERS for word in bare) > 1
        alike[(bare if named else row, *(kind[row] for kind in kinds))].append(row)
    keys = np.arange(len(titles))
    for rows in alike.values():
        distinct = len({colours[row] for row in rows}) == len(rows)
        if 1 < len(rows) <= _MOST and distinct:
            keys[rows] = rows[0]
    return keys


def _first(values: list) -> np.ndarray:
    seen: dict = {}
    return np.array([seen.setdefault(value, row) for row, value in enumerate(values)], np.int64)
