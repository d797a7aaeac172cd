"""A cell as a value: text, number, several texts, or None."""

from __future__ import annotations

from typing import Any

from lookbook.schema.columns import Value, printable, scalar
from lookbook.schema.missing import is_missing


def value_of(value: object) -> Value:
    """A cell as a value: texts stripped, lists as several, what is nothing as None."""
    if isinstance(value, (list, tuple)):
        return values_of(value)
    found = scalar(value)
    return found.strip() if isinstance(found, str) else found


def values_of(value: object) -> tuple[str, ...] | None:
    """A list as distinct texts in its order; None where nothing is in it."""
    if not isinstance(value, (list, tuple)):
        value = [value]
    found = dict.fromkeys(
        printable(str(v).strip())
        for v in value
        if not isinstance(v, (dict, list, bytes)) and not is_missing(v)
    )
    return tuple(found) or None


def value_from_json(value: Any) -> Value:
    """A value that was written as JSON, which makes a list of several."""
    return tuple(value) if isinstance(value, list) else value


def text_of(value: object) -> Value:
    """An id or a code: 12.0 of a spreadsheet is 12."""
    found = value_of(value)
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found
