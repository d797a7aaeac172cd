"""The vector of a query: its parts combined in the space of the stored vectors.

Parts live in two spaces. Pictures and words come from the encoder; items are known as the index
stores them, which is another space where it reduces dimensions. All are combined in the stored one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.query_adapter import MATCHES
from lookbook.index.normalization import unit_vectors
from lookbook.schema.text import excerpt
from lookbook.search.index import Index
from lookbook.search.intents import as_query, item_as_query
from lookbook.search.query_meaning import encoder_text, meaning_of
from lookbook.search.query_parts import Query
from lookbook.search.rerank import ShownItem, shown_item
from lookbook.search.understanding import Understanding, asks_for_a_colour

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

# Rocchio 1971, with the weights of Manning et al. 2008, ch. 9
_POSITIVE_WEIGHT, _NEGATIVE_WEIGHT = 0.75, 0.25
# Beside an item of 39,823 shop photos, "in red" brings 0.27 red ones of its kind among the first
# 12 with a weight of 1.0 (0.20 with 0.7; 0.27 with 1.5, which loses the kind more often), and "not
# red" keeps the most of its kind in other colours with 0.7 (0.52; 0.46 with 0.3, 0.50 with 1.0).
_WANTED_WEIGHT, _UNWANTED_WEIGHT = 1.0, 0.7
_LENGTH_SAMPLE = 1000  # stored vectors whose median norm a text query is given


def query_vector(
    query: Query,
    index: Index,
    encoder: Encoder | None = None,
    meaning: Understanding | None = None,
) -> np.ndarray:
    """Return float32 (manifest.dim,), in the space of the stored vectors and of their norm.

    The mean of pictures and item, each adapted to what it is for (`intents`) and of norm 1; plus
    the wanted words and minus the unwanted; then moved by Rocchio's rule. Raises ValueError for an
    empty query, for words without an encoder or none that it knows, UnknownItem for an id that is
    not in the index. `meaning` is what `meaning_of` gives for the query, where the caller has it.
    """
    meaning = meaning or meaning_of(query, index)
    match = query.match if matches_of(query, index) else ""
    shown = [as_query(index, picture, "photo", match) for picture in query.pictures]
    if query.item is not None:
        recolours = asks_for_a_colour(meaning, index)
        shown.append(item_as_query(index, query.item, "colourway" if recolours else "item", match))
    length = _query_length(shown, index)
    shown = [unit_vectors(vector) for vector in shown]
    vector = (
        unit_vectors(np.mean(shown, axis=0)) if shown else np.zeros(index.manifest.dim, np.float32)
    )
    for terms, weight in (
        (meaning.terms, _WANTED_WEIGHT),
        (meaning.unwanted_terms, -_UNWANTED_WEIGHT),
    ):
        text_vector = _text_vector(terms, index, encoder)
        vector = vector if text_vector is None else vector + weight * text_vector
    vector = unit_vectors(vector)
    for ids, weight in ((query.positive, _POSITIVE_WEIGHT), (query.negative, -_NEGATIVE_WEIGHT)):
        if ids:
            vector = vector + weight * np.mean(
                [unit_vectors(index.vector(id)) for id in ids], axis=0
            )
    if not np.linalg.norm(vector) > 1e-6:
        raise ValueError("nothing in this query says what to look for: give a picture or an item")
    return unit_vectors(vector) * length


def _query_length(shown: Sequence[np.ndarray], index: Index) -> np.float32:
    """Return the norm that a query is given: 1, or that of its parts where vectors keep theirs.

    A query of text alone has the median norm of the stored vectors then.
    """
    if index.manifest.encoder.get("normalize", True):
        return np.float32(1)
    vectors = shown or index.generation.vectors[:: max(1, len(index) // _LENGTH_SAMPLE)]
    return np.float32(np.median(np.linalg.norm(np.asarray(vectors, np.float32), axis=1)))


def _text_vector(
    terms: Sequence[tuple[str, str]], index: Index, encoder: Encoder | None
) -> np.ndarray | None:
    if not terms:
        return None
    if encoder is None:
        typed = " ".join(word for word, _ in terms if word)
        raise ValueError(f"the words {excerpt(typed)} need an encoder, found none")
    text = encoder_text(terms, encoder)
    return unit_vectors(as_query(index, encoder.encode_text([text])[0], "text")) if text else None


def shown_by(query: Query, index: Index) -> ShownItem | None:
    """Return what results are to keep kind and colour of: of what is shown alone, or matched on.

    None where there is nothing of the kind, or where words, feedback or variety move the results
    and nothing says what to match them on.
    """
    return _shown(query, index) if query.match or not query.moved_by else None


def _shown(query: Query, index: Index) -> ShownItem | None:
    if index.manifest.metric != "angular":
        return None
    return shown_item(index, query.pictures, query.item, query.match)


def matches_of(query: Query, index: Index) -> tuple[str, ...]:
    """Return what the results of a query may be matched on, "" first; empty without a choice."""
    return MATCHES if _shown(query, index) is not None else ()
