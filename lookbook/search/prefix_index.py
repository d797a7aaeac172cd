"""Find titles by typing: an index of words, searched by their beginnings."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from lookbook.schema.text import tokenize
from lookbook.search.article_numbers import article_rows
from lookbook.search.index import Index, IndexItem
from lookbook.search.per_index import per_index
from lookbook.search.product_groups import product_groups

_MAX_CHARACTERS = 200  # of what was typed
_NO_ROWS = np.empty(0, np.int32)


class PrefixIndex:
    """Sorted words, each with the titles that have it; a typed prefix is a range of them."""

    def __init__(self, titles: Sequence[str]) -> None:
        rows_of: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self._titles = []
        for row, title in enumerate(titles):
            words = tokenize(title)
            self._titles.append(" ".join(words))
            for word in set(words):
                rows_of[word].append(row)
        # each word once: the rows of word w are starts[w] to starts[w + 1]
        self._words = sorted(rows_of)
        self._starts = np.cumsum([0, *(len(rows_of[word]) for word in self._words)])
        self._rows = np.concatenate([_NO_ROWS, *(rows_of[word] for word in self._words)])
        self._lengths = np.array([len(title) for title in self._titles], np.int32)

    def find(self, text: str, limit: int = 20) -> list[int]:
        """Return row numbers of the best `limit` titles; the first ones for an empty text.

        A title matches if each word of `text` is a prefix of one of its words. Case and accents do
        not matter. Whole words count more than prefixes, then titles that begin like `text`, then
        short ones.
        """
        typed = tokenize(text[:_MAX_CHARACTERS])
        if not typed:
            return list(range(min(limit, len(self._titles))))
        whole = np.zeros(len(self._titles), np.int64)
        matching = np.ones(len(self._titles), bool)
        for word in typed:
            first = bisect_left(self._words, word)
            after_word = bisect_left(self._words, word + "\0", first)
            after_prefix = bisect_left(self._words, word + "\U0010ffff", first)
            start, after_word, after_prefix = self._starts[[first, after_word, after_prefix]]
            begins = np.zeros(len(self._titles), bool)
            begins[self._rows[start:after_prefix]] = True
            whole[self._rows[start:after_word]] += 1
            matching &= begins
        return self._best(np.flatnonzero(matching), whole, " ".join(typed), limit)

    def exact(self, text: str) -> list[int]:
        """Return the rows whose whole title is `text`, but for case, accents and punctuation."""
        title = " ".join(tokenize(text[:_MAX_CHARACTERS]))
        return [row for row in self.find(text, len(self._titles)) if self._titles[row] == title]

    def _best(self, rows: np.ndarray, whole: np.ndarray, typed: str, limit: int) -> list[int]:
        begins = np.array([self._titles[row].startswith(typed) for row in rows], bool)
        order = np.lexsort((rows, self._lengths[rows], ~begins, -whole[rows]))
        return [int(row) for row in rows[order[:limit]]]


@per_index
def prefix_index(index: Index) -> PrefixIndex:
    """Return the words of all titles of an index."""
    return PrefixIndex(index.titles)


def find_titles(index: Index, text: str, limit: int = 20) -> list[IndexItem]:
    """Return the items whose titles match what was typed, the best first; see `PrefixIndex`."""
    items = index.items
    return [items[row] for row in prefix_index(index).find(text, limit)]


def find_exact(index: Index, text: str) -> str | None:
    """Return the id of the one item that a text names: by id, article number or whole title.

    None where it names no item, or several products.
    """
    text = text.strip()
    if not text or text in index:
        return text or None
    rows = prefix_index(index).exact(text) or article_rows(index, text).tolist()
    products = {int(product_groups(index)[row]) for row in rows}
    return index.ids[rows[0]] if len(products) == 1 else None
