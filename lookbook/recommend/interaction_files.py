"""Interactions from a parquet file or a CSV, its columns found by their usual names."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookbook.catalog.table import is_table, read_table
from lookbook.recommend.data import Interactions
from lookbook.recommend.items import Items
from lookbook.schema.column_names import find_column
from lookbook.schema.columns import CatalogError
from lookbook.schema.missing import is_missing
from lookbook.schema.money import convention_of, parse_amount
from lookbook.schema.times import TimesError, days_since_1970

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = {
    "user": (
        *("customer", "customerid", "user", "userid", "visitor", "visitorid", "client", "person"),
        *("email", "customeremail", "kunde", "kundennummer", "kundenid", "cliente"),
    ),
    "item": (
        *("articleid", "itemid", "item", "productid", "article", "product", "sku", "asin"),
        *("lineitemsku", "productsku", "artikelnummer", "handle", "id"),
    ),
    "time": (
        *("day", "date", "time", "timestamp", "tdat", "datetime", "createdat", "eventtime"),
        *("orderdate", "purchasedate", "paidat", "datum", "fecha"),
    ),
    "price": ("price", "amount", "value", "paid", "lineitemprice", "unitprice", "preis", "prix"),
    "type": ("eventtype", "event", "action", "type"),
}
_OPTIONAL = ("price", "type")
_EPOCH = datetime.date(1970, 1, 1)
_SHOWN = 3  # texts that a message names


class InteractionsError(ValueError):
    """A file of interactions that cannot be read as asked; str() is one sentence for a person."""


@dataclass(frozen=True)
class Purchases:
    """Rows of a file of interactions that say who, what and when; those that do not are counted.

    `users`, `items` and `types` are texts, `days` float64 since 1970, `prices` float32 with nan
    where unknown or None, `types` what happened or None. `dropped` counts rows by reason.
    """

    users: list[str]
    items: list[str]
    days: np.ndarray
    prices: np.ndarray | None
    types: list[str] | None
    dropped: dict[str, int]
    notes: list[str]

    def where(self, kept: np.ndarray, reason: str) -> Purchases:
        """The rows that the bool mask (n,) keeps; the others are counted under `reason`."""
        gone = int((~kept).sum())
        rows = np.flatnonzero(kept)
        return Purchases(
            [self.users[r] for r in rows],
            [self.items[r] for r in rows],
            self.days[rows],
            None if self.prices is None else self.prices[rows],
            None if self.types is None else [self.types[r] for r in rows],
            self.dropped | ({reason: self.dropped.get(reason, 0) + gone} if gone else {}),
            self.notes,
        )

    def dropped_text(self) -> str:
        """The dropped rows as the end of a sentence."""
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in self.dropped.items())
        return f"{sum(self.dropped.values()):,} rows dropped" + (f": {reasons}" if reasons else "")


def read_interactions(
    path: str | Path,
    items: Items,
    columns: Mapping[str, str | None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Interactions:
    """Interactions of a parquet file (or a folder of them) or a CSV with items of the catalogue.

    `columns` may name those of `user`, `item`, `time` and `price`. Days count from 1970, with the
    time of day as a fraction. `tell` is called with a sentence on the rows that were dropped, by
    reason, and on how the file was read. Raises InteractionsError.
    """
    found, rows = purchases_of(path, items, columns)
    if tell is not None:
        dropped = [f"{Path(path).name}: {found.dropped_text()}"] if found.dropped else []
        for sentence in (*dropped, *found.notes):
            tell(sentence)
    return Interactions.of(found.users, rows, found.days, len(items), price=found.prices)


def purchases_of(
    path: str | Path, items: Items, columns: Mapping[str, str | None] | None = None
) -> tuple[Purchases, np.ndarray]:
    """The rows of a file whose item is of the catalogue, and int64 (n,) its row number.

    Items are looked up by id, else in another column of codes (`sku`). Raises InteractionsError.
    """
    found = read_purchases(path, columns)
    rows, by = items.rows_by_code(found.items)
    if not (rows >= 0).any():
        raise InteractionsError(
            f"none of the {len(rows)} interactions is with an item of the catalogue: the first is "
            f"{found.items[0] if found.items else None!r}, the catalogue begins with "
            f"{items.ids[0]!r}"
        )
    if by is not None:
        found.notes.append(f"{Path(path).name}: items are looked up by the column {by!r}")
    known = found.where(rows >= 0, "with an item that is not in the catalogue")
    return known, rows[rows >= 0]


def read_purchases(path: str | Path, columns: Mapping[str, str | None] | None = None) -> Purchases:
    """Read who, what and when from a file, whatever catalogue it is of; raises InteractionsError.

    Times may be ISO texts with zones, epochs in seconds or milliseconds, or 20200917; amounts may
    have a currency.
    """
    path = Path(path)
    table, dropped, notes = _table(path)
    names = _columns(table, dict(columns or {}), path.name)
    values = {role: table[column].to_pylist() for role, column in names.items()}
    days = _days(values["time"], names["time"], notes)
    found = Purchases(
        [_code(v) or "" for v in values["user"]],
        [_code(v) or "" for v in values["item"]],
        days,
        _amounts(values["price"], names["price"], notes) if "price" in values else None,
        [(_code(v) or "") for v in values["type"]] if "type" in values else None,
        dropped,
        notes,
    )
    found = found.where(np.array([bool(u) for u in found.users], bool), "without a person")
    found = found.where(np.array([bool(i) for i in found.items], bool), "without an item")
    return found.where(np.isfinite(found.days), "without a time that can be read")


def _code(value: object) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _days(values: list, column: str, notes: Sequence[str]) -> np.ndarray:
    try:
        days = days_since_1970(values)
    except TimesError as error:
        raise InteractionsError(
            f"the column of times, {column!r}, cannot be read: {error}"
        ) from None
    if len(days) and not np.isfinite(days).any():
        first = next((v for v in values if not is_missing(v)), None)
        more = "".join(f"; {note}" for note in notes)
        raise InteractionsError(
            f"the column of times, {column!r}, cannot be read: the first is {first!r}, expected "
            f"times as 2020-09-17 or 2020-09-17T10:30:00+02:00, or seconds since 1970{more}"
        )
    return days


def _amounts(values: list, column: str, notes: list[str]) -> np.ndarray:
    """float32 (n,): amounts of money by the convention of the column, nan where there is none."""
    texts = [v for v in values if isinstance(v, str) and not is_missing(v)]
    convention = convention_of(texts)
    known = {text: parse_amount(text, convention) for text in set(texts)}
    bad = Counter(text for text in texts if known[text] is None)
    if bad:
        shown = ", ".join(repr(text[:40]) for text, _ in bad.most_common(_SHOWN))
        notes.append(f"{bad.total():,} cells of the column {column!r} are no amount: {shown}")

    def amount(value: object) -> float:
        if isinstance(value, str):
            found = known.get(value)
            return found.value if found else np.nan
        return float(value) if isinstance(value, (int, float)) else np.nan

    return np.array([amount(v) for v in values], np.float32)


def day_number(text: str) -> float:
    """A day as YYYY-MM-DD, in days since 1970; raises InteractionsError."""
    try:
        return float((datetime.date.fromisoformat(text) - _EPOCH).days)
    except ValueError:
        raise InteractionsError(f"expected a day as YYYY-MM-DD, found {text!r}") from None


def _table(path: Path) -> tuple[pa.Table, dict[str, int], list[str]]:
    """The table, rows of it that could not be read by reason, and notes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if is_table(path.name):
        return _text_table(path)
    try:
        return pq.read_table(path), {}, []
    except (pa.ArrowException, OSError) as error:
        raise InteractionsError(f"{path}: not a parquet file that can be read: {error}") from None


