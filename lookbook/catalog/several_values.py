"""Columns whose cells hold several values, and one spelling for each value."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from lookbook.catalog.cell_values import value_of, values_of
from lookbook.catalog.reading import MAX_NAMED, Facts
from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import Value
from lookbook.schema.missing import is_missing, is_missing_word

_COMMA_NUMBER = re.compile(r"-?\d+,\d+")
_MAX_PART = 40  # characters of one of several values
_MAX_KINDS = 200  # values of a column that says a kind
_PROSE = (
    *("description", "body", "bodyhtml", "summary", "text", "details", "beschreibung"),
    *(
        "shortdescription",
        "longdescription",
        "descripcion",
        "descrizione",
        "address",
        "url",
        "link",
    ),
)
_SEVERAL = (
    *("tag", "size", "colour", "color", "material", "label", "collection", "keyword", "occasion"),
    *("feature", "categorie", "category", "season", "groesse", "grosse", "farbe", "couleur"),
    *("taille", "talla", "taglia", "maat", "beden", "renk", "etikett"),
)


def splitter(name: str, texts: Counter, facts: Facts) -> str | None:
    """What divides the several values in the cells of a column; None where each holds one."""
    prose = normalize_column_name(name) in _PROSE
    if not texts or facts.others or len(texts) < len(facts.texts) or prose:
        return None
    if all(t.startswith("[") and t.endswith("]") and _listed(t) is not None for t in texts):
        return "[]"
    named_so = any(normalize_column_name(name).startswith(word) for word in _SEVERAL)
    return next((mark for mark in "|;," if _divides(mark, texts, named_so)), None)


def _divides(mark: str, texts: Counter, named_so: bool) -> bool:
    divided = [t for t in texts if len(_parts(t, mark)) > 1]
    if not divided or (mark == "," and all(_COMMA_NUMBER.fullmatch(t) for t in divided)):
        return False
    parts: Counter = Counter()
    for text, count in texts.items():
        parts.update({part.strip(): count for part in text.split(mark)})
    if max(map(len, parts)) > _MAX_PART:
        return False
    if named_so or (mark == "|" and max(map(len, parts)) <= _MAX_PART // 2):
        return True
    spaced = mark != "," or all(", " in t for t in divided)
    return spaced and len(parts) <= _MAX_KINDS and sum(parts.values()) >= 2 * len(parts)


def _listed(text: str) -> list | None:
    """A list written out as JSON or Python has it."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None


def _parts(text: str, mark: str) -> list[str]:
    found = (_listed(text) or []) if mark == "[]" else text.split(mark)
    return list(values_of(found) or ())


def several_converter(mark: str, spelling: Mapping[str, str]) -> Callable[[object], Value]:
    """Return what converts a cell that `mark` divides, each value in its one spelling."""

    def convert(value: object) -> Value:
        if not isinstance(value, str) or is_missing(value):
            return values_of(value) if value is not None and not is_missing(value) else None
        parts = _parts(value, mark) or [value.strip()]  # a divider alone stays what it is
        return tuple(dict.fromkeys(spelling.get(p, p) for p in parts))

    return convert


def one_spelling(name: str, split: str | None, texts: Counter) -> tuple[dict[str, str], list[str]]:
    """One spelling for values that differ in case and spaces only, where a column says a kind."""
    if normalize_column_name(name) in _PROSE or len(texts) > 10 * _MAX_KINDS:
        return {}, []
    written: dict[str, Counter] = defaultdict(Counter)
    for text, count in texts.items():
        for part in _parts(text, split) if split else [text]:
            if not is_missing_word(part):
                written[" ".join(part.split()).casefold()][part] += count
    total = sum(sum(spellings.values()) for spellings in written.values())
    if len(written) > _MAX_KINDS or total < 2 * len(written):
        return {}, []
    spelling: dict[str, str] = {}
    changes: list[str] = []
    for spellings in written.values():
        best = max(spellings, key=lambda s: (spellings[s], s[:1].isupper() and not s.isupper()))
        others = {s: best for s in spellings if s != best}
        spelling |= others
        changes += [f"{s!r} as {best!r}" for s in others]
    more = f" and {len(changes) - MAX_NAMED} more" if len(changes) > MAX_NAMED else ""
    note = f"the column {name!r}: {', '.join(changes[:MAX_NAMED])}{more} are read as one value"
    return spelling, [note] if changes else []


def spelling_converter(spelling: Mapping[str, str]) -> Callable[[object], Value]:
    """Return what converts a cell of one value to its one spelling."""

    def convert(value: object) -> Value:
        found = value_of(value)
        return spelling.get(found, found) if isinstance(found, str) else found

    return convert
