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
