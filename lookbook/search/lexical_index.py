"""What the catalogue itself says of its items: which of them mention the words of a wish.

A vector knows what red dresses look like; that an item is called a dress and red by its shop is
known better still.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from threading import Lock

import numpy as np

from lookbook.schema.text import tokenize

_JOINED = re.compile(r"(?<=\w)[-‐–](?=\w)")  # the dash of "t-shirt"


class LexicalIndex:
    """Rows by the stems of the words in their titles and attributes."""

    def __init__(
        self, titles: Sequence[str], columns: Iterable[tuple[list, np.ndarray]] = ()
    ) -> None:
        """`columns`: distinct values, and int (n,) which of them each row has."""
        self._count = len(titles)
        found: dict[str, list[np.ndarray]] = defaultdict(list)
        _note(found, titles, np.arange(len(titles)))
        for values, codes in columns:
            _note(found, values, codes)
        self._rows = {stem: np.unique(np.concatenate(rows)) for stem, rows in found.items()}

    def share(self, text: str) -> np.ndarray:
        """float32 (n,), 0 to 1: how much of `text` each row mentions.

        Rare words count for more than common ones (inverse document frequency, Spärck Jones 1972),
        one that no row mentions for as much as the others do on average: nothing is all of it.
        """
        share, asked = np.zeros(self._count, np.float32), dict.fromkeys(text.casefold().split())
        met = [rows for word in asked if len(rows := self._mentioning(word))]
        if not met:
            return share
        weights = [np.log1p(self._count / len(rows)) for rows in met]
        for rows, weight in zip(met, weights, strict=True):
            share[rows] += weight
        return share / (np.mean(weights) * len(asked))

    def knows(self, word: str) -> bool:
        """Whether any row mentions it."""
        return len(self._mentioning(word.casefold())) > 0

    def _mentioning(self, word: str) -> np.ndarray:
        """Rows with the word; "t-shirt" is met as "tshirt", and as "t shirt"."""
        parts = [self._rows_of(stem) for stem in _stems(_JOINED.sub(" ", word))]
        apart = parts[0] if parts else _NONE
        for rows in parts[1:]:
            apart = np.intersect1d(apart, rows)
        if len(parts) < 2:
            return apart
        together = [self._rows.get(stem, _NONE) for stem in _stems(_JOINED.sub("", word))]
        return np.union1d(apart, np.concatenate(together))

    def _rows_of(self, stem: str) -> np.ndarray:
        """Rows with a word of this stem; of a word that ends with it where there is none."""
        if stem not in self._rows and len(stem) >= _SHORTEST_END:
            ends = [rows for other, rows in self._rows.items() if other.endswith(stem)]
            return np.unique(np.concatenate(ends)) if ends else _NONE
        return self._rows.get(stem, _NONE)


_NONE = np.zeros(0, np.int64)
_SHORTEST_END = 3  # letters: a bag is found among handbags


def _note(found: dict[str, list[np.ndarray]], values: Sequence, codes: np.ndarray) -> None:
    """Add the rows of each text in `values` under its stems."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(values) + 1))
    for number, value in enumerate(values):
        if isinstance(value, str):
            rows = order[ends[number] : ends[number + 1]]
            for stem in {*_stems(_JOINED.sub(" ", value)), *_stems(_JOINED.sub("", value))}:
                found[stem].append(rows)


def _stems(text: str) -> list[str]:
    return [_stem(word) for word in tokenize(text)]


@cache
def _stemmer() -> object:
    from snowballstemmer import stemmer

    return stemmer("english")


_ONE = Lock()  # the stemmer works on a word that it keeps in itself


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """ "stripes" and "striped" -> "stripe" (Porter 2, 2001)."""
    with _ONE:
        return _stemmer().stemWord(word)
