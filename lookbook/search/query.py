"""Answer a query: what may be found, what is found, and what is said of it."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lookbook.schema.message import Message
from lookbook.search.calibration import calibrations
from lookbook.search.candidates import Candidates, allowed_rows, find_candidates
from lookbook.search.index import Groups, Hit, Index
from lookbook.search.item_calibration import kind_probabilities as item_kind_probabilities
from lookbook.search.photo_calibration import kind_probabilities as photo_kind_probabilities
from lookbook.search.product_groups import product_groups
from lookbook.search.query_meaning import (
    encoder_knows_any,
    lexical_scores,
    meaning_of,
    unknown_words,
    without_words,
)
from lookbook.search.query_notes import notes_on_words
from lookbook.search.query_parts import FOLDS, Query
from lookbook.search.query_vector import matches_of, query_vector
from lookbook.search.ranking import ranked, ranked_with_quota, rows_asked
from lookbook.search.sorting import SORT_POOL, sort_keys, sorted_hits, sorted_rows
from lookbook.search.understanding import Understanding

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

__all__ = [
    "FOLDS",
    "Query",
    "SearchResult",
    "allowed_rows",
    "matches_of",
    "query_vector",
    "rows_asked",
    "run",
]

_GOLDEN = 0.618  # part of a catalogue between two items of the start page
_NO_ROWS = np.zeros(0, np.int64)
# A photo whose best result is of its kind with a lower probability shows nothing that is here. With
# all pieces of its category taken out of the catalogue that is said of 0.97 of 150 simulated street
# photos of drawn pieces and of 0.34 of those of 4,241 shop photos; with their kind there, wrongly,
# of 0.11 and of none, and of 0.01 of 150 phone photos among the shop photos.
_MIN_LIKE = 0.3
_GENDER_UNUSED = Message("this shop does not sort by gender: all pieces are shown")
_MATCH_NOTHING = Message("what to match on has no effect here: it needs a photo or a piece")
_MATCH_UNKNOWN = Message(
    "what to match on has no effect here: the model of this index has no such parts"
)
_NOTHING_SAID = Message("nothing in these words says what to look for")
_NOTHING_LIKE_IT = Message("nothing here is really like this photo: these are the closest")


@dataclass(frozen=True)
class SearchResult:
    """`hits`, best first; `total_searched` items met the filters.

    `ranked` is False for a query of filters only: the order is the catalogue's, scores are 0.
    """

    hits: list[Hit]
    total_searched: int
    unknown_words: list[str]
    seconds: float
    ranked: bool = True
    notes: tuple[str, ...] = ()


def run(query: Query, index: Index, encoder: Encoder | None = None) -> SearchResult:
    """Answer a query; `encoder` is needed for words only.

    The items that the query is made of, and their near-duplicates, are left out. Words that neither
    the encoder nor the catalogue knows are reported and ignored; where no other part is left there
    are no hits. With words, hits are ranked by their cosine plus the share of the words that their
    title and attributes hold; their score is the cosine, 0 where only the catalogue knows the
    words. Raises FilterError and UnknownItem for what is not in the index, ValueError for words
    without an encoder.
    """
    started = time.perf_counter()
    meaning = meaning_of(query, index)
    unknown = unknown_words(meaning, index, encoder)
    meaning = without_words(meaning, unknown)
    if not _says_something(meaning) and not query.text_only:
        query = replace(query, words="")  # as if there were none beside the picture
    found = find_candidates(query, meaning, index)
    hits = _hits(query, meaning, found, index, encoder)
    if query.fold == "colourways":
        hits = _with_colourways(hits, index, found.rows)
    notes = _notes(query, meaning, found, hits, index)
    says_nothing = query.text_only and not query.empty and not _says_something(meaning)
    if says_nothing and not (unknown or notes):
        notes = (_NOTHING_SAID,)
    if _NOTHING_LIKE_IT not in notes:
        hits = _with_probabilities(query, hits, index)
    seconds = time.perf_counter() - started
    return SearchResult(hits, found.total, unknown, seconds, not query.empty, notes)


def _hits(
    query: Query, meaning: Understanding, found: Candidates, index: Index, encoder: Encoder | None
) -> list[Hit]:
    """Return the hits: in the catalogue's order, by words of the catalogue alone, or by vector."""
    keys = sort_keys(index, query.sort)
    if query.empty or (query.text_only and not meaning.terms and not meaning.unwanted_terms):
        rows = np.flatnonzero(found.rows) if query.empty or meaning.conditions else _NO_ROWS
        rows = rows if found.filtered else _spread(rows)
        return _browse(index, sorted_rows(rows, keys), found.scope.groups, query.count)
    if query.text_only and not encoder_knows_any(meaning, encoder):
        rows = sorted_rows(_rows_by_words(query, meaning, found, index), keys)
        return _browse(index, rows, found.scope.groups, query.count)
    rank = functools.partial(ranked, meaning=meaning, index=index, encoder=encoder)
    if keys is not None:
        pool = replace(query, count=SORT_POOL, diversity=0.0)
        return sorted_hits(rank(pool, found.scope), keys)[: query.count]
    if meaning.attributes:  # what words ask for is shown as asked, whatever quota there is
        return rank(query, found.scope)
    return ranked_with_quota(query, found.scope, rank, index)


