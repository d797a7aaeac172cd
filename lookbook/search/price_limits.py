"""Limits of the price in the words of a query: "jeans under 60", "between 100 and 200"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from lookbook.schema.filters import Condition, parse_where
from lookbook.schema.message import Message
from lookbook.schema.money import convention_of, parse_amount
from lookbook.schema.thesaurus import Thesaurus
from lookbook.search.facets import price_column
from lookbook.search.index import Index
from lookbook.search.query_text import BETWEEN_PHRASES

_AND = r"(?:and|but|und|aber|et|y|e|en|to|bis|-|–)"
_CURRENCY = r"(?:[€$£₹]|euros?|eur|dollars?|usd|pounds?|gbp|zł|pln|tl|rupees?|rs)"
_AFTER = rf"\s*{_CURRENCY}?"
# A space groups thousands in "1 200" and "10 000 €"; in "under 60 501 jeans" two numbers follow
_SPACED = (
    r"(?:\d(?: \d{3})+|\d{2,3}(?: \d{3})+"
    rf"(?=(?:[.,]\d+)?\s*(?:$|(?:{_CURRENCY}|{_AND})(?!\w))))(?!\d)(?:[.,]\d++)?+"
)
_NUMBER = (
    r"(?P<currency>[€$£₹]|rs\.?|usd|eur|gbp)?\s*"
    rf"(?P<number>{_SPACED}|\d++(?:[.,'’\u00a0\u2009\u202f]\d++)*+)"
)
_JOINS = re.compile(rf"{_AND}\s+", re.IGNORECASE)
_JOINS_BEFORE = re.compile(rf"\s+{_AND}\s*$", re.IGNORECASE)
_BETWEEN = re.compile(
    rf"(?<!\w)(?:between|zwischen|entre|tra|fra|tussen)\s+{_NUMBER}{_AFTER}\s+(?:and|und|et|y|e|en)"
    rf"\s+{_NUMBER.replace('currency', 'other').replace('number', 'upper')}{_AFTER}(?!\w)",
    re.IGNORECASE,
)


_OPPOSITE = {"<=": ">=", ">=": "<="}
Limits = tuple[tuple[str, float], ...]  # pairs of an operator, <= or >=, and a number


class PriceReading(NamedTuple):
    """Wanted and unwanted words without prices; the limits; what is to be said of these."""

    wanted: str
    unwanted: str
    limits: Limits
    notes: tuple[Message, ...]


def read_price(wanted: str, unwanted: str, thesaurus: Thesaurus) -> PriceReading:
    """Split "jeans under 60" into "jeans" and the limit ("<=", 60.0).

    "over 100 and under 200" has two limits, "between 100 and 200" as well; the lower number is the
    lower limit, whichever is named first. Of several limits on one side the strictest counts.
    "1,200", "1.200" and "1 200" are all 1200, as in prices of shops. `unwanted` are phrases as
    `parse_negation` joins them: "not over 60" is a limit of 60, as is "without stripes under 60".
    """
    wanted, found = _split(wanted, thesaurus)
    phrases = []
    for phrase in unwanted.split(BETWEEN_PHRASES):
        rest, of_phrase = _split(phrase, thesaurus)
        is_negated = bool(of_phrase) and (not rest or not phrase.startswith(rest.split()[0]))
        found += [(_OPPOSITE[side] if is_negated else side, n) for side, n in of_phrase]
        phrases.append(rest)
    return PriceReading(wanted, BETWEEN_PHRASES.join(filter(None, phrases)), *_settled(found))


def _split(text: str, thesaurus: Thesaurus) -> tuple[str, list[tuple[str, float]]]:
    """Split all limits of the price from a text."""
    text, found = _between(text)
    for operator, pattern in _price_patterns(thesaurus):
        while match := pattern.search(text):
            amount = _amount(match["number"])
            if amount is None:
                break
            text = _without_match(text, match)
            found.append((operator, amount))
    return text, found


def _between(text: str) -> tuple[str, list[tuple[str, float]]]:
    """Split the limits of a "between 100 and 200" from a text."""
    match = _BETWEEN.search(text)
    amounts = [_amount(match["number"]), _amount(match["upper"])] if match else []
    known = sorted(amount for amount in amounts if amount is not None)
    if match is None or len(known) < 2:
        return text, []
    return _without_match(text, match), list(zip((">=", "<="), known, strict=True))


def _settled(found: Sequence[tuple[str, float]]) -> tuple[Limits, tuple[Message, ...]]:
    """Return the strictest limit of each side, and a sentence where others were named as well."""
    sides = {side: {n for op, n in found if op == side} for side in dict.fromkeys(dict(found))}
    limits = {side: (min if side == "<=" else max)(sides[side]) for side in sides}
    if len(limits) == 2 and limits[">="] > limits["<="]:
        limits = {"<=": limits[">="], ">=": limits["<="]}
        lower, upper = _plain(limits[">="]), _plain(limits["<="])
        note = Message(
            "no price is over {upper} and under {lower}: read as {lower} to {upper}",
            lower=lower,
            upper=upper,
        )
        return tuple(limits.items()), (note,)
    if all(len(numbers) == 1 for numbers in sides.values()):
        return tuple(limits.items()), ()
    said = [
        Message("at most {amount}", amount=_plain(number))
        if side == "<="
        else Message("at least {amount}", amount=_plain(number))
        for side, number in limits.items()
    ]
    strictest = Message(
        "of several limits of the price the strictest counts: {limits}", limits=said
    )
    return tuple(limits.items()), (strictest,)


def _plain(number: float) -> float:
    """Return a whole number as one, which is written without an exponent."""
    return int(number) if number.is_integer() else number


def _amount(number: str) -> float | None:
    """Return the number of a price; None for one whose marks make no sense, as in "1.2.3"."""
    amount = parse_amount(number, convention_of([number]))
    return None if amount is None else amount.value


def _without_match(text: str, match: re.Match[str]) -> str:
    """Return a text without a price, and without the "and" that another price follows."""
    before, after = text[: match.start()], text[match.end() :]
    if not before.strip() or not after.strip() or _JOINS.match(after.strip()):
        before, after = _JOINS_BEFORE.sub("", before), _JOINS.sub("", after.strip())
    return " ".join(f"{before} {after}".split())


@lru_cache(maxsize=8)
def _price_patterns(thesaurus: Thesaurus) -> tuple[tuple[str, re.Pattern[str]], ...]:
    patterns = []
    for operator, concept in (("<=", "_under"), (">=", "_over")):
        terms = sorted(thesaurus.spellings(concept), key=len, reverse=True)
        names = "|".join(re.escape(term) for term in terms)
        patterns.append(
            (operator, re.compile(rf"(?<!\w)(?:{names})\s*{_NUMBER}{_AFTER}(?!\w)", re.IGNORECASE))
        )
    return tuple(patterns)


def price_conditions(limits: Sequence[tuple[str, float]], index: Index) -> tuple[Condition, ...]:
    """Return the limits of `read_price` as conditions; none where the catalogue has no price."""
    column = price_column(index)
    if not limits or column is None:
        return ()
    return parse_where([f"{column}{operator}{number:.15g}" for operator, number in limits])
