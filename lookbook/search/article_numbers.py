"""Find items by the number that is printed on their label: their id or article number."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from lookbook.schema.column_names import ARTICLE_NUMBER_NAMES, find_column
from lookbook.schema.text import folded
from lookbook.search.index import Index
from lookbook.search.per_index import per_index

_SEPARATORS = re.compile(r"[\s./_-]+")


def article_rows(index: Index, text: str) -> np.ndarray:
    """Return int (k,): rows of the items whose id or article number is `text`, most often none.

    Case, accents, spaces, dots and dashes do not matter; a text without a digit is no number.
    """
    key = _key(text)
    known = any(character.isdigit() for character in key)
    return np.array(article_numbers(index).get(key, []) if known else [], np.int64)


@per_index
def article_numbers(index: Index) -> dict[str, list[int]]:
    """Return rows by id and by article number, without case and separators."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, id in enumerate(index.ids):
        rows[_key(id)].append(row)
    column = find_column(index.columns, ARTICLE_NUMBER_NAMES)
    if column is not None:
        values, codes = index.categorical_codes(column)
        for row, code in enumerate(codes.tolist()):
            if values[code] is not None and (key := _key(str(values[code]))):
                rows[key].append(row)
    return rows


def _key(text: str) -> str:
    return _SEPARATORS.sub("", folded(text))
