"""Conditions on attributes, the same ones for a catalogue row and for an index column.

`gender=Women`, `gender!=Boys` compare as text; `price<=40`, `year>=2012` compare as numbers.
Several values of one column joined by `|` mean any of them: `season=Summer|Spring`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookbook.schema.text import excerpt

Coded = tuple[Sequence[Any], np.ndarray]  # distinct values, and int (n,) which of them each row has
MAX_CHARACTERS = 512  # of a condition
_NUMERIC: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
}
_SUFFIXES = ("!=", *_NUMERIC)  # of a mapping's keys; without one a condition is `=`
_OPERATORS = "|".join([*_SUFFIXES, "="])  # `=` last, as all others end in it
_CONDITION = re.compile(rf"([^=!<>]+)({_OPERATORS})(.*)", re.DOTALL)  # matches in linear time


class FilterError(ValueError):
    """A condition that cannot be read, or that names a column that is not there."""


@dataclass(frozen=True)
class Condition:
    """`column` must (`=`, `<=`, `>=`) or must not (`!=`) hold one of `values`.

    An item with several values of a column, a tuple, meets `=` where any of them is one of these.
    """

    column: str
    operator: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read `COLUMN=VALUE`, `!=`, `<=` or `>=`; raises FilterError on anything else."""
        if len(text) > MAX_CHARACTERS:
            raise FilterError(
                f"a condition has at most {MAX_CHARACTERS} characters, found {len(text)}"
            )
        match = _CONDITION.fullmatch(text)
        if not match or not match[1].strip():
            raise FilterError(
                f"cannot read the condition {excerpt(text)}: expected COLUMN=VALUE, COLUMN!=VALUE, "
                "COLUMN<=NUMBER or COLUMN>=NUMBER"
            )
        column, operator, value = (part.strip() for part in match.groups())
        values = (value,) if operator in _NUMERIC else tuple(v.strip() for v in value.split("|"))
        return cls._checked(column, operator, values)

    def to_text(self) -> str:
        """Write the condition as `parse` reads it; raises FilterError where no text can say it."""
        text = f"{self.column}{self.operator}{'|'.join(self.values)}"
        if Condition.parse(text) != self:
            raise FilterError(
                f"no text can say the condition on {excerpt(self.column)}: {excerpt(self.values)}"
            )
        return text

    @classmethod
    def _checked(cls, column: str, operator: str, values: tuple[str, ...]) -> Condition:
        if operator in _NUMERIC:
            try:
                float(values[0])
            except ValueError:
                raise FilterError(
                    f"{column}{operator}{excerpt(values[0])}: expected a number after {operator}"
                ) from None
        return cls(column, operator, values)

    def rows(self, columns: Mapping[str, Coded]) -> np.ndarray:
        """Return bool (n,), the rows that meet the condition; raises FilterError.

        The condition is tested on the distinct values of its column, not on every row.
        """
        values, codes = coded_column(columns, self.column)
        return np.asarray(self.mask(values)[codes])

    def mask(self, column: Sequence[Any]) -> np.ndarray:
        """bool (n,): entries of `column` that meet the condition; a missing one meets only `!=`."""
        if self.operator in _NUMERIC:
            test, number = _NUMERIC[self.operator], float(self.values[0])
            with np.errstate(invalid="ignore"):
                if not any(isinstance(cell, tuple) for cell in column):
                    return np.asarray(test(np.array([_number(v) for v in column]), number))
                numbers = ([_number(v) for v in cell_values(cell)] for cell in column)
                met = [bool(test(np.array(each), number).any()) for each in numbers]
            return np.array(met, dtype=bool)
        values = {v.casefold() for v in self.values}
        hits = (any(_text(v) in values for v in cell_values(cell)) for cell in column)
        hit = np.fromiter(hits, dtype=bool, count=len(column))
        return hit if self.operator == "=" else ~hit


def coded_column(columns: Mapping[str, Coded], name: str) -> Coded:
    """Return a column; raises FilterError, naming those there are, where it is missing."""
    if name not in columns:
        raise FilterError(
            f"there is no column {excerpt(name)}; the columns are: {', '.join(columns) or 'none'}"
        )
    return columns[name]


def cell_values(value: object) -> Iterable[object]:
    """Return the values of a cell: those of a tuple, or its only one."""
    return value if isinstance(value, tuple) else (value,)


def _text(value: object) -> str | None:
    return None if value is None else condition_text(value).casefold()


def condition_text(value: object) -> str:
    """A value as a condition writes it."""
    if isinstance(value, (float, np.floating)) and value.is_integer():
        value = int(value)  # pandas and JSON both turn 2012 into 2012.0
    return str(value)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


Where = Mapping[str, object] | Iterable["Condition | str"] | None


def parse_where(where: Where) -> tuple[Condition, ...]:
    """Read filters in any of the forms a caller may have them.

    A mapping `{"gender": "Women", "season": ["Summer", "Spring"]}` (a list means any of them; the
    key may end in `!=`, `<=` or `>=`), an iterable of strings as the command line takes them, or of
    Conditions. None and empty mean no condition. Raises FilterError.
    """
    if where is None:
        return ()
    if isinstance(where, str):
        where = [where]
    if isinstance(where, Mapping):
        return tuple(_from_pair(key, value) for key, value in where.items())
    return tuple(c if isinstance(c, Condition) else Condition.parse(c) for c in where)


def _from_pair(key: str, value: object) -> Condition:
    suffix = next((sign for sign in _SUFFIXES if key.endswith(sign)), "")
    column, operator = key.removesuffix(suffix).rstrip(), suffix or "="
    values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    if not values:
        raise FilterError(f"{column}: expected at least one value, found an empty list")
    if any(v is None for v in values):
        raise FilterError(
            f"{column}: expected a value, found None; leave the condition out instead"
        )
    return Condition._checked(column, operator, tuple(condition_text(v) for v in values))


def matches(conditions: Sequence[Condition], attributes: Mapping[str, object]) -> bool:
    """Whether one item's attributes meet every condition; a column it lacks counts as missing."""
    return all(bool(c.mask([attributes.get(c.column)])[0]) for c in conditions)
