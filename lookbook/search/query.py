"""A query of several parts, kept apart until it is asked: pictures, an item, words, likes.

Parts live in two spaces. Pictures and words come from the encoder; items are known as the index
stores them, which is another space where it reduces dimensions. Everything meets in the stored one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lookbook.search.index import Hit, Index
from lookbook.search.mmr import maximal_marginal_relevance
from lookbook.search.query_text import content_words, parse_negation

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

FOLDS = ("colourways", "copies", None)
_MORE, _LESS = 0.75, 0.25  # Rocchio 1971, with the weights of Manning et al. 2008, ch. 9
# Beside an item of 39,823 shop photos, "in red" brings 0.27 red ones of its kind among the first
# 12 with a weight of 1.0 (0.20 with 0.7; 0.27 with 1.5, which loses the kind more often), and "not
# red" keeps the most of its kind in other colours with 0.7 (0.52; 0.46 with 0.3, 0.50 with 1.0).
_WORDS, _NOT_WORDS = 1.0, 0.7
# What it adds to a cosine when titles and attributes say the words too: beside pictures, and alone.
# Among 1,500 drawn pieces "burgundy dresses" then brings 0.91 of both, the vector by itself 0.23
# (0.72 with 0.3), and "in burgundy" beside a piece 0.48 of its kind in that colour, not 0.16.
_MENTIONED, _MENTIONED_ALONE = 0.3, 0.8
_LEVELS = 12  # of mentioning that are told apart
_POOL = 200  # candidates, or four times the count, that variety chooses from


@dataclass(frozen=True, eq=False)
class Query:
    """All that was asked; never changes: every step gives another query.

    `pictures` are vectors of the encoder (dim,); `more` and `less` ids; `where` conditions such as
    `gender=Women`; `variety` 0 (closest) to 1; `fold` "colourways" (one card a product), "copies"
    (one for near-duplicates) or None (every item).
    """

    pictures: tuple[np.ndarray, ...] = ()
    item: str | None = None
    words: str = ""
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    count: int = 24
    variety: float = 0.0
    fold: str | None = "colourways"
    past: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    shared: bool = False  # the pictures came by a link: whoever showed them gave them away

    def __eq__(self, other: object) -> bool:
        """Whether both ask for the same; how a query came about does not count."""
        if not isinstance(other, Query):
            return NotImplemented
        pairs = zip(self.pictures, other.pictures, strict=False)
        same = len(self.pictures) == len(other.pictures)
        return self._plain() == other._plain() and same and all(np.array_equal(*p) for p in pairs)

    def __hash__(self) -> int:
        return hash((self._plain(), len(self.pictures)))

    def _plain(self) -> tuple:
        asked = (self.item, self.words, self.more, self.less, self.where)
        return (*asked, self.count, self.variety, self.fold)

    @property
    def empty(self) -> bool:
        """Whether nothing says what is wanted, filters apart."""
        return not (self.pictures or self.item or self.words.strip() or self.more or self.less)

    def with_more(self, id: str) -> Query:
        """Towards this item; it may have been among the others before."""
        return self._moved((*_without(self.more, id), id), _without(self.less, id))

    def with_less(self, id: str) -> Query:
        """Away from this item."""
        return self._moved(_without(self.more, id), (*_without(self.less, id), id))

    def _moved(self, more: tuple[str, ...], less: tuple[str, ...]) -> Query:
        return replace(self, more=more, less=less, past=(*self.past, (self.more, self.less)))

    def undo(self) -> Query:
        """Without the last step towards or away; all else stays as it is now.

        A query from a link knows no steps: there the last `less` goes first, then the last `more`.
        """
        if self.past:
            more, less = self.past[-1]
            return replace(self, more=more, less=less, past=self.past[:-1])
        if self.less:
            return replace(self, less=self.less[:-1])
        return replace(self, more=self.more[:-1])


def _without(ids: tuple[str, ...], id: str) -> tuple[str, ...]:
    return tuple(other for other in ids if other != id)


@dataclass(frozen=True)
class Answer:
    """`hits`, best first; `total_searched` items met the filters; `ranked` False: nothing but
    filters was asked, so the order is the catalogue's and scores are 0.
    """

    hits: list[Hit]
    total_searched: int
    unknown_words: list[str]
    seconds: float
    ranked: bool = True


def query_vector(query: Query, index: Index, encoder: Encoder | None = None) -> np.ndarray:
    """float32 (manifest.dim,) of L2 norm 1, in the space of the stored vectors.

    The mean of pictures and item, each of norm 1; plus the wanted words and minus the unwanted;
    then moved by Rocchio's rule. Raises ValueError for an empty query, for words without an encoder
    or none that it knows, UnknownItem for an id that is not there.
    """
    shown = [_unit(index.stored(picture)) for picture in query.pictures]
    if query.item is not None:
        shown.append(_unit(index.vector(query.item)))
    vector = _unit(np.mean(shown, axis=0)) if shown else np.zeros(index.manifest.dim, np.float32)
    for text, weight in zip(parse_negation(query.words), (_WORDS, -_NOT_WORDS), strict=True):
        said = _said(text, index, encoder)
        vector = vector if said is None else vector + weight * said
    vector = _unit(vector)
    for ids, weight in ((query.more, _MORE), (query.less, -_LESS)):
        if ids:
            vector = vector + weight * np.mean([_unit(index.vector(id)) for id in ids], axis=0)
    if not np.linalg.norm(vector) > 1e-6:
        raise ValueError("nothing in this query says what to look for: give a picture or an item")
    return _unit(vector)


def _said(text: str, index: Index, encoder: Encoder | None) -> np.ndarray | None:
    text = content_words(text)
    if not text:
        return None
    if encoder is None:
        raise ValueError(f"the words {text!r} need an encoder, found none")
    if not encoder.knows(text):
        return None
    return _unit(index.stored(encoder.encode_text([text])[0]))


def _unit(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 1e-12 else vector, np.float32)


def run(query: Query, index: Index, encoder: Encoder | None = None) -> Answer:
    """Answer a query; `encoder` is needed for words only.

    The items that the query is made of, and their near-duplicates, are left out. Words that neither
    the encoder nor the catalogue knows are told and passed over; where nothing is left there are no
    hits. With words, hits come by their cosine and by how much of the words the catalogue says of
    them; their score is the cosine, 0 where only the catalogue knows the words. Raises
    FilterError and UnknownItem for what is not in the index, ValueError for words without an
    encoder.
    """
    started = time.perf_counter()
    allowed, unknown = index.matching(query.where), _unknown(query, index, encoder)
    total, ranked = int(allowed.sum()), not query.empty
    own = _own_rows(query, index)
    allowed[own] = False
    if not ranked:
        hits = _browse(index, np.flatnonzero(allowed), _groups(query, index), query.count)
    elif _silent(query, encoder):  # the catalogue may have words that the encoder has not
        said = np.where(allowed, _mentioned(query, index), 0)
        rows = np.argsort(-said, kind="stable")[: np.count_nonzero(said > 0)]
        hits = _browse(index, rows, _groups(query, index), query.count)
    else:
        hits = _ranked(query, index, encoder, own)
    if query.fold == "colourways":
        hits = _with_colourways(hits, index, allowed)
    return Answer(hits, total, unknown, time.perf_counter() - started, ranked)


def _unknown(query: Query, index: Index, encoder: Encoder | None) -> list[str]:
    words = content_words(" ".join(parse_negation(query.words)))
    unknown = encoder.unknown_words(words) if words and encoder is not None else []
    return [word for word in unknown if not index.lexical_index.knows(word)]


def _silent(query: Query, encoder: Encoder | None) -> bool:
    """Only words were given, and none of them says anything to the encoder."""
    said = [content_words(text) for text in parse_negation(query.words)]
    understood = encoder is None or any(text and encoder.knows(text) for text in said)
    return replace(query, words="").empty and not (any(said) and understood)


def _own_rows(query: Query, index: Index) -> np.ndarray:
    ids = [query.item] if query.item is not None else []
    own = {index.copies[index.row_of(id)] for id in (*ids, *query.more, *query.less)}
    if query.fold is None:
        return np.array([index.row_of(id) for id in (*ids, *query.more, *query.less)], np.int64)
    return np.flatnonzero(np.isin(index.copies, list(own)))


def _groups(query: Query, index: Index) -> np.ndarray | None:
    if query.fold not in FOLDS:
        raise ValueError(f"fold is 'colourways', 'copies' or None, found {query.fold!r}")
    return {"colourways": lambda: index.products, "copies": lambda: index.copies}.get(
        query.fold, lambda: None
    )()


def _browse(index: Index, rows: np.ndarray, groups: np.ndarray | None, count: int) -> list[Hit]:
    if groups is not None:
        rows = rows[np.sort(np.unique(groups[rows], return_index=True)[1])]
    items = index.items
    return [Hit(index.ids[row], 0.0, items[int(row)], int(row)) for row in rows[:count]]


def _ranked(query: Query, index: Index, encoder: Encoder | None, hidden: np.ndarray) -> list[Hit]:
    vector, said = query_vector(query, index, encoder), _mentioned(query, index)
    pool = query.count if not query.variety else max(_POOL, 4 * query.count)
    hits = _nearest(query, index, vector, said, hidden, pool)
    if not query.variety:
        return hits
    rows = [hit.row for hit in hits]
    vectors = index.generation.vectors[rows].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    good = vectors @ vector + said[rows]
    order = maximal_marginal_relevance(good, vectors, query.count, query.variety)
    return [hits[position] for position in order]


def _mentioned(query: Query, index: Index) -> np.ndarray:
    """float32 (n,): what the catalogue's own words for an item add to its cosine."""
    wanted, unwanted = (content_words(text) for text in parse_negation(query.words))
    if not (wanted or unwanted) or index.manifest.metric != "angular":
        return np.zeros(len(index), np.float32)
    lexical_index, alone = index.lexical_index, replace(query, words="").empty
    weight = _MENTIONED_ALONE if alone else _MENTIONED
    return (weight * (lexical_index.share(wanted) - lexical_index.share(unwanted))).round(4)