def _text_table(path: Path) -> tuple[pa.Table, dict[str, int], list[str]]:
    """Read as a catalogue's `metadata.csv` is, so that an id is the same text in both."""
    import pyarrow as pa

    try:
        table = read_table(path).check()
    except CatalogError as error:
        raise InteractionsError(str(error)) from None
    if not table.rows:
        raise InteractionsError(f"{path}: it has no rows")
    cells = {c: [row.cells.get(c) for row in table.rows] for c in table.columns if c}
    texts = {c: [v if isinstance(v, str) else None for v in column] for c, column in cells.items()}
    plain = texts if not table.typed else {c: _plain(v) for c, v in cells.items()}
    dropped = dict(Counter(f"with {r.reason}" for r in table.refusals))
    notes = [*table.notes, *(r.sentence for r in table.refusals[:_SHOWN])]
    return pa.table({c: pa.array(v) for c, v in plain.items()}), dropped, notes


def _plain(values: list) -> list:
    """A column of JSON or Excel in one type."""
    kinds = {type(v) for v in values if v is not None}
    if len(kinds) == 1 and not kinds & {list, dict}:
        return values
    return [None if v is None else str(v) for v in values]


def _columns(table: pa.Table, given: dict[str, str | None], name: str) -> dict[str, str]:
    found = {}
    for role, names in _NAMES.items():
        column = given.get(role) or find_column(table.column_names, names)
        if given.get(role) and column not in table.column_names:
            raise InteractionsError(f"{name} has no column {column!r}; {_listed(table)}")
        if column is None and role not in _OPTIONAL:
            raise InteractionsError(
                f"{name} has no column that is called like the {role} of an interaction; name it "
                f"by --{role}-column; {_listed(table)}"
            )
        if column is not None:
            found[role] = column
    return found


def _listed(table: pa.Table) -> str:
    return "its columns are " + ", ".join(table.column_names)
