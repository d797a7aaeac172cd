"""Orders of results other than by fit: by price, and by what is new."""

from __future__ import annotations

import numpy as np

from lookbook.schema.column_names import DATE_NAMES, find_column
from lookbook.schema.text import excerpt
from lookbook.schema.times import TimesError, days_since_1970
from lookbook.search.facets import price_column
from lookbook.search.index import Hit, Index
from lookbook.search.per_index import per_index

SORTS = ("fit", "price", "price-down", "newest")
SORT_POOL = 200  # of the closest items, which are put in another order


def available_sorts(index: Index) -> list[str]:
    """Return those of SORTS that the columns of a catalogue allow."""
    return [sort for sort in SORTS if sort == "fit" or sort_keys(index, sort) is not None]


def sort_keys(index: Index, sort: str) -> np.ndarray | None:
    """Return float64 (n,): smaller comes first, nan last; None where no column says it.

    Raises ValueError for a name that is not one of SORTS.
    """
    if sort not in SORTS:
        raise ValueError(f"sort is one of {', '.join(SORTS)}, found {excerpt(sort)}")
    if sort == "fit":
        return None
    keys = _days(index) if sort == "newest" else _prices(index)
    return keys if keys is None or sort == "price" else -keys


def sorted_rows(rows: np.ndarray, keys: np.ndarray | None) -> np.ndarray:
    """Return row numbers by ascending key, rows of equal keys as they were."""
    return rows if keys is None else rows[np.argsort(keys[rows], kind="stable")]


def sorted_hits(hits: list[Hit], keys: np.ndarray | None) -> list[Hit]:
    """Return hits by ascending key, hits of equal keys as they were."""
    if keys is None or not hits:
        return hits
    return [hits[i] for i in np.argsort(keys[[hit.row for hit in hits]], kind="stable")]


@per_index
def _prices(index: Index) -> np.ndarray | None:
    column = price_column(index)
    if column is None:
        return None
    cells = index.column(column)
    return np.array([v if isinstance(v, (int, float)) else np.nan for v in cells], np.float64)


@per_index
def _days(index: Index) -> np.ndarray | None:
    """Return days, or years, in which items were added; None where no column holds two of them."""
    column = find_column(index.columns, DATE_NAMES)
    if column is None:
        return None
    cells = index.column(column)
    if all(value is None or isinstance(value, (int, float)) for value in index.values(column)):
        days = np.array([np.nan if v is None else float(v) for v in cells])
    else:
        try:
            days = days_since_1970(cells)
        except TimesError:
            return None
    return days if len(np.unique(days[np.isfinite(days)])) > 1 else None
