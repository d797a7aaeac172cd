"""What a catalogue can be narrowed by: its own attributes, with counts that follow the filters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.schema.columns import is_price
from lookbook.schema.filters import Condition, FilterError
from lookbook.search.index import Index

_MOST_VALUES = 60  # a column with more is a name, not a kind
_MOST_FACETS = 10
_ENDS = ("<=", ">=")
_MARKS = re.compile(r"[=<>!|]")  # what a condition is written with


@dataclass(frozen=True)
class FacetValue:
    """One value of a facet; `count` items have it and meet the filters on the other columns."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """An attribute to choose values of."""

    column: str
    choices: tuple[FacetValue, ...]


@dataclass(frozen=True)
class NumericRange:
    """A column of numbers, from `low` to `high`; `least` and `most` are what was asked for."""

    column: str
    low: float
    high: float
    least: float | None = None
    most: float | None = None


def columns(index: Index) -> list[str]:
    """Attributes that say a kind: texts with 2 to 60 values, each of several items on average.

    The fullest come first in the order of the catalogue; at most ten.
    """
    kinds = []
    for name in index.columns:
        counts = index.values(name)
        texts = all(isinstance(value, str) for value in counts)
        if (
            texts
            and not _MARKS.search(name)
            and 2 <= len(counts) <= _MOST_VALUES
            and sum(counts.values()) >= 2 * len(counts)
        ):
            kinds.append(name)
    return kinds[:_MOST_FACETS]


def price_column(index: Index) -> str | None:
    """The column of prices, by its name and by holding numbers."""
    for name in index.columns:
        if is_price(name):
            known = [v for v in index.values(name) if isinstance(v, (int, float))]
            if known and not any(isinstance(v, str) for v in index.values(name)):
                return name
    return None


def facets(index: Index, where: Sequence[str]) -> list[Facet]:
    """Every facet under the filters `where`; raises FilterError for one that cannot be read.

    Counts leave out the facet's own conditions: choosing a second colour adds to the first.
    """
    conditions = [Condition.parse(text) for text in where]
    made = []
    for column in columns(index):
        others = [text for text, c in zip(where, conditions, strict=True) if c.column != column]
        counts = counted(index, column, index.matching(others))
        chosen = set(chosen_values(where, column))
        choices = [
            FacetValue(v, n, v in chosen)
            for v, n in counts.items()
            if (n or v in chosen) and "|" not in v and v == v.strip()
        ]
        if choices:
            made.append(Facet(column, tuple(choices)))
    return made


def counted(index: Index, column: str, allowed: np.ndarray) -> dict[str, int]:
    """How many of the rows `allowed` (n,) have each value, in the order of the whole catalogue."""
    values = list(index.values(column))
    there = np.array(index.column(column), dtype=object)[allowed]
    found, counts = np.unique(there[there != np.array(None)].astype(str), return_counts=True)
    by_value = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return {value: by_value.get(value, 0) for value in values}


def span(index: Index, where: Sequence[str]) -> NumericRange | None:
    """The range of prices of the whole catalogue, and what of it was asked for."""
    column = price_column(index)
    if column is None:
        return None
    numbers = [v for v in index.values(column) if isinstance(v, (int, float)) and v == v]
    if len(numbers) < 2:
        return None
    asked = {c.operator: float(c.values[0]) for c in _of(where, column) if c.operator in _ENDS}
    return NumericRange(column, min(numbers), max(numbers), asked.get(">="), asked.get("<="))


def chosen_values(where: Sequence[str], column: str) -> list[str]:
    """The values that `where` asks of a column by `=`."""
    return [value for c in _of(where, column) if c.operator == "=" for value in c.values]


def toggle_value(where: Sequence[str], column: str, value: str) -> tuple[str, ...]:
    """`where` with one value of a facet chosen, or no longer chosen."""
    values = chosen_values(where, column)
    values = [v for v in values if v != value] if value in values else [*values, value]
    kept = [text for text in where if not _is_choice(text, column)]
    return (*kept, f"{column}={'|'.join(values)}") if values else tuple(kept)


def set_range(
    where: Sequence[str], column: str, least: float | None, most: float | None
) -> tuple[str, ...]:
    """`where` with a column of numbers between `least` and `most`; None leaves that end open."""
    kept = [
        text for text in where if not any(c.operator in ("<=", ">=") for c in _of([text], column))
    ]
    ends = [(">=", least), ("<=", most)]
    return (*kept, *(f"{column}{sign}{end:.12g}" for sign, end in ends if end is not None))


def _of(where: Sequence[str], column: str) -> list[Condition]:
    found = []
    for text in where:
        try:
            condition = Condition.parse(text)
        except FilterError:
            continue
        if condition.column == column:
            found.append(condition)
    return found


def _is_choice(text: str, column: str) -> bool:
    return any(c.operator == "=" for c in _of([text], column))
