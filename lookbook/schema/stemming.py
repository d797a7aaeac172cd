"""Words without case, accents and endings, as they are compared."""

from __future__ import annotations

from functools import cache, lru_cache
from threading import Lock
from typing import Any

from lookbook.schema.text import tokenize

_STEMMERS = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "pl": "polish",
    "tr": "turkish",
}
_PLAIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "œ": "oe", "æ": "ae", "đ": "d"})
_LOCK = Lock()  # a stemmer keeps the word it works on in itself


def normalize(text: str) -> tuple[str, ...]:
    """Words without case, accents and apostrophes, letters of other alphabets as typed without.

    "Łódka Rağbet" gives ("lodka", "ragbet").
    """
    return tuple(tokenize(text.casefold().replace("_", " ").translate(_PLAIN)))


def other_numbers(word: str) -> frozenset[str]:
    """Return the regular English plurals of a word, and the words that it is one of.

    "watchs" is no plural of "watch", nor "partys" of "party".
    """
    return singular_forms(word).union(_plurals(word))


def singular_forms(word: str) -> frozenset[str]:
    """Return the words that an English one is the regular plural of: "slipper" for "slippers"."""
    singulars = [word[:-1], word[:-2], *(word[:-3] + end for end in ("y", "f", "fe"))]
    return frozenset(one for one in singulars if word in _plurals(one))


def _plurals(word: str) -> set[str]:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return {f"{word}es"}
    if word.endswith("y") and word[-2:-1] not in ("a", "e", "i", "o", "u"):
        return {f"{word[:-1]}ies"}
    irregular = {"o": f"{word}es", "f": f"{word[:-1]}ves", "fe": f"{word[:-2]}ves"}
    return {f"{word}s", *(plural for end, plural in irregular.items() if word.endswith(end))}


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """The word without its ending, by the Snowball stemmer of the language; itself without one.

    A number has no ending: a catalogue has tens of thousands of them in its titles and ids.
    """
    if language not in _STEMMERS or word.isdecimal():
        return word
    with _LOCK:
        return str(_stemmer(language).stemWord(word))


@cache
def _stemmer(language: str) -> Any:
    from snowballstemmer import stemmer

    return stemmer(_STEMMERS[language])