def _nearest(
    query: Query,
    index: Index,
    vector: np.ndarray,
    said: np.ndarray,
    hidden: np.ndarray,
    count: int,
) -> list[Hit]:
    """The `count` rows of the highest cosine plus `said`, one for each group, none `hidden`.

    Rows of one level of `said` are in the order of their cosines: the best of all are among the
    best of each level.
    """
    groups = _groups(query, index)
    levels = np.unique(said)[::-1]
    if len(levels) == 1:
        return index.nearest(vector, count, query.where, hidden, groups)
    found: list[Hit] = []
    for number, level in enumerate(levels[:_LEVELS]):
        others = said != level if number < _LEVELS - 1 else said > level
        found += index.nearest(
            vector, count, query.where, np.union1d(hidden, np.flatnonzero(others)), groups
        )
    found.sort(key=lambda hit: -(hit.score + said[hit.row]))
    best: dict[int, Hit] = {}
    for hit in found:
        best.setdefault(hit.row if groups is None else int(groups[hit.row]), hit)
    return list(best.values())[:count]


def _with_colourways(hits: Sequence[Hit], index: Index, allowed: np.ndarray) -> list[Hit]:
    """Each hit with the other items of its product that might have been shown, in their order."""
    keys, items = index.products, index.items
    one_each = allowed & (index.copies == np.arange(len(index)))
    rows = np.flatnonzero(one_each & np.isin(keys, [keys[hit.row] for hit in hits]))
    folded = []
    for hit in hits:
        same = rows[(keys[rows] == keys[hit.row]) & (rows != index.copies[hit.row])]
        folded.append(replace(hit, colourways=tuple(items[int(row)] for row in same)))
    return folded
