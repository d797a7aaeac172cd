"""Times as tables write them, read by the convention of their whole column."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from lookbook.schema.missing import is_missing

_DAY = 86_400.0
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DIVIDED = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{2,4})(?:[ T,]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))  # at least, parts of a second
_OLDEST, _NEWEST = 1900, 2100  # years of a day written as 20200917


class TimesError(ValueError):
    """A column of times that can be read in two ways, or in none; str() is one sentence."""


def days_since_1970(values: Sequence[object]) -> np.ndarray:
    """float64 (n,): days since 1970 in UTC of dates, ISO texts with zones, epochs or days.

    Numbers are whole days as 20200917 where each of them is one, else seconds, milliseconds,
    microseconds or nanoseconds since 1970 by their size, else days since 1970. nan where a cell is
    empty or cannot be read. Raises TimesError where days and months cannot be told apart.
    """
    numbers = [_number(v) for v in values]
    known = [n for n in numbers if n is not None]
    read_number = _number_reader(known)
    read_divided = _divided_reader([v for v in values if isinstance(v, str)])
    out = np.full(len(values), np.nan)
    for row, (value, number) in enumerate(zip(values, numbers, strict=True)):
        if number is not None:
            out[row] = read_number(number)
        elif isinstance(value, datetime.date):
            out[row] = _of_date(value)
        elif isinstance(value, str) and not is_missing(value):
            out[row] = _of_text(value.strip(), read_divided)
    return out


def _number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def _number_reader(numbers: Sequence[float]) -> Callable[[float], float]:
    """How the numbers of a column are read: all in one way."""
    days = [_of_whole_day(n) for n in numbers]
    if numbers and all(d is not None for d in days):
        return lambda n: _of_whole_day(n) or math.nan
    middle = float(np.median(np.abs(numbers))) if numbers else 0.0
    parts = next((parts for least, parts in _UNITS if middle >= least), None)
    return (lambda n: n / parts / _DAY) if parts else (lambda n: n)


def _of_whole_day(number: float) -> float | None:
    """Days of a number such as 20200917; None for any other."""
    text = f"{number:.0f}"
    if len(text) != 8 or not number.is_integer():
        return None
    try:
        day = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return _of_date(day) if _OLDEST <= day.year <= _NEWEST else None


def _of_date(value: datetime.date) -> float:
    """A time without a zone counts as UTC."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    return (value - _EPOCH).total_seconds() / _DAY


def _of_text(text: str, read_divided: Callable[[str], float]) -> float:
    zoned = re.sub(r"\s*(UTC|GMT)$", "+00:00", text)
    zoned = re.sub(r"\s+([+-]\d{2}):?(\d{2})$", r"\1:\2", zoned)
    try:
        return _of_date(datetime.datetime.fromisoformat(zoned))
    except ValueError:
        return read_divided(text)


def _divided_reader(texts: Sequence[str]) -> Callable[[str], float]:
    """How `17.09.2020` and `09/17/2020` are read: a part above 12 in the column is a day."""
    found = [m for t in texts if (m := _DIVIDED.fullmatch(t.strip())) and len(m[1]) <= 2]
    day_first = any(int(m[1]) > 12 for m in found) or any("." in m[0][:6] for m in found)
    month_first = any(int(m[2]) > 12 for m in found)
    if found and day_first == month_first:
        raise TimesError(
            f"{found[0][0]!r}: days and months cannot be told apart; write times as 2020-09-17"
        )

    def read(text: str) -> float:
        match = _DIVIDED.fullmatch(text)
        if not match:
            return math.nan
        first, second, third, clock = match.groups()
        parts = (first, second, third) if len(first) == 4 else (third, second, first)
        if len(first) <= 2 and month_first:
            parts = (third, first, second)
        year = int(parts[0]) + (2000 if len(parts[0]) == 2 else 0)
        try:
            day = _of_date(datetime.date(year, int(parts[1]), int(parts[2])))
        except ValueError:
            return math.nan
        hours = [int(p) for p in clock.split(":")] if clock else []
        return day + sum(p / q for p, q in zip(hours, (24, 1440, _DAY), strict=False))

    return read
