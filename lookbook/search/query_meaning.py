"""What the words of a query mean, which of them are known, and which kinds its pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lookbook.search.availability import (
    availability_conditions,
    availability_note,
    read_availability,
)
from lookbook.search.calibration import kind_column
from lookbook.search.index import Index
from lookbook.search.intents import as_query
from lookbook.search.lexical_index import lexical_index
from lookbook.search.query_parts import Query
from lookbook.search.query_text import parse_negation
from lookbook.search.understanding import Understanding, understand

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

# Added to the cosine of an item whose title and attributes hold all the words: beside pictures, and
# for text alone. Among 1,500 drawn items "burgundy dresses" then brings 0.91 of both, the vector by
# itself 0.23 (0.72 with 0.3), and "in burgundy" beside an item 0.48 of its kind in that colour, not
# 0.16.
_LEXICAL_WEIGHT, _LEXICAL_WEIGHT_ALONE = 0.3, 0.8
# The same where other words are concepts: brands and names count for less than a colour, and for
# more than a material.
_LEXICAL_WEIGHT_BESIDE_CONCEPTS = 3.0
_KIND_NEIGHBOURS = 10  # of a picture, that say which kind it shows
_NO_WORDS = Understanding()


def meaning_of(query: Query, index: Index) -> Understanding:
    """Return what the words of a query mean; availability is read before what they negate."""
    if not query.words.strip():
        return _NO_WORDS
    words, available = read_availability(query.words)
    beside_picture = bool(query.pictures or query.item)
    meaning = understand(*parse_negation(words), index, beside_picture)
    if available is None:
        return meaning
    note = availability_note(available, index)
    conditions = (*meaning.conditions, *availability_conditions(available, index))
    notes = (*meaning.notes, *([note] if note else []))
    return replace(meaning, conditions=conditions, notes=notes)


def unknown_words(meaning: Understanding, index: Index, encoder: Encoder | None) -> list[str]:
    """Return the words, wanted or not, that neither the encoder nor the catalogue knows."""
    unread = f"{meaning.words} {meaning.unwanted_words}".strip()
    unknown = encoder.unknown_words(unread) if unread and encoder is not None else []
    return [word for word in unknown if not lexical_index(index).knows(word)]


def without_words(meaning: Understanding, ignored: Sequence[str]) -> Understanding:
    """Return what is meant without some of the words that no concept covers."""
    if not ignored:
        return meaning
    names = set(ignored)
    terms, unwanted_terms = (
        tuple(pair for pair in pairs if pair[0] != pair[1] or pair[0] not in names)
        for pairs in (meaning.terms, meaning.unwanted_terms)
    )
    words, unwanted_words = (
        " ".join(word for word in text.split() if word not in names)
        for text in (meaning.words, meaning.unwanted_words)
    )
    return replace(
        meaning,
        terms=terms,
        unwanted_terms=unwanted_terms,
        words=words,
        unwanted_words=unwanted_words,
    )


def encoder_text(terms: Sequence[tuple[str, str]], encoder: Encoder) -> str:
    """Return the words as typed where the encoder knows them, else the names of their concepts."""
    chosen = (typed if typed and encoder.knows(typed) else name for typed, name in terms)
    text = " ".join(chosen)
    return text if encoder.knows(text) else ""


def encoder_knows_any(meaning: Understanding, encoder: Encoder | None) -> bool:
    """Whether the encoder has a vector for the text; without an encoder any text passes.

    `query_vector` then raises the error that says that one is needed.
    """
    parts = [terms for terms in (meaning.terms, meaning.unwanted_terms) if terms]
    return any(encoder is None or bool(encoder_text(terms, encoder)) for terms in parts)


def lexical_scores(query: Query, meaning: Understanding, index: Index) -> np.ndarray:
    """Return float32 (n,): what an item's own attributes and title add to its cosine."""
    scores = np.zeros(len(index), np.float32) if meaning.bonus is None else meaning.bonus.copy()
    words, unwanted = meaning.words, meaning.unwanted_words
    if words or unwanted:
        alone = _LEXICAL_WEIGHT_ALONE if meaning.empty else _LEXICAL_WEIGHT_BESIDE_CONCEPTS
        weight = alone if query.text_only else _LEXICAL_WEIGHT
        known = lexical_index(index)
        scores += (weight * (known.share(words) - known.share(unwanted))).round(4)
    return scores


def rows_of_kinds(query: Query, meaning: Understanding, index: Index) -> np.ndarray | None:
    """Return bool (n,): items of the kinds that words ask for, or that the pictures beside show.

    None where all rows may be shown.
    """
    kept = meaning.rows
    if not meaning.kinds and meaning.attributes and not query.text_only:
        shown = _shown_kinds(query, index)
        if shown is not None:
            kept = shown if kept is None else kept & shown
    return kept


def _shown_kinds(query: Query, index: Index) -> np.ndarray | None:
    """Return the rows of the kinds of the query's item, or of what lies nearest to its pictures."""
    rows = [index.row_of(query.item)] if query.item is not None else []
    near = [_rows_near(picture, index) for picture in query.pictures]
    return _kinds_of(np.concatenate([np.array(rows, np.int64), *near]), index)


def _rows_near(picture: np.ndarray, index: Index) -> np.ndarray:
    """Return int64, the rows of the items nearest to a picture, (dim,) as encoded."""
    return index.rank_rows(as_query(index, picture, "photo"), _KIND_NEIGHBOURS)[0]


def subject_rows(query: Query, index: Index) -> np.ndarray | None:
    """Return the rows of the kind of each item and picture of the query; None if none is known."""
    ids = [id for id in (query.item, *query.positive) if id is not None]
    shown = [np.array([index.row_of(id)]) for id in ids]
    shown += [_rows_near(picture, index) for picture in query.pictures]
    kinds = [kind for rows in shown if (kind := _main_kind(rows, index)) is not None]
    return np.any(kinds, axis=0) if kinds else None


def _main_kind(rows: np.ndarray, index: Index) -> np.ndarray | None:
    """bool (n,): items of the one kind that most of `rows` are of; None if unknown.

    The first of `rows` counts most, the others less by their rank.
    """
    column = kind_column(index.columns)
    if column is None:
        return None
    values, codes = index.categorical_codes(column)
    known = np.array([value is not None for value in values])
    weights = 1 / (1 + np.arange(len(rows)))
    votes = np.bincount(codes[rows], weights, minlength=len(values)) * known
    return codes == votes.argmax() if votes.any() else None


def _kinds_of(rows: np.ndarray, index: Index, min_share: float = 0.3) -> np.ndarray | None:
    """bool (n,): items of the kinds that at least `min_share` of `rows` are of; None if unknown.

    The kind is the value of the catalogue's finest column of kinds.
    """
    column = kind_column(index.columns)
    if column is None or not len(rows):
        return None
    values, codes = index.categorical_codes(column)
    known = np.array([value is not None for value in values])
    counts = np.bincount(codes[rows], minlength=len(values)) * known
    kept = np.flatnonzero(counts >= max(1, min_share * len(rows)))
    return np.isin(codes, kept) if len(kept) else None
