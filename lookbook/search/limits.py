"""Numbers that come from outside, by a link or the API: read, and brought within their limits."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from lookbook.schema.message import Message
from lookbook.schema.text import excerpt

MAX_RESULTS = 96
_QUOTED = 40  # characters of a value that a sentence repeats


@dataclass(frozen=True)
class Limits:
    """The lowest and highest value of a number, and whether it is a whole one."""

    low: int
    high: int
    whole: bool = False


COUNT = Limits(1, MAX_RESULTS, whole=True)  # results
VARIETY = Limits(0, 1)


def read_number(name: str, value: object) -> float:
    """Return a number that was given as one or as text; raises ValueError, naming `name`."""
    try:
        number = float(value) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool) or not abs(number) <= sys.float_info.max:
        template = Message("{name} should be a number, found {found}.")
        raise ValueError(Message(template, name=name, found=excerpt(value, _QUOTED)))
    return number


def number_within(name: str, value: object, limits: Limits) -> tuple[float, Message | None]:
    """Return a number within `limits`, and a sentence where it is another than was given.

    Raises ValueError for what is no number.
    """
    number = read_number(name, value)
    found = str(value)[:_QUOTED]
    inside = min(max(number, limits.low), limits.high)
    if inside != number:
        template = Message("{name} goes from {low} to {high}, found {found}.")
        return inside, Message(template, name=name, low=limits.low, high=limits.high, found=found)
    if limits.whole and inside != int(inside):
        template = Message("{name} should be a whole number, found {found}.")
        return int(inside), Message(template, name=name, found=found)
    return inside, None
