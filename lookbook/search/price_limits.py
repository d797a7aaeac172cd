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

_AND = r"(?:and|but|und|aber|et|y|e|en|i|oraz|ve|to|bis|-|–)"
_OR = r"(?:n?or|oder|noch|ou|ni|né|o|of|lub|ani|veya)"
_CURRENCY = r"(?:[€$£₹]|euros?|eur|dollars?|usd|pounds?|gbp|zł|pln|tl|rupees?|rs)"
_AFTER = rf"\s*{_CURRENCY}?"
_JOINS = re.compile(rf"\A(?:{_AND}|{_OR})\s+", re.IGNORECASE)
_JOINS_BEFORE = re.compile(rf"\s+(?:{_AND}|{_OR})\s*$", re.IGNORECASE)
_ENDS_WITH_OR = re.compile(rf"(?:.*\s)?{_OR}", re.IGNORECASE | re.DOTALL)
_BEGINS_WITH_OR = re.compile(rf"\s*{_OR}(?!\w)", re.IGNORECASE)

_OPPOSITE = {"<=": ">=", ">=": "<="}
Limits = tuple[tuple[str, float], ...]  # pairs of an operator, <= or >=, and a number


class PriceReading(NamedTuple):
    """Wanted and unwanted words without prices; the limits; what is to be said of these."""

    wanted: str
    unwanted: str
    limits: Limits
    notes: tuple[Message, ...]


class _Found(NamedTuple):
    """A price of a text, from `start` to `stop`: alternatives of which one has to hold."""

    start: int
    stop: int
    alternatives: tuple[Limits, ...]
    is_negated: bool = False


def read_price(wanted: str, unwanted: str, thesaurus: Thesaurus) -> PriceReading:
    """Split "jeans under 60" into "jeans" and the limit ("<=", 60.0).

    "over 100 and under 200" has two limits, "between 100 and 200" as well; the lower number is the
    lower limit, whichever is named first. Of several limits on one side the strictest counts.
    "1,200", "1.200" and "1 200" are all 1200, as in prices of shops. `unwanted` are phrases as
    `parse_negation` joins them: "not over 60" is a limit of 60, as is "without stripes under 60".
    "Under 60 or over 100" and "not between 60 and 100" are two ranges: no limit, and a sentence.
    """
    found = _prices(wanted, thesaurus)
    limits, notes = _one_range(wanted, found)
    words = [_without(wanted, found)]
    phrases: list[str] = []
    for phrase in unwanted.split(BETWEEN_PHRASES):
        found = _negated(phrase, _prices(phrase, thesaurus), thesaurus)
        of_phrase, of_notes = _one_range(phrase, found)
        limits, notes = limits + of_phrase, notes + of_notes
        (words if _ends_negation(phrase, found) else phrases).append(_without(phrase, found))
    settled, said = _settled(limits)
    unwanted = BETWEEN_PHRASES.join(filter(None, phrases))
    return PriceReading(" ".join(filter(None, words)), unwanted, settled, (*notes, *said))


def _prices(text: str, thesaurus: Thesaurus) -> list[_Found]:
    """Return all limits and ranges of the price that a text names, in their order."""
    found = []
    for match in _price_pattern(thesaurus).finditer(text):
        amounts = [_amount(match[name]) for name in ("number", "lower", "upper") if match[name]]
        known = sorted(amount for amount in amounts if amount is not None)
        sides = ("<=",) if match["under"] else (">=",) if match["over"] else (">=", "<=")
        if len(known) == len(sides):
            limits = tuple(zip(sides, known, strict=True))
            found.append(_Found(match.start(), match.end(), (limits,)))
    return found


def _negated(phrase: str, found: Sequence[_Found], thesaurus: Thesaurus) -> list[_Found]:
    """Return the prices of an unwanted phrase as what they leave.

    The first is negated where it begins the phrase or follows an "or". So is another one after "or"
    and, as both are limits of one range, after "and" on the same side: "not under 60 and over 100".
    In "not over 100 and at least 60" the second counts as itself.
    """
    fillers = {word.casefold() for word in thesaurus.spellings("_stop")}
    done: list[_Found] = []
    for one in found:
        gap = phrase[done[-1].stop if done else 0 : one.start].strip()
        follows_or = _ENDS_WITH_OR.fullmatch(gap) is not None
        if not done:
            negates = follows_or or fillers.issuperset(gap.casefold().split())
        else:
            same = _side(one) == _side(done[-1]) and _JOINS.fullmatch(f"{gap} ")
            negates = done[-1].is_negated and (follows_or or bool(same))
        done.append(_opposite(one) if negates else one)
    return done