def _rows_by_words(
    query: Query, meaning: Understanding, found: Candidates, index: Index
) -> np.ndarray:
    """Return the rows whose text holds words of the query, those with more of them first.

    Where none does, those of the kinds that are asked for; all where something is just left out.
    """
    scores = np.where(found.rows, lexical_scores(query, meaning, index), 0)
    others = bool(meaning.kinds or (meaning.unwanted and not meaning.terms))
    matching = scores > 0 if (scores > 0).any() else found.rows & others
    rows = np.argsort(-scores, kind="stable")
    return rows[matching[rows]]


def _notes(
    query: Query, meaning: Understanding, found: Candidates, hits: Sequence[Hit], index: Index
) -> tuple[str, ...]:
    """Return what a visitor is told of the results."""
    notes = list(meaning.notes)
    shown = np.array([hit.row for hit in hits], np.int64)
    notes += notes_on_words(meaning, found, shown, index)
    if found.gender_unused:
        notes.append(_GENDER_UNUSED)
    if _nothing_like_it(query, hits, index):
        notes.append(_NOTHING_LIKE_IT)
    if query.match and not matches_of(query, index):
        notes.append(_MATCH_UNKNOWN if query.pictures or query.item else _MATCH_NOTHING)
    return tuple(notes)


def _spread(rows: np.ndarray) -> np.ndarray:
    """Return rows in an order whose every beginning is spread evenly over them."""
    step = max(1, round(len(rows) * _GOLDEN))
    while math.gcd(step, len(rows)) > 1:
        step += 1
    return rows[np.arange(len(rows)) * step % max(1, len(rows))]


def _browse(index: Index, rows: np.ndarray, groups: Groups, count: int) -> list[Hit]:
    if groups is not None:
        rows = rows[np.sort(np.unique(groups[rows], return_index=True)[1])]
    items = index.items
    return [Hit(index.ids[row], 0.0, items[row], row) for row in rows[:count].tolist()]


def _says_something(meaning: Understanding) -> bool:
    """Whether there are words but "the", "and" and the like."""
    return bool(meaning.terms or meaning.unwanted_terms or meaning.conditions)


def _nothing_like_it(query: Query, hits: Sequence[Hit], index: Index) -> bool:
    """Whether no hit is likely of the kind that the pictures of a query show.

    False where anything beside pictures moves the query, or no curve says what a score is worth.
    """
    if not _pictures_alone(query) or not hits:
        return False
    curve = calibrations(index)["photo"]
    if curve is None or curve.kind is None:
        return False
    return curve.of(max(hit.score for hit in hits)).probability < _MIN_LIKE


def _with_probabilities(query: Query, hits: list[Hit], index: Index) -> list[Hit]:
    """The hits for one photo or item alone with the probability that each is of its kind.

    As they are where it is not known: it was fitted on queries of nothing else.
    """
    found = None
    if hits and not query.moved_by and len(query.pictures) + (query.item is not None) == 1:
        if query.item is None:
            found = photo_kind_probabilities(query.pictures[0], hits, index)
        else:
            found = item_kind_probabilities(query.item, hits, index)
    if found is None:
        return hits
    return [replace(hit, same_kind=p) for hit, p in zip(hits, found, strict=True)]


def _pictures_alone(query: Query) -> bool:
    """Whether nothing but pictures moves a query."""
    return bool(query.pictures) and not query.item and not query.moved_by - {"variety"}


def _with_colourways(hits: Sequence[Hit], index: Index, candidates: np.ndarray) -> list[Hit]:
    """Give each hit the other items of its product that might have been shown, in their order."""
    products, duplicates, items = product_groups(index), index.duplicate_groups, index.items
    one_each = candidates & (duplicates == np.arange(len(index)))
    rows = np.flatnonzero(one_each & np.isin(products, [products[hit.row] for hit in hits]))
    folded = []
    for hit in hits:
        same = rows[(products[rows] == products[hit.row]) & (rows != duplicates[hit.row])]
        folded.append(replace(hit, colourways=tuple(items[row] for row in same.tolist())))
    return folded
