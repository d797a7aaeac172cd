"""Find titles by typing: an index of words, searched by their beginnings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from lookbook.schema.text import tokenize

_LONGEST = 200  # characters of what was typed


class PrefixIndex:
    """Sorted words, each with the titles that have it; a typed beginning is a range of them."""

    def __init__(self, titles: Sequence[str]) -> None:
        split = [tokenize(title) for title in titles]
        pairs = sorted((word, row) for row, found in enumerate(split) for word in set(found))
        self._words = [word for word, _ in pairs]
        self._rows = np.array([row for _, row in pairs], np.int64)
        self._plain = [" ".join(found) for found in split]
        self._lengths = np.array([len(title) for title in self._plain], np.int64)

    def find(self, text: str, limit: int = 20) -> list[int]:
        """Row numbers of the best `limit` titles; those of an empty text are the first ones."""
        typed = tokenize(text[:_LONGEST])
        if not typed:
            return list(range(min(limit, len(self._plain))))
        whole = np.zeros(len(self._plain), np.int64)
        matching = np.ones(len(self._plain), bool)
        for word in typed:
            start = bisect_left(self._words, word)
            after_word = bisect_left(self._words, word + "\0", start)
            after_prefix = bisect_left(self._words, word + "\U0010ffff", start)
            begins = np.zeros(len(self._plain), bool)
            begins[self._rows[start:after_prefix]] = True
            whole[self._rows[start:after_word]] += 1
            matching &= begins
        return self._best(np.flatnonzero(matching), whole, " ".join(typed), limit)

    def _best(self, rows: np.ndarray, whole: np.ndarray, typed: str, limit: int) -> list[int]:
        begins = np.array([self._plain[row].startswith(typed) for row in rows], bool)
        order = np.lexsort((rows, self._lengths[rows], ~begins, -whole[rows]))
        return rows[order[:limit]].tolist()
