"""Columns of numbers and of amounts of money."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from lookbook.catalog.reading import MAX_NAMED, CellRefusal, ColumnPlan, Facts
from lookbook.schema.columns import Value, scalar
from lookbook.schema.missing import is_missing
from lookbook.schema.money import Amount, Convention, convention_of, currency_code, parse_amount

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?\d+\.\d+([eE][+-]?\d+)?")


def number_kind(texts: Iterable[str]) -> type | None:
    """int or float when a whole column reads as such; an id as 0108775015 must stay text."""
    texts = list(texts)
    if texts and all(_WHOLE.fullmatch(t) for t in texts):
        return int
    if texts and all(_WHOLE.fullmatch(t) or _DECIMAL.fullmatch(t) for t in texts):
        return float
    return None


def number_converter(kind: type) -> Callable[[object], Value]:
    """Return what converts a cell of a column of this `number_kind`."""

    def convert(value: object) -> Value:
        return None if is_missing(value) else scalar(kind(str(value).strip()))

    return convert


def amount_plan(
    name: str, facts: Facts, typed: bool
) -> tuple[ColumnPlan, list[str], list[CellRefusal]] | None:
    """Plan a column of amounts; None where most of its texts are none."""
    texts = facts.strings()
    if not typed and number_kind(texts) is int:
        return None  # whole numbers are read as such
    convention = convention_of(texts)
    amounts = {text: parse_amount(text, convention) for text in texts}
    readable = sum(n for text, n in texts.items() if amounts[text])
    if 2 * readable < sum(facts.texts.values()):
        return None
    constant = _currency_in(name)

    def convert(value: object) -> Value:
        if not isinstance(value, str):
            return scalar(value)
        found = None if is_missing(value) else _amount(value.strip(), amounts, convention)
        return found.value if found else None

    def currency(value: object) -> str | None:
        if not isinstance(value, str) or is_missing(value):
            return constant if value is not None and not is_missing(value) else None
        found = _amount(value.strip(), amounts, convention)
        return (found.currency or constant) if found else None

    currencies = sorted({a.currency for a in amounts.values() if a and a.currency})
    why = f"by its name; decimals behind {convention.decimal!r}"
    why += f"; in {', '.join(currencies)}" if currencies else ""
    refusals = _unreadable_amounts(name, facts, amounts)
    notes = _amount_notes(name, convention, refusals, currencies)
    return ColumnPlan(name, "amount", why, convert, currency), notes, refusals


def _unreadable_amounts(
    name: str, facts: Facts, amounts: Mapping[str, Amount | None]
) -> list[CellRefusal]:
    """Return the cells of a column that are no amount, by line."""
    refusals = [
        CellRefusal(
            line, name, text[:80], f"the column {name!r}: expected an amount, found {text[:80]!r}"
        )
        for text, found in amounts.items()
        if found is None
        for line in facts.lines[text]
    ]
    return sorted(refusals, key=lambda refusal: refusal.line)


def _amount_notes(
    name: str, convention: Convention, refusals: Sequence[CellRefusal], currencies: Sequence[str]
) -> list[str]:
    notes = []
    if convention.guessed:
        mark = "." if convention.decimal == "," else ","
        notes.append(
            f"the column {name!r}: {mark!r} is taken to group thousands, as three digits follow it "
            "everywhere"
        )
    if refusals:
        shown = ", ".join(f"line {r.line} {r.text!r}" for r in refusals[:MAX_NAMED])
        notes.append(f"the column {name!r}: {len(refusals):,} cells are no amount: {shown}")
    if len(currencies) > 1:
        listed = ", ".join(currencies)
        notes.append(f"the column {name!r} is in {listed}: amounts are compared as they stand")
    return notes


def _amount(text: str, known: dict[str, Amount | None], convention: Convention) -> Amount | None:
    return known[text] if text in known else parse_amount(text, convention)


def _currency_in(name: str) -> str | None:
    """The currency that a header says: `Price (EUR)`, `price_eur`, `Preis €`."""
    parts = re.split(r"[\s_()\[\]/.-]+", name)
    codes = {currency_code(p) for p in parts if len(p) == 3 or (p and not p.isalnum())}
    codes.discard(None)
    return codes.pop() if len(codes) == 1 else None
