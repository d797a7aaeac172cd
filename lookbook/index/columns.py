"""The attributes of items as codes: what is filtered by, in memory and in an engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, np.dtype[Any]]
RESERVED = ("id", "title", "group")  # columns of every table; the others are attributes


def attribute_columns(table: pa.Table) -> dict[str, tuple[list[Any], Array]]:
    """Return for each attribute its distinct values, and int (n,) which of them each row has."""
    return {name: _coded(table[name]) for name in table.column_names if name not in RESERVED}


def column_codes(table: pa.Table, photo_items: Array) -> dict[str, Array]:
    """Return int64 (photos,) by attribute: the codes of `attribute_columns` of each photo's item.

    `photo_items` int64 (photos,): the rows of their items.
    """
    columns = attribute_columns(table)
    return {name: codes[photo_items].astype(np.int64) for name, (_, codes) in columns.items()}


def _coded(column: pa.ChunkedArray) -> tuple[list[Any], Array]:
    """Return the distinct values, and for each row which of them it has."""
    if pa.types.is_null(column.type):
        return [None], np.zeros(len(column), np.int32)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        seen: dict[tuple[str, ...] | None, int] = {}
        cells = (None if cell is None else tuple(cell) for cell in column.to_pylist())
        codes = np.fromiter((seen.setdefault(c, len(seen)) for c in cells), np.int32, len(column))
        return list(seen), codes
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    return coded.dictionary.to_pylist(), to_numpy(coded.indices)


def to_numpy(array: pa.Array) -> Array:
    """Return an array of numbers without nulls, for reading only.

    pyarrow's own `to_numpy` imports pandas, a third of a second and 40 MB.
    """
    return np.from_dlpack(array)
