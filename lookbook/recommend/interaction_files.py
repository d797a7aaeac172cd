"""Interactions from a parquet file or a CSV, its columns found by their usual names."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookbook.recommend.data import Interactions
from lookbook.recommend.items import Items

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = {
    "user": (
        "customer",
        "customerid",
        "user",
        "userid",
        "visitor",
        "visitorid",
        "client",
        "person",
    ),
    "item": ("articleid", "itemid", "item", "productid", "article", "product", "sku", "asin", "id"),
    "time": ("day", "date", "time", "timestamp", "tdat", "datetime", "createdat", "eventtime"),
    "price": ("price", "amount", "value", "paid"),
}
_CSV = (".csv", ".tsv")
_EPOCH = np.datetime64("1970-01-01")


class InteractionsError(ValueError):
    """A file of interactions that cannot be read as asked; str() is one sentence for a person."""


def read_interactions(
    path: str | Path, items: Items, columns: Mapping[str, str | None] | None = None
) -> Interactions:
    """Interactions of a parquet file (or a folder of them) or a CSV with items of the catalogue.

    `columns` may name those of `user`, `item`, `time` and `price`. Days count from 1970, with the
    time of day as a fraction. Raises InteractionsError.
    """
    table = _table(Path(path))
    found = _columns(table, dict(columns or {}), Path(path).name)
    ids = [str(v) for v in table[found["item"]].to_pylist()]
    rows = items.rows_of(ids)
    if not (rows >= 0).any():
        raise InteractionsError(
            f"none of the {len(rows)} interactions is with an item of the catalogue: the first is "
            f"{ids[0] if ids else None!r}, the catalogue begins with {items.ids[0]!r}"
        )
    price = found.get("price")
    return Interactions.of(
        table[found["user"]].to_pylist(),
        rows,
        days_of(table[found["time"]]),
        len(items),
        price=None if price is None else _numbers(table[price]),
    )


def day_number(text: str) -> float:
    """A day as YYYY-MM-DD, in days since 1970; raises InteractionsError."""
    try:
        return float((np.datetime64(datetime.date.fromisoformat(text)) - _EPOCH).astype(int))
    except ValueError:
        raise InteractionsError(f"expected a day as YYYY-MM-DD, found {text!r}") from None


def days_of(column: pa.ChunkedArray) -> np.ndarray:
    """float64 (n,): days since 1970 of dates, times, ISO texts or numbers of days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.cast(column, pa.timestamp("us"))
        if pa.types.is_temporal(column.type):
            column = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
            return np.asarray(column, np.float64) / 86_400e6
        return np.asarray(column, np.float64)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InteractionsError(f"the column of times cannot be read: {error}") from None


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.array([np.nan if v is None else float(v) for v in column.to_pylist()], np.float32)


def _table(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() in _CSV:
        return _csv_table(path)
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InteractionsError(f"{path}: not a parquet file that can be read: {error}") from None


def _csv_table(path: Path) -> pa.Table:
    """Read as a catalogue's `metadata.csv` is, so that an id is the same text in both."""
    import pyarrow as pa

    from lookbook.catalog.folder import csv_rows
    from lookbook.schema.columns import CatalogError

    try:
        rows = csv_rows(path, str(path))
    except CatalogError as error:
        raise InteractionsError(str(error)) from None
    if not rows:
        raise InteractionsError(f"{path}: it has no rows")
    return pa.Table.from_pylist(rows)


def _columns(table: pa.Table, given: dict[str, str | None], name: str) -> dict[str, str]:
    plain = {re.sub(r"[^a-z0-9]", "", n.lower()): n for n in reversed(table.column_names)}
    found = {}
    for role, names in _NAMES.items():
        column = given.get(role) or _first(plain, names)
        if given.get(role) and column not in table.column_names:
            raise InteractionsError(f"{name} has no column {column!r}; {_listed(table)}")
        if column is None and role != "price":
            raise InteractionsError(
                f"{name} has no column that is called like the {role} of an interaction; name it "
                f"by --{role}-column; {_listed(table)}"
            )
        if column is not None:
            found[role] = column
    return found


def _first(plain: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((plain[n] for n in names if n in plain), None)


def _listed(table: pa.Table) -> str:
    return "its columns are " + ", ".join(table.column_names)
