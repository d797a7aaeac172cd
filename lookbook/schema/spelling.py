"""The term that a misspelt word was meant to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lookbook.schema.ordinary_words import ordinary_words
from lookbook.schema.stemming import stem

_DOUBLED = re.compile(r"(.)\1")
SHORTEST_MISSPELT, _TWO_EDITS = 4, 8  # letters of a word from which one, two mistakes are allowed


def nearest_term(word: str, terms: Sequence[Iterable[str]]) -> str | None:
    """Return the term that one or two typing mistakes make a word of; None for an ordinary word.

    `terms` are those of several languages, the likeliest first. A missing, additional or swapped
    letter is a likelier mistake than another one: "wite" is white before it is wine; the likeliest
    is a single letter for a double one. So "earings" are earrings, although their stem is an
    ordinary word; "shopped" is no misspelt term.
    """
    if len(word) < SHORTEST_MISSPELT or not word.isalpha() or word in ordinary_words():
        return None
    best: tuple[tuple[int, int, bool, int], str] | None = None
    for rank, listed in enumerate(terms):
        for term in listed:
            distance = _mistakes(word, term)
            if distance is None:
                continue
            key = (distance, _replaced(word, term), not _alike_but_doubled(term, word), rank)
            if best is None or key < best[0]:
                best = (key, term)
    if best is None or (best[0][2] and stem(word, "en") in ordinary_words()):
        return None
    return best[1]


def _mistakes(typed: str, term: str) -> int | None:
    """Return how many mistakes make a term of what was typed; None for more than are allowed."""
    allowed = 2 if len(typed) >= _TWO_EDITS else 1
    if abs(len(term) - len(typed)) > allowed or len(term) < SHORTEST_MISSPELT:
        return None
    if not _may_begin(typed, term):
        return None
    from rapidfuzz.distance import OSA

    distance = OSA.distance(typed, term, score_cutoff=allowed)
    return distance if distance <= allowed else None


def _replaced(typed: str, term: str) -> int:
    """Return how many letters are others in what was typed: 1 of "wine", 0 of "wiht" for "with"."""
    ours, others = Counter(typed), Counter(term)
    return min((ours - others).total(), (others - ours).total())


def no_other_letter(typed: str, term: str) -> bool:
    """Whether at most one letter is missing, additional or swapped, and none is another one."""
    return abs(len(term) - len(typed)) < 2 and not _replaced(typed, term)


def _alike_but_doubled(one: str, other: str) -> bool:
    """Whether two words differ by letters that are single in one and double in the other."""
    return undoubled(one) == undoubled(other)


def undoubled(word: str) -> str:
    """Return a word with single letters in place of double ones: "dres" of "dress"."""
    return _DOUBLED.sub(r"\1", word)


def _may_begin(typed: str, term: str) -> bool:
    """Whether a first letter is right, swapped, missing or one too many.

    It is seldom another one in a misspelt word, and most often in other words: "nose" is no rose.
    """
    return typed[0] == term[0] or typed[1:2] == term[0] or typed[0] == term[1:2]