def _side(one: _Found) -> str | None:
    """Return the operator of a price that is one limit; None for a range."""
    sides = {side for limits in one.alternatives for side, _ in limits}
    return sides.pop() if len(sides) == 1 else None


def _opposite(one: _Found) -> _Found:
    """Return what a limit or range leaves: below and above a range."""
    (limits,) = one.alternatives
    left = tuple(((_OPPOSITE[side], number),) for side, number in limits)
    return one._replace(alternatives=left, is_negated=True)


def _ends_negation(phrase: str, found: Sequence[_Found]) -> bool:
    """Whether a negated price begins a phrase: in "not over 60 red" red is wanted."""
    negated = [one for one in found if one.is_negated]
    if not negated or _ENDS_WITH_OR.fullmatch(phrase[: negated[0].start].strip()):
        return False
    return not _BEGINS_WITH_OR.match(phrase, negated[-1].stop)


def _one_range(text: str, found: Sequence[_Found]) -> tuple[Limits, tuple[Message, ...]]:
    """Return the limits that prices of a text have together, and what is said of two ranges."""
    joined: list[_Found] = []
    for one in found:
        gap = text[joined[-1].stop : one.start].strip() if joined else ""
        if gap and not one.is_negated and re.fullmatch(_OR, gap, re.IGNORECASE):
            last = joined.pop()
            one = _Found(last.start, one.stop, (*last.alternatives, *one.alternatives))
        joined.append(one)
    limits: list[tuple[str, float]] = []
    notes: list[Message] = []
    for one in joined:
        side = _side(one)
        if len(one.alternatives) == 1:
            limits += one.alternatives[0]
        elif side is not None:  # under 60 or under 80
            numbers = [number for alternative in one.alternatives for _, number in alternative]
            limits.append((side, max(numbers) if side == "<=" else min(numbers)))
        else:
            words = text[one.start : one.stop]
            notes.append(
                Message("a price is limited to one range only: {words} has no effect", words=words)
            )
    return tuple(limits), tuple(notes)


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


def _without(text: str, found: Sequence[_Found]) -> str:
    """Return a text without prices, and without the "and" that another price follows."""
    for one in reversed(found):
        before, after = text[: one.start], text[one.stop :].strip()
        if not before.strip() or not after or _JOINS.match(after):
            before, after = _JOINS_BEFORE.sub("", before), _JOINS.sub("", after)
        text = f"{before} {after}"
    return " ".join(text.split()) if found else text


@lru_cache(maxsize=8)
def _price_pattern(thesaurus: Thesaurus) -> re.Pattern[str]:
    under, over = (
        "|".join(map(re.escape, sorted(thesaurus.spellings(name), key=len, reverse=True)))
        for name in ("_under", "_over")
    )
    # A space groups thousands in "1 200" and "10 000 €"; in "under 60 501 jeans" two numbers follow
    after = rf"(?=(?:[.,]\d+)?\s*(?:$|(?:{_CURRENCY}|{_AND}|{_OR}|{under}|{over})(?!\w)))"
    spaced = rf"(?:\d(?: \d{{3}})+|\d{{2,3}}(?: \d{{3}})+{after})(?!\d)(?:[.,]\d++)?+"
    digits = rf"{spaced}|\d++(?:[.,'’\u00a0\u2009\u202f]\d++)*+"
    number, lower, upper = (
        rf"(?:[€$£₹]|rs\.?|usd|eur|gbp)?\s*(?P<{name}>{digits}){_AFTER}"
        for name in ("number", "lower", "upper")
    )
    limit = rf"(?:(?P<under>{under})|(?P<over>{over}))\s*{number}"
    between = r"(?:between|zwischen|entre|tra|fra|tussen|from|von|de|da|van|od)"
    to = r"(?:\s+(?:and|und|et|y|e|en|to|until|bis|à|a|tot|do)\s+|\s*[-–]\s*)"
    return re.compile(rf"(?<!\w)(?:{between}\s+{lower}{to}{upper}|{limit})(?!\w)", re.IGNORECASE)


def price_conditions(limits: Sequence[tuple[str, float]], index: Index) -> tuple[Condition, ...]:
    """Return the limits of `read_price` as conditions; none where the catalogue has no price."""
    column = price_column(index)
    if not limits or column is None:
        return ()
    return parse_where([f"{column}{operator}{number:.15g}" for operator, number in limits])
