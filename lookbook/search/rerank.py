"""Keep the colour and the kind of what is searched from: re-rank the first hits.

Vectors hold colour and kind beside much else, and a photo's light and background move them. Two
votes settle them: of the first hits, by the kind that the shop's own column gives them, and of
those hits together with two classifiers of colour that ship with the model (`ColourHeads`).
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

import numpy as np

from lookbook.encoding.query_adapter import ColourHeads, unit_rows
from lookbook.schema.column_names import COLOUR_NAMES, find_column
from lookbook.search.calibration import kind_column
from lookbook.search.index import Groups, Hit, Index
from lookbook.search.intents import query_adapter
from lookbook.search.per_index import per_index

POOL = 300  # hits that are re-ranked
# Added to the cosine: these weights times the log of a probability. Of the first ten for street
# photos of held-out products 0.90 are then of their kind and 0.66 of their kind and colour, in
# place of 0.79 and 0.42 (docs/encoder-history.md). Larger weights give more of both, and the
# product itself leaves the first ten more often.
COLOUR_WEIGHT, KIND_WEIGHT = 0.09, 0.05
# by what results are matched on: weights of colour and kind, for items and for photos
WEIGHTS = {
    "": (COLOUR_WEIGHT, KIND_WEIGHT),
    "shape": (0.0, KIND_WEIGHT),
    "colour": (0.15, KIND_WEIGHT),
    "pattern": (0.0, KIND_WEIGHT),
    "kind": (0.0, 0.15),
}
PHOTO_WEIGHTS = WEIGHTS | {"": (0.15, 0.06), "colour": (0.3, 0.1)}
VOTERS, TEMPERATURE = 30, 0.01  # hits that vote, each by exp(cosine / temperature)
# The first hit stays, for a photo the first hits of so many groups whose cosine is that close to it
STAYING, STAYING_WITHIN = 3, 0.02
# Cosines of a photo's first hit. Below the first of them the product itself is hardly ever there:
# no hit stays for its closeness alone, and hits do not vote for the photo's colour, as the nearest
# garments of its kind may be of any. From the second on their vote has its full share.
_MIN_SIMILARITY, _FULL_VOTE_SIMILARITY = 0.5, 0.7
_ITEM_VOTE, _PHOTO_VOTE = 0.5, 0.8  # shares of the hits' votes beside the classifier of colour
_FIRST = 100.0  # above any sum of a cosine and weighted logarithms
# probabilities that are added: a mistake costs no more than their logarithm
_MIN_COLOUR, _MIN_KIND = 0.02, 0.01
_BLOCK_ROWS = 4096  # whose colours are read at a time


@dataclass(frozen=True, eq=False)
class Voters:
    """The nearest hits, which say which kind and colour are shown.

    `rows` int (v,), their `weights` (v,) of sum 1, and the `best` cosine.
    """

    rows: np.ndarray
    weights: np.ndarray
    best: float

    @classmethod
    def of(cls, rows: np.ndarray, scores: np.ndarray) -> Voters:
        """Return the first VOTERS of `rows` (k,), best first, with their cosines (k,).

        There must be one.
        """
        voices = np.exp((scores[:VOTERS] - scores[0]) / TEMPERATURE)
        return cls(rows[:VOTERS], voices / voices.sum(), float(scores[0]))


@dataclass(frozen=True)
class ShownItem:
    """What a query shows: the vector (dim,) of a photo or of an item, as encoded."""

    vector: np.ndarray
    photo: bool
    match: str = ""  # what results are matched on: a key of WEIGHTS


def shown_item(
    index: Index, pictures: tuple[np.ndarray, ...], item: str | None, match: str = ""
) -> ShownItem | None:
    """Return what pictures (the mean of several) or an item show.

    None for vectors that no model of this machine adapts, or that are stored reduced.
    """
    if query_adapter(index) is None or index.generation.projection is not None:
        return None
    if pictures:
        return ShownItem(unit_rows(np.stack(pictures)).mean(0), True, match)
    return None if item is None else ShownItem(index.vector(item), False, match)


def search_reranked(
    index: Index,
    vector: np.ndarray,
    shown: ShownItem,
    count: int,
    allowed: np.ndarray | None,
    own: np.ndarray,
    groups: Groups,
    vector_kind: str,
) -> list[Hit]:
    """Return `count` hits for a vector as stored, one for each group: its kind and colour first.

    Of each group the variant that is nearest in colour counts. The first hit stays: most often it
    is the product itself. For a photo so do groups that are hardly less close, and no hit where
    nothing is close to it. Hits beyond POOL follow in the order of their cosines. `vector_kind` is
    the `kind` of `Index.search`.
    """
    rows, scores = index.rank_rows(vector, POOL, allowed, own, kind=vector_kind)
    order = _order(index, rows, scores, vector, shown, groups)
    found, closeness = rows[order], scores[order]
    first = _first_of_groups(found, groups)
    if len(first) < count and len(rows) == POOL:  # many were asked for: the others follow
        rows, scores = index.rank_rows(vector, count, allowed, own, groups, vector_kind)
        found, closeness = np.append(found, rows), np.append(closeness, scores)
        first = _first_of_groups(found, groups)
    return index.hits(found[first[:count]], closeness[first[:count]])


def order_key(index: Index) -> str | None:
    """Return 16 hex digits that change with what orders the results of items beside their vectors.

    None where nothing does. What is fitted to that order (`item_calibration`) no longer holds under
    another key.
    """
    adapter = query_adapter(index)
    if adapter is None or index.generation.projection is not None:
        return None
    rules = (WEIGHTS[""], VOTERS, TEMPERATURE, POOL, _MIN_COLOUR, _MIN_KIND, _ITEM_VOTE)
    reranked = index.manifest.metric == "angular"
    said = (adapter.revision, adapter.scales.get("item"), rules if reranked else None)
    arrays = list(astuple(adapter.networks["item"])) if "item" in adapter.networks else []
    if reranked and adapter.colours is not None:
        arrays += [adapter.colours.item_weight, adapter.colours.item_bias]
    digest = hashlib.sha256(repr(said).encode())
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def _first_of_groups(rows: np.ndarray, groups: Groups) -> np.ndarray:
    """Return the positions in `rows` of the first row of each group, ascending."""
    keys = rows if groups is None else groups[rows]
    return np.sort(np.unique(keys, return_index=True)[1])


def _order(
    index: Index,
    rows: np.ndarray,
    scores: np.ndarray,
    vector: np.ndarray,
    shown: ShownItem,
    groups: Groups,
) -> np.ndarray:
    """Return positions (k,) of `rows`: what stays, then the others by cosine, kind and colour."""
    if not len(rows):
        return np.zeros(0, np.int64)
    adapted = scores + agreement(index, rows, vector, shown, Voters.of(rows, scores))
    for place, position in enumerate(_staying(rows, scores, adapted, shown, groups)):
        adapted[position] = _FIRST - place
    return np.argsort(-adapted, kind="stable")


def agreement(
    index: Index, rows: np.ndarray, vector: np.ndarray, shown: ShownItem, voters: Voters
) -> np.ndarray:
    """Return (k,), what is added to the cosines of `rows` for their kinds and colours.

    `vector` is the query's, as stored: of several photos of an item, the closest to it counts.
    """
    colour_weight, kind_weight = (PHOTO_WEIGHTS if shown.photo else WEIGHTS)[shown.match]
    kinds = kind_weight * _kind_agreement(index, rows, voters)
    return kinds + colour_weight * _colour_agreement(index, rows, vector, shown, voters)


def _staying(
    rows: np.ndarray, scores: np.ndarray, adapted: np.ndarray, shown: ShownItem, groups: Groups
) -> list[int]:
    """Return the positions of the hits that come first: the first one, then one of each next group.

    That of its best `adapted` score. Of an item, which is no result itself, and where one thing is
    matched on, the first hit alone; none of a photo that nothing is like.
    """
    if shown.photo and scores[0] < _MIN_SIMILARITY:
        return []
    keys = rows if groups is None else groups[rows]
    first = _first_of_groups(rows, groups)[: STAYING if shown.photo and not shown.match else 1]
    others = first[1:][scores[first[1:]] >= scores[0] - STAYING_WITHIN]
    best = [np.where(keys == keys[at], adapted, -np.inf).argmax() for at in others]
    return [0, *(int(position) for position in best)]


def _vote_share(best: float, photo: bool) -> float:
    """Return 0 to 1: what the votes say of the colour of a query whose first hit is at `best`."""
    if not photo:
        return _ITEM_VOTE
    return _PHOTO_VOTE * min(
        1.0, max(0.0, (best - _MIN_SIMILARITY) / (_FULL_VOTE_SIMILARITY - _MIN_SIMILARITY))
    )


def _kind_agreement(index: Index, rows: np.ndarray, voters: Voters) -> np.ndarray:
    """Return (k,): log of the share of the votes for the kind of each row.

    Zeros where the catalogue has no column of kinds.
    """
    column = kind_column(index.columns)
    if column is None:
        return np.zeros(len(rows))
    values, codes = index.categorical_codes(column)
    share = np.bincount(codes[voters.rows], voters.weights, minlength=len(values))
    return np.asarray(np.log(share[codes[rows]] + _MIN_KIND))


def _colour_agreement(
    index: Index, rows: np.ndarray, vector: np.ndarray, shown: ShownItem, voters: Voters
) -> np.ndarray:
    """Return (k,): log of the probability that each row is of the colour that is shown.

    Of the query's colour the votes say as much as their share (`_vote_share`), its own classifier
    says the rest. Zeros without classifiers.
    """
    adapter = query_adapter(index)
    if adapter is None or adapter.colours is None:
        return np.zeros(len(rows))
    of_rows = _item_colours(index, adapter.colours, rows, vector)
    voted = voters.weights @ _item_colours(index, adapter.colours, voters.rows, vector)
    seen = adapter.colours.probabilities(shown.vector[None], shown.photo)[0]
    share = _vote_share(voters.best, shown.photo)
    colour = (1 - share) * seen + share * voted
    return np.asarray(np.log(of_rows @ colour + _MIN_COLOUR))


def _item_colours(
    index: Index, heads: ColourHeads, rows: np.ndarray, vector: np.ndarray
) -> np.ndarray:
    """Return (k, families): what the classifier sees on items that the shop gives the same colour.

    On the photo of an item that is closest to the query, where the shop names no colour.
    """
    named = _named_colours(index)
    if named is not None:
        by_value, codes, known = named
        colours: np.ndarray = by_value[codes[rows]]
        unknown = np.flatnonzero(~known[codes[rows]])
    else:
        colours = np.zeros((len(rows), len(heads.item_bias)), np.float32)
        unknown = np.arange(len(rows))
    if len(unknown):
        photos = index.closest_photos(rows[unknown], vector)
        vectors = np.asarray(index.generation.photo_vectors[photos], np.float32)
        colours[unknown] = heads.probabilities(vectors, photo=False)
    return colours


@per_index
def _named_colours(index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return what the classifier sees on the items of each value of the shop's column of colours.

    The mean (values, families); the code (n,) of each item's value; bool (values,), whether it is
    one. So a colour may be named in any language. None without such a column or classifiers.
    """
    column, adapter = find_column(index.columns, COLOUR_NAMES), query_adapter(index)
    if column is None or adapter is None or adapter.colours is None:
        return None
    values, codes = index.categorical_codes(column)
    vectors, heads = index.unit_vectors, adapter.colours
    blocks = (vectors[start : start + _BLOCK_ROWS] for start in range(0, len(index), _BLOCK_ROWS))
    seen = np.concatenate([heads.probabilities(block, photo=False) for block in blocks])
    sums = np.zeros((len(values), seen.shape[1]), np.float32)
    np.add.at(sums, codes, seen)
    counts = np.bincount(codes, minlength=len(values))[:, None]
    known = np.array([value is not None for value in values])
    return sums / np.maximum(counts, 1), codes, known
