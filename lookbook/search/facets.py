"""Facets: the attributes that a catalogue can be filtered by, and counts under the filters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lookbook.schema.column_names import KIND_NAMES, is_numeric, normalize_column_name
from lookbook.schema.columns import find_price, is_quantity
from lookbook.schema.filters import Condition, Where, condition_text, parse_where
from lookbook.schema.readable import is_readable
from lookbook.schema.translations import translated_columns
from lookbook.search.availability import offered_rows
from lookbook.search.index import Index
from lookbook.search.mitigation import gender_column, used_conditions
from lookbook.search.per_index import per_index

_SIZES = range(2, 61)  # distinct values of a facet; a column with more holds names, not kinds
_NAMED_SIZES = range(2, 501)  # of one that is named after kinds or brands
_BRAND_NAMES = ("brand", "marke", "marque", "marca", "vendor", "manufacturer", "hersteller")
_MAX_FACETS = 10
_RANGE_OPERATORS = ("<=", ">=")
_MARKS = re.compile(r"[=<>!|]")  # what a condition is written with


@dataclass(frozen=True)
class FacetValue:
    """One value of a facet; `count` items have it and meet the filters on the other columns."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """An attribute to filter by."""

    column: str
    choices: tuple[FacetValue, ...]


@dataclass(frozen=True)
class NumericRange:
    """A column of numbers, from `low` to `high`; `least` and `most` are the ends of the filter."""

    column: str
    low: float
    high: float
    least: float | None = None
    most: float | None = None


def columns(index: Index) -> list[str]:
    """Return the categorical attributes: 2 to 60 values, each of 2 items on average.

    Texts, yes and no, years and sizes in numbers; no prices, quantities and ratings, no ids, codes,
    HTML and long texts; of kinds and brands up to 500 values. In the order of the catalogue; at
    most ten. What repeats another column in one more language is left out.
    """
    kinds, unused = [], gender_column(index.columns)
    translated = translated_columns(dict.fromkeys(index.columns))
    for name in index.columns:
        if name == unused or name in translated:
            continue
        counts = index.values(name)
        shared = sum(counts.values()) >= 2 * len(counts)
        named = normalize_column_name(name) in (*KIND_NAMES, *_BRAND_NAMES)
        fits = (
            len(counts) in (_NAMED_SIZES if named else _SIZES)
            and shared
            and not _MARKS.search(name)
        )
        if fits and _says_a_kind(name, counts) and is_readable(name, counts):
            kinds.append(name)
    return kinds[:_MAX_FACETS]


def _says_a_kind(name: str, values: Iterable[object]) -> bool:
    """Whether values are texts or truth values, or numbers that are years or sizes."""
    if all(isinstance(value, (str, bool)) for value in values):
        return True
    numbers = all(isinstance(v, (int, float)) and float(2 * v).is_integer() for v in values)
    return numbers and not is_quantity(name)


@per_index
def price_column(index: Index) -> str | None:
    """Return the column of what a customer pays: as the build took it, else by its name."""
    numeric = [name for name in index.columns if is_numeric(index.values(name))]
    taken = index.columns_taken.get("price")
    return taken if taken in numeric else find_price(numeric)


def facets(index: Index, where: Where = None) -> list[Facet]:
    """Return every facet under the filters `where`; raises FilterError.

    Counts leave out the facet's own conditions: selecting a second colour adds to the first.
    """
    conditions, _ = used_conditions(index.columns, parse_where(where))
    masks = [(condition.column, index.condition_mask(condition)) for condition in conditions]
    found, shown = [], offered_rows(index, conditions)
    for column in columns(index):
        allowed = np.ones(len(index), bool) if shown is None else shown.copy()
        for other, mask in masks:
            allowed &= mask if other != column else True
        counts = count_values(index, column, allowed)
        selected = set(selected_values(conditions, column))
        values = [
            FacetValue(value, count, value in selected)
            for value, count in counts.items()
            if (count or value in selected) and "|" not in value and value == value.strip()
        ]
        if values:
            found.append(Facet(column, tuple(values)))
    return found


def count_values(index: Index, column: str, allowed: np.ndarray) -> dict[str, int]:
    """Count the rows `allowed`, bool (n,), of each value, in the order of the whole catalogue."""
    found = index.counts(column, allowed)
    return {condition_text(value): found.get(value, 0) for value in index.values(column)}


def price_range(index: Index, where: Where = None) -> NumericRange | None:
    """Return the range of prices of the whole catalogue, and the ends that `where` sets."""
    column = price_column(index)
    if column is None:
        return None
    numbers = [v for v in index.values(column) if isinstance(v, (int, float)) and v == v]
    if len(numbers) < 2:
        return None
    on_price = [c for c in parse_where(where) if c.column == column]
    ends = {c.operator: float(c.values[0]) for c in on_price if c.operator in _RANGE_OPERATORS}
    return NumericRange(column, min(numbers), max(numbers), ends.get(">="), ends.get("<="))


def selected_values(where: Where, column: str) -> list[str]:
    """Return the values that `where` requires of a column by `=`."""
    return [value for c in parse_where(where) if _is_selection(c, column) for value in c.values]


def toggle_value(where: Where, column: str, value: str) -> tuple[Condition, ...]:
    """Return `where` with one value of a facet selected, or no longer selected."""
    conditions = parse_where(where)
    values = selected_values(conditions, column)
    values = [v for v in values if v != value] if value in values else [*values, value]
    kept = tuple(c for c in conditions if not _is_selection(c, column))
    return (*kept, Condition(column, "=", tuple(values))) if values else kept


def set_range(
    where: Where, column: str, least: float | None, most: float | None
) -> tuple[Condition, ...]:
    """Return `where` with a column of numbers from `least` to `most`; None leaves that end open."""
    kept = [
        c for c in parse_where(where) if c.column != column or c.operator not in _RANGE_OPERATORS
    ]
    ends = [(">=", least), ("<=", most)]
    return (*kept, *(Condition(column, o, (f"{e:.12g}",)) for o, e in ends if e is not None))


def _is_selection(condition: Condition, column: str) -> bool:
    return condition.column == column and condition.operator == "="
