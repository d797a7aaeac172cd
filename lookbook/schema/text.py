"""Text of catalogues and queries as words that compare equal."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
_APOSTROPHES = str.maketrans("", "", "'’`")


def whole_characters(text: str) -> str:
    """Replace halves of characters (lone surrogates), which no encoding can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def tokenize(text: str) -> list[str]:
    """The words of a text without case, accents and apostrophes: "Men's Café" -> mens, cafe."""
    text = text.translate(_APOSTROPHES)
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in parts if not unicodedata.combining(c))
    return _WORD.findall(text.casefold())
