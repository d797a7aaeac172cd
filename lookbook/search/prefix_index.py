"""Find titles by typing: an index of words, searched by their beginnings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from lookbook.schema.text import tokenize
from lookbook.search.article_numbers import article_rows
from lookbook.search.index import Index, IndexItem
from lookbook.search.per_index import per_index
from lookbook.search.product_groups import product_groups

_MAX_CHARACTERS = 200  # of what was typed


class PrefixIndex:
    """Sorted words, each with the titles that have it; a typed prefix is a range of them."""

    def __init__(self, titles: Sequence[str]) -> None:
        split = [tokenize(title) for title in titles]
        pairs = sorted((word, row) for row, words in enumerate(split) for word in set(words))
        self._words = [word for word, _ in pairs]
        self._rows = np.array([row for _, row in pairs], np.int64)
        self._titles = [" ".join(words) for words in split]
        self._lengths = np.array([len(title) for title in self._titles], np.int64)

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
            start = bisect_left(self._words, word)
            after_word = bisect_left(self._words, word + "\0", start)
            after_prefix = bisect_left(self._words, word + "\U0010ffff", start)
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
