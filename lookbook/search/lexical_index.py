"""Match words of a query with the catalogue's own texts: titles and attributes.

An embedding knows what red dresses look like; that the shop calls an item red and a dress is
stronger evidence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lookbook.schema.filters import Coded
from lookbook.schema.stemming import stem
from lookbook.schema.text import bigrams, is_unspaced, tokenize
from lookbook.search.index import Index
from lookbook.search.per_index import per_index

_JOINED = re.compile(r"(?<=\w)[-‐–](?=\w)")  # the dash of "t-shirt"
_NO_ROWS = np.zeros(0, np.int64)
_MIN_SUFFIX = 3  # letters: a bag is found among handbags


class LexicalIndex:
    """Rows by the stems of the words in their titles and attributes."""

    def __init__(self, titles: Sequence[str], columns: Iterable[Coded] = ()) -> None:
        """`columns`: distinct values, and int (n,) which of them each row has."""
        self._count = len(titles)
        rows_of: dict[str, list[np.ndarray]] = defaultdict(list)
        _add_texts(rows_of, titles, np.arange(len(titles)))
        self._title_words = {word for title in titles for word in tokenize(title)}
        self._attribute_words: set[str] = set()
        self._title_rows = {stem: np.concatenate(rows) for stem, rows in rows_of.items()}
        self._lengths = self._title_lengths()
        for values, codes in columns:
            _add_texts(rows_of, values, codes)
            words = (word for text in _texts(values) for word in tokenize(text))
            self._attribute_words.update(word for word in words if word.isalpha())
        self._rows = {  # rows of one text alone are distinct and in order
            stem: rows[0] if len(rows) == 1 else np.unique(np.concatenate(rows))
            for stem, rows in rows_of.items()
        }

    def share(self, text: str) -> np.ndarray:
        """Return float32 (n,), 0 to 1: how much of `text` each row mentions.

        Words are weighted by inverse document frequency (Spärck Jones 1972). A word that no row
        mentions weighs as much as the others on average, so that no row mentions all of the text.
        """
        share, words = np.zeros(self._count, np.float32), dict.fromkeys(text.casefold().split())
        mentioned = [rows for word in words if len(rows := self._mentioning(word))]
        if not mentioned:
            return share
        weights = [np.log1p(self._count / len(rows)) for rows in mentioned]
        for rows, weight in zip(mentioned, weights, strict=True):
            share[rows] += weight
        return np.asarray(share / (np.mean(weights) * len(words)), np.float32)

    def _title_lengths(self) -> np.ndarray:
        """Return float32 (n,): the norm of the inverse document frequencies of each title."""
        squares = np.zeros(self._count, np.float32)
        for rows in self._title_rows.values():
            squares[rows] += self._weight(rows) ** 2
        return np.sqrt(squares)

    def _weight(self, rows: np.ndarray) -> float:
        return float(np.log1p(self._count / max(1, len(rows))))

    def title_similarity(self, text: str) -> np.ndarray:
        """Return float32 (n,), 0 to 1: cosine of the words of `text` and of each title.

        Words are weighted by inverse document frequency; 1 is a title that has the same words.
        """
        dot, square = np.zeros(self._count, np.float32), 0.0
        for key in _keys(text):
            rows = self._title_rows.get(key, _NO_ROWS)
            weight = self._weight(rows)
            dot[rows] += weight**2
            square += weight**2
        return np.asarray(dot / np.maximum(self._lengths * np.sqrt(square), 1e-6), np.float32)

    def has_word(self, word: str) -> bool:
        """Whether a title or an attribute has this very word: "earings" is not "ear".

        Words of attributes have letters only: no codes.
        """
        return word in self._title_words or word in self._attribute_words

    def has_title_word(self, word: str) -> bool:
        """Whether a title has this very word."""
        return word in self._title_words

    def knows(self, word: str) -> bool:
        """Whether any row mentions it."""
        return len(self._mentioning(word.casefold())) > 0

    def _mentioning(self, word: str) -> np.ndarray:
        """Return the rows with the word; "t-shirt" matches "tshirt" and "t shirt"."""
        parts = [self._rows_of(stem) for stem in _stems(_JOINED.sub(" ", word))]
        apart = parts[0] if parts else _NO_ROWS
        for rows in parts[1:]:
            apart = np.intersect1d(apart, rows)
        if len(parts) < 2:
            return apart
        together = [self._rows.get(stem, _NO_ROWS) for stem in _stems(_JOINED.sub("", word))]
        return np.union1d(apart, np.concatenate(together))

    def _rows_of(self, stem: str) -> np.ndarray:
        """Return the rows with a word of this stem; where there is none, with it as a suffix.

        A single character of a script without spaces is looked for anywhere.
        """
        single = len(stem) == 1 and is_unspaced(stem)
        if stem not in self._rows and (len(stem) >= _MIN_SUFFIX or single):
            ends = [
                rows
                for other, rows in self._rows.items()
                if other.endswith(stem) or (single and stem in other)
            ]
            return np.unique(np.concatenate(ends)) if ends else _NO_ROWS
        return self._rows.get(stem, _NO_ROWS)


@per_index
def lexical_index(index: Index) -> LexicalIndex:
    """Return the words of all titles and attributes of an index."""
    return LexicalIndex(index.titles, [index.categorical_codes(name) for name in index.columns])


def _add_texts(
    rows_of: dict[str, list[np.ndarray]], values: Sequence[Any], codes: np.ndarray
) -> None:
    """Add the rows of each text in `values` under its stems."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(values) + 1))
    for number, text in enumerate(_texts(values)):
        rows = order[ends[number] : ends[number + 1]]
        for key in _keys(text):
            rows_of[key].append(rows)


def _texts(values: Sequence[Any]) -> Iterator[str]:
    """Yield each value as a text, "" for what is none."""
    for value in values:
        value = " ".join(value) if isinstance(value, tuple) else value
        yield value if isinstance(value, str) else ""


def _keys(text: str) -> set[str]:
    """Return the stems of a text, those of "t-shirt" both as one word and as two."""
    return {*_stems(_JOINED.sub(" ", text)), *_stems(_JOINED.sub("", text))}


def _stems(text: str) -> list[str]:
    return [stem(word, "en") for word in bigrams(tokenize(text))]
