"""Text of catalogues and queries as words that compare equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(  # Han, kana: scripts that put no spaces between words
    "([\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_VOICED = "\u3099\u309a"  # marks that make another kana, as ha, ba and pa
MAX_EXCERPT = 80  # characters of what an error quotes
_APOSTROPHES = str.maketrans("", "", "'’`")


def whole_characters(text: str) -> str:
    """Replace halves of characters (lone surrogates), which no encoding can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def excerpt(value: object, most: int = MAX_EXCERPT) -> str:
    """Return what was found as an error quotes it: its `repr`, of a long one the beginning.

    What visitors send has any length, and an error must not send all of it back.
    """
    if isinstance(value, str):
        return repr(value) if len(value) <= most else repr(value[:most] + "…")
    text = repr(value)
    return text if len(text) <= most else text[:most] + "…"


def folded(text: str) -> str:
    """A text without case, accents and apostrophes: "Men's Café" -> "mens cafe"."""
    text = text.translate(_APOSTROPHES)
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        kept = (c for c in parts if c in _VOICED or not unicodedata.combining(c))
        text = unicodedata.normalize("NFC", "".join(kept))
    return text.casefold()


def tokenize(text: str) -> list[str]:
    """The words of a text as `folded`: "Men's Café" -> mens, cafe."""
    return _WORD.findall(folded(text))


def is_unspaced(text: str) -> bool:
    """Whether a text has only characters of scripts without spaces."""
    return _UNSPACED.fullmatch(text) is not None


def bigrams(words: Iterable[str]) -> list[str]:
    """Cut words of scripts without spaces into overlapping pairs of characters; others stay.

    A text is then found in a longer one that is written without spaces, as "dress" in "red dress".
    """
    parts = []
    for word in words:
        for part in _UNSPACED.split(word) if not word.isascii() else (word,):
            if len(part) > 2 and is_unspaced(part):
                parts += [part[n : n + 2] for n in range(len(part) - 1)]
            elif part:
                parts.append(part)
    return parts
