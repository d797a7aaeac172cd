"""Ordinary words, which are no misspelt terms: "sold" is not gold, nor "shop" a shoe."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("ordinary_words.txt")


@cache
def ordinary_words() -> frozenset[str]:
    """Return stems of ordinary English words and words of other languages, without accents."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if line[:1] != "#" for word in line.split())
