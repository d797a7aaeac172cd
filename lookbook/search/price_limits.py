"""Limits of the price in the words of a query: "jeans under 60", "between 100 and 200"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lookbook.schema.filters import Condition, parse_where
from lookbook.schema.money import convention_of, parse_amount
from lookbook.schema.thesaurus import Thesaurus
from lookbook.search.facets import price_column
from lookbook.search.index import Index

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


def read_price(text: str, thesaurus: Thesaurus) -> tuple[str, tuple[tuple[str, float], ...]]:
    """Split "jeans under 60" into "jeans" and (("<=", 60.0),); no limit where no price is named.

    "over 100 and under 200" has two limits, "between 100 and 200" as well; the lower number is the
    lower limit, whichever is named first. "1,200", "1.200" and "1 200" are all 1200, as in prices
    of shops.
    """
    if match := _BETWEEN.search(text):
        one, other = _amount(match["number"]), _amount(match["upper"])
        if one is not None and other is not None:
            limits = ((">=", min(one, other)), ("<=", max(one, other)))
            return _without_match(text, match), limits
    found: dict[str, float] = {}
    for operator, pattern in _price_patterns(thesaurus):
        match = pattern.search(text)
        amount = _amount(match["number"]) if match else None
        if match and amount is not None:
            text, found[operator] = _without_match(text, match), amount
    if len(found) == 2 and found[">="] > found["<="]:
        found = {"<=": found[">="], ">=": found["<="]}
    return text, tuple(found.items())


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
