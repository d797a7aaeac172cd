"""Words about availability in a query: they filter by the column of the shop that says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from lookbook.schema.column_names import find_column
from lookbook.schema.filters import Coded, Condition, condition_text, parse_where
from lookbook.schema.message import Message
from lookbook.schema.product_links import STOCK_NAMES, is_sold_out
from lookbook.search.index import Index
from lookbook.search.per_index import per_index

_IN_STOCK = (
    *("in stock", "on stock", "available now", "available", "ready to ship"),
    *("auf lager", "sofort lieferbar", "lieferbar", "verfügbar", "vorrätig", "en stock"),
    *("disponibles", "disponible", "disponibile", "disponibili", "disponível", "disponíveis"),
    *("op voorraad", "leverbaar", "beschikbaar", "dostępne", "dostępny", "stokta"),
)
_SOLD_OUT = (
    *("sold out", "sold-out", "out of stock", "not in stock", "not available", "unavailable"),
    *("ausverkauft", "vergriffen", "nicht auf lager", "nicht lieferbar", "nicht verfügbar"),
    *("en rupture de stock", "en rupture", "épuisés", "épuisé", "indisponible"),
    *("agotados", "agotado", "sin stock", "esauriti", "esaurito", "non disponibile"),
    *("esgotado", "uitverkocht", "wyprzedane", "niedostępne", "tükendi"),
)
_hidden = [False]
_NOT = r"(?:not|nicht|kein|pas|no|non|niet)\s+"
_NO_STOCK_COLUMN = Message("this catalogue does not say what is in stock")


def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?P<negated>{_NOT})?(?:{names})(?![\w-])", re.IGNORECASE)


_PATTERNS = ((False, _pattern(_SOLD_OUT)), (True, _pattern(_IN_STOCK)))


def read_availability(text: str) -> tuple[str, bool | None]:
    """Split "dress in stock" into "dress" and True; False for "sold out", None without such words.

    Reads the whole text of a query, before what it negates is told apart: "not sold out" is True.
    """
    for wanted, pattern in _PATTERNS:
        if match := pattern.search(text):
            rest = f"{text[: match.start()]} {text[match.end() :]}"
            return " ".join(rest.split()), wanted is not bool(match["negated"])
    return text, None


def availability_conditions(available: bool | None, index: Index) -> tuple[Condition, ...]:
    """Return the filter on the index's column of availability or stock.

    Nothing where nothing was asked, or where no column says it; see `availability_note`.
    """
    column = find_column(index.columns, STOCK_NAMES)
    if available is None or column is None:
        return ()
    values = [value for value in index.categorical_codes(column)[0] if value is not None]
    sold_out = [condition_text(value) for value in values if is_sold_out({column: value})]
    return parse_where({f"{column}!=" if available else column: sold_out or ["sold out"]})


def hide_sold_out(hide: bool) -> None:
    """Choose for this process whether sold-out items are left out wherever items are found."""
    _hidden[0] = hide


def hides_sold_out(columns: Iterable[str], conditions: Iterable[Condition]) -> bool:
    """Whether sold-out items of a table of `columns` are left out under `conditions`.

    They are not where `conditions` ask for what is sold out or not.
    """
    column = find_column(columns, STOCK_NAMES) if _hidden[0] else None
    return column is not None and all(condition.column != column for condition in conditions)


def available_rows(columns: Mapping[str, Coded]) -> np.ndarray:
    """Return bool (n,), the items that are not sold out of a table with a column that says it."""
    column = find_column(columns, STOCK_NAMES)
    assert column is not None, "asked where hides_sold_out() is true"
    values, codes = columns[column]
    rows = np.array([not is_sold_out({column: value}) for value in values], bool)[codes]
    rows.setflags(write=False)  # kept, and used by every search
    return rows


@per_index
def _available_rows(index: Index) -> np.ndarray:
    column = find_column(index.columns, STOCK_NAMES)
    return available_rows({column: index.categorical_codes(column)} if column else {})


def offered_rows(index: Index, conditions: Iterable[Condition] = ()) -> np.ndarray | None:
    """Return bool (n,), the items of an index that may be shown, read-only; None for all."""
    return _available_rows(index) if hides_sold_out(index.columns, conditions) else None


def availability_note(available: bool | None, index: Index) -> Message | None:
    """Return the sentence for a shop whose catalogue does not say what is in stock."""
    missing = available is not None and find_column(index.columns, STOCK_NAMES) is None
    return _NO_STOCK_COLUMN if missing else None
