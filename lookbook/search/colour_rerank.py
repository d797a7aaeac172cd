"""Keep the colour of what is searched from: re-rank the first hits by families of colour.

Vectors hold colour beside much else, and a photo's light and background move it. Two classifiers
that ship with the model (`ColourHeads`) say how likely a query and an item are of one colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.encoding.query_adapter import ColourHeads, unit_rows
from lookbook.search.index import Groups, Hit, Index
from lookbook.search.intents import query_adapter

POOL = 300  # hits that are re-ranked
# Added to the cosine: this weight times the log of the probability of one colour. On the
# development half, of the first ten for street photos, 0.42 in place of 0.39 are of their kind and
# colour; with 0.05 as many are, and the product itself leaves the first ten in 2 % of cases.
WEIGHT = 0.02


@dataclass(frozen=True)
class ShownColour:
    """What a query shows: the vector (dim,) of a photo or of an item, as encoded."""

    heads: ColourHeads
    vector: np.ndarray
    photo: bool


def shown_colour(
    index: Index, pictures: Sequence[np.ndarray], item: str | None
) -> ShownColour | None:
    """Return what pictures (the mean of several) or an item show; None where no head can tell."""
    adapter = query_adapter(index)
    if adapter is None or adapter.colours is None or index.generation.projection is not None:
        return None
    if pictures:
        mean = unit_rows(np.stack(pictures)).mean(0)
        return ShownColour(adapter.colours, mean, True)
    return None if item is None else ShownColour(adapter.colours, index.vector(item), False)


def search_by_colour(
    index: Index,
    vector: np.ndarray,
    colour: ShownColour,
    count: int,
    allowed: np.ndarray | None,
    own: np.ndarray,
    groups: Groups,
    kind: str,
) -> list[Hit]:
    """Return `count` hits for a vector as stored, one for each group, those of its colour first.

    Of each group the variant that is nearest in colour counts. The first hit stays: most often it
    is the product itself. Hits beyond POOL follow in the order of their cosines. `kind` as in
    `Index.search`.
    """
    rows, scores = index.rank_rows(vector, POOL, allowed, own, kind=kind)
    order = _by_colour(index, vector, rows, scores, colour)
    found, closeness = rows[order], scores[order]
    first = _first_of_groups(found, groups)
    if len(first) < count and len(rows) == POOL:  # many were asked for: the others follow
        rows, scores = index.rank_rows(vector, count, allowed, own, groups, kind)
        found, closeness = np.append(found, rows), np.append(closeness, scores)
        first = _first_of_groups(found, groups)
    return index.hits(found[first[:count]], closeness[first[:count]])


def _first_of_groups(rows: np.ndarray, groups: Groups) -> np.ndarray:
    """Return the positions in `rows` of the first row of each group, ascending."""
    keys = rows if groups is None else groups[rows]
    return np.sort(np.unique(keys, return_index=True)[1])


def _by_colour(
    index: Index, vector: np.ndarray, rows: np.ndarray, scores: np.ndarray, colour: ShownColour
) -> np.ndarray:
    """Return positions (k,) of `rows`: the first one, then those of the query's colour first."""
    if not len(rows):
        return np.zeros(0, np.int64)
    photos = index.closest_photos(rows, vector)
    vectors = np.asarray(index.generation.photo_vectors[photos], np.float32)
    adapted = scores + WEIGHT * colour.heads.agreement(colour.vector, vectors, colour.photo)
    adapted[0] = np.inf
    return np.argsort(-adapted, kind="stable")
