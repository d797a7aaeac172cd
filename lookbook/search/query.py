"""A query of several parts, kept apart until it is run: pictures, an item, text, feedback.

Parts live in two spaces. Pictures and words come from the encoder; items are known as the index
stores them, which is another space where it reduces dimensions. All are combined in the stored one.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.query_adapter import MATCHES
from lookbook.index.normalization import unit_vectors
from lookbook.schema.deprecation import renamed_arguments, warn_renamed
from lookbook.schema.filters import Condition, parse_where
from lookbook.schema.message import Message
from lookbook.schema.text import excerpt
from lookbook.search.availability import (
    availability_conditions,
    availability_note,
    offered_rows,
    read_availability,
)
from lookbook.search.calibration import calibrations
from lookbook.search.index import Groups, Hit, Index
from lookbook.search.intents import as_query, item_as_query
from lookbook.search.item_calibration import kind_probabilities as item_kind_probabilities
from lookbook.search.lexical_index import lexical_index
from lookbook.search.mitigation import (
    mitigation,
    quota_groups,
    quota_order,
    used_conditions,
)
from lookbook.search.mmr import maximal_marginal_relevance
from lookbook.search.photo_calibration import kind_probabilities as photo_kind_probabilities
from lookbook.search.product_groups import product_groups
from lookbook.search.query_text import parse_negation
from lookbook.search.rerank import POOL as RERANK_POOL
from lookbook.search.rerank import ShownItem, search_reranked, shown_item
from lookbook.search.sorting import SORT_POOL, sort_keys, sorted_hits, sorted_rows
from lookbook.search.understanding import (
    Understanding,
    asks_for_a_colour,
    kinds_of,
    main_kind,
    shortage,
    understand,
)

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

FOLDS = ("colourways", "copies", None)
# Rocchio 1971, with the weights of Manning et al. 2008, ch. 9
_POSITIVE_WEIGHT, _NEGATIVE_WEIGHT = 0.75, 0.25
# Beside an item of 39,823 shop photos, "in red" brings 0.27 red ones of its kind among the first
# 12 with a weight of 1.0 (0.20 with 0.7; 0.27 with 1.5, which loses the kind more often), and "not
# red" keeps the most of its kind in other colours with 0.7 (0.52; 0.46 with 0.3, 0.50 with 1.0).
_WANTED_WEIGHT, _UNWANTED_WEIGHT = 1.0, 0.7
# Added to the cosine of an item whose title and attributes hold all the words: beside pictures, and
# for text alone. Among 1,500 drawn items "burgundy dresses" then brings 0.91 of both, the vector by
# itself 0.23 (0.72 with 0.3), and "in burgundy" beside an item 0.48 of its kind in that colour, not
# 0.16.
_LEXICAL_WEIGHT, _LEXICAL_WEIGHT_ALONE = 0.3, 0.8
# The same where other words are concepts: brands and names count for less than a colour, and for
# more than a material.
_LEXICAL_WEIGHT_BESIDE_CONCEPTS = 3.0
_MAX_LEVELS = 12  # of lexical scores that are searched one by one
_KIND_NEIGHBOURS = 10  # of a picture, that say which kind it shows
_GOLDEN = 0.618  # part of a catalogue between two items of the start page
_NO_ROWS = np.zeros(0, np.int64)
_NO_WORDS = Understanding()
_LENGTH_SAMPLE = 1000  # stored vectors whose median norm a text query is given
_MMR_POOL = 200  # candidates that diversity chooses from
# A photo whose best result is of its kind with a lower probability shows nothing that is here. With
# all pieces of its category taken out of the catalogue that is said of 0.92 of 150 simulated street
# photos of drawn pieces and of 0.68 of those of 3,000 shop photos; with their kind there, wrongly,
# of 0.07 and of none, and of 0.007 of 150 phone photos among the shop photos.
_MIN_LIKE = 0.3
_GENDER_UNUSED = Message("this shop does not sort by gender: all pieces are shown")
_MATCH_BESIDE = Message("what to match on has no effect here: it is for a photo or a piece alone")
_MATCH_UNKNOWN = Message(
    "what to match on has no effect here: the model of this index has no such parts"
)
_QUOTA_POOL = 100  # of all items and of each group, that a quota chooses from
_NOTHING_LIKE_IT = Message("nothing here is really like this photo: these are the closest")


@renamed_arguments(
    more="positive",
    less="negative",
    variety="diversity",
    past="undo_stack",
    shared="from_link",
)
@dataclass(frozen=True, eq=False)
class Query:
    """All parts of a query; immutable: every step gives another query.

    `pictures` are vectors of the encoder (dim,); `words` a text; `positive` and `negative` ids of
    items to move towards and away from; `where` conditions, also accepted as texts such as
    `gender=Women` or as a mapping; `diversity` 0 (closest) to 1; `fold` "colourways" (one card a
    product), "copies" (one for near-duplicates) or None (every item); `sort` is one of
    `sorting.SORTS`, where something is ranked that of its closest `SORT_POOL`. `undo_stack` holds
    (positive, negative) of before each step; `from_link`: the pictures came by a link, so they are
    public. `match`, one of MATCHES, is what the results of pictures or an item alone are matched
    on, "" for all that they show. Raises FilterError for conditions that cannot be read, ValueError
    for an unknown `match`.
    """

    pictures: tuple[np.ndarray, ...] = ()
    item: str | None = None
    words: str = ""
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    count: int = 24
    diversity: float = 0.0
    fold: str | None = "colourways"
    undo_stack: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    from_link: bool = False
    sort: str = "fit"
    match: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", parse_where(self.where))
        if self.match not in MATCHES:
            raise ValueError(
                f"match is one of {', '.join(MATCHES[1:])}, found {excerpt(self.match)}"
            )

    def __eq__(self, other: object) -> bool:
        """Whether both ask for the same; how a query came about does not count."""
        if not isinstance(other, Query):
            return NotImplemented
        pairs = zip(self.pictures, other.pictures, strict=False)
        same = len(self.pictures) == len(other.pictures)
        return self._key() == other._key() and same and all(np.array_equal(*p) for p in pairs)

    def __hash__(self) -> int:
        return hash((self._key(), len(self.pictures)))

    def _key(self) -> tuple[object, ...]:
        parts = (self.item, self.words, self.positive, self.negative, self.where)
        return (*parts, self.count, self.diversity, self.fold, self.sort, self.match)

    @property
    def intent(self) -> str:
        """What the scores of its hits are like: "photo" with pictures, else "item"."""
        return "photo" if self.pictures else "item"

    @property
    def vector_kind(self) -> str:
        """What the vector of this query is like, as an engine's effort goes by: the furthest part.

        Words take a vector further from the catalogue's own than photos do.
        """
        return "text" if self.words.strip() else self.intent

    @property
    def empty(self) -> bool:
        """Whether there is nothing to rank by; filters do not count."""
        return self._text_only and not self.words.strip()

    @property
    def moved_by(self) -> frozenset[str]:
        """What moves the results of pictures or an item: "words", "feedback", "variety", "match".

        One place for whether scores are as calibrated, whether `match` has an effect and whether a
        photo can be said to be like nothing.
        """
        parts = {
            "words": self.words.strip(),
            "feedback": self.positive or self.negative,
            "variety": self.diversity,
            "match": self.match,
        }
        return frozenset(name for name, part in parts.items() if part)

    @property
    def _text_only(self) -> bool:
        return not (self.pictures or self.item or self.positive or self.negative)

    def with_positive(self, id: str) -> Query:
        """Move towards this item; it may have been among the others before."""
        return self._moved((*_without(self.positive, id), id), _without(self.negative, id))

    def with_negative(self, id: str) -> Query:
        """Move away from this item."""
        return self._moved(_without(self.positive, id), (*_without(self.negative, id), id))

    def with_more(self, id: str) -> Query:
        """Old name of `with_positive`."""
        warn_renamed("Query.with_more", "Query.with_positive")
        return self.with_positive(id)

    def with_less(self, id: str) -> Query:
        """Old name of `with_negative`."""
        warn_renamed("Query.with_less", "Query.with_negative")
        return self.with_negative(id)

    def _moved(self, positive: tuple[str, ...], negative: tuple[str, ...]) -> Query:
        stack = (*self.undo_stack, (self.positive, self.negative))
        return replace(self, positive=positive, negative=negative, undo_stack=stack)

    def undo(self) -> Query:
        """Take back the last step towards or away from an item; all else stays as it is.

        A query from a link has no undo stack: there the last negative item goes first, then the
        last positive one.
        """
        if self.undo_stack:
            positive, negative = self.undo_stack[-1]
            stack = self.undo_stack[:-1]
            return replace(self, positive=positive, negative=negative, undo_stack=stack)
        if self.negative:
            return replace(self, negative=self.negative[:-1])
        return replace(self, positive=self.positive[:-1])


def _without(ids: tuple[str, ...], id: str) -> tuple[str, ...]:
    return tuple(other for other in ids if other != id)


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
    not in the index. `meaning` is what `understand` gave for the words, where the caller has it.
    """
    meaning = meaning or _meaning(query, index)
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
    text = _encoder_text(terms, encoder)
    return unit_vectors(as_query(index, encoder.encode_text([text])[0], "text")) if text else None


def _encoder_text(terms: Sequence[tuple[str, str]], encoder: Encoder) -> str:
    """Return the words as typed where the encoder knows them, else the names of their concepts."""
    chosen = (typed if typed and encoder.knows(typed) else name for typed, name in terms)
    text = " ".join(chosen)
    return text if encoder.knows(text) else ""


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
    meaning = _meaning(query, index)
    conditions, left_out = used_conditions(index.columns, (*query.where, *meaning.conditions))
    allowed = allowed_rows(index, conditions)
    groups, own = _groups(query, index), _own_rows(query, index)
    candidates = np.ones(len(index), bool) if allowed is None else allowed.copy()
    total = int(candidates.sum())
    candidates[own] = False
    kept = _kept_rows(query, meaning, index, candidates)
    if kept is not None:
        candidates &= kept
        allowed = candidates
    unknown = _unknown_words(meaning, index, encoder)
    keys = sort_keys(index, query.sort)
    text_only = query._text_only
    if query.empty or (text_only and not meaning.terms and not meaning.unwanted_terms):
        rows = np.flatnonzero(candidates) if query.empty or meaning.conditions else _NO_ROWS
        rows = rows if conditions else _spread(rows)
        hits = _browse(index, sorted_rows(rows, keys), groups, query.count)
    elif text_only and not _knows_any(meaning, encoder):
        lexical = np.where(candidates, _lexical_scores(query, meaning, index), 0)
        matching = lexical > 0 if (lexical > 0).any() else candidates & bool(meaning.kinds)
        rows = np.argsort(-lexical, kind="stable")
        rows = sorted_rows(rows[matching[rows]], keys)
        hits = _browse(index, rows, groups, query.count)
    elif keys is not None:
        pool = replace(query, count=SORT_POOL, diversity=0.0)
        hits = _ranked(pool, meaning, index, encoder, allowed, own, groups)
        hits = sorted_hits(hits, keys)[: query.count]
    else:
        search = functools.partial(_ranked, meaning=meaning, index=index, encoder=encoder)
        search = functools.partial(search, own=own, groups=groups)
        hits = _with_quota(query, search, index, allowed, bool(meaning.attributes))
    if query.fold == "colourways":
        hits = _with_colourways(hits, index, candidates)
    shown = np.array([hit.row for hit in hits], np.int64)
    note = shortage(meaning, shown, index)
    notes = (*meaning.notes, note) if note else meaning.notes
    if left_out:
        notes = (*notes, _GENDER_UNUSED)
    if _nothing_like_it(query, hits, index):
        notes = (*notes, _NOTHING_LIKE_IT)
    else:
        hits = _with_probabilities(query, hits, index)
    if query.match and not matches_of(query, index):
        beside = query.moved_by - {"match"} or not (query.pictures or query.item)
        notes = (*notes, _MATCH_BESIDE if beside else _MATCH_UNKNOWN)
    seconds = time.perf_counter() - started
    return SearchResult(hits, total, unknown, seconds, not query.empty, notes)


def _with_quota(
    query: Query,
    search: Callable[..., list[Hit]],
    index: Index,
    allowed: np.ndarray | None,
    asks_attributes: bool,
) -> list[Hit]:
    """Return the hits of `search`, re-ranked where the shop has set an exposure quota.

    Not where words ask for attributes: these are shown as asked. The candidates do not depend on
    how many are shown, up to `_QUOTA_POOL`, so that showing more keeps what is shown.
    """
    chosen = mitigation()
    if chosen.quota is None or asks_attributes:
        return search(query, allowed=allowed)
    _, group_of = quota_groups(index, chosen.quota)
    base = np.ones(len(index), bool) if allowed is None else allowed
    representatives = index.duplicate_groups == np.arange(len(index))
    counts = np.bincount(group_of[base & representatives], minlength=group_of.max() + 1)
    pool = replace(query, count=max(query.count, _QUOTA_POOL))
    hits = {hit.row: hit for hit in search(pool, allowed=allowed)}
    for group in np.flatnonzero(counts):
        within = search(pool, allowed=base & (group_of == group))
        hits |= {hit.row: hit for hit in within if hit.row not in hits}
    candidates = list(hits.values())
    groups = group_of[[hit.row for hit in candidates]] if candidates else _NO_ROWS
    shares = counts / max(1, counts.sum())
    order = quota_order(groups, shares, len(candidates), chosen.tolerance)
    return [candidates[position] for position in order][: query.count]


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


def _meaning(query: Query, index: Index) -> Understanding:
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


def _kept_rows(
    query: Query, meaning: Understanding, index: Index, candidates: np.ndarray
) -> np.ndarray | None:
    """Return the rows of the kinds that words ask for, or that the pictures beside them show.

    None where all rows may be shown, and where none of the kind meets the filters.
    """
    kept = meaning.rows
    if not meaning.kinds and meaning.attributes and not query._text_only:
        shown = _shown_kinds(query, index)
        if shown is not None:
            kept = shown if kept is None else kept & shown
    return kept if kept is not None and (kept & candidates).any() else None


def _shown_kinds(query: Query, index: Index) -> np.ndarray | None:
    """Return the rows of the kinds of the query's item, or of what lies nearest to its pictures."""
    rows = [index.row_of(query.item)] if query.item is not None else []
    for picture in query.pictures:
        nearest = index.search_rows(as_query(index, picture, "photo"), _KIND_NEIGHBOURS)
        rows += [hit.row for hit in nearest]
    return kinds_of(np.array(rows, np.int64), index)


def _subject(query: Query, index: Index) -> np.ndarray | None:
    """Return the rows of the kind of each item and picture of the query; None if none is known."""
    ids = [id for id in (query.item, *query.positive) if id is not None]
    shown = [np.array([index.row_of(id)]) for id in ids]
    for picture in query.pictures:
        nearest = index.search_rows(as_query(index, picture, "photo"), _KIND_NEIGHBOURS)
        shown.append(np.array([hit.row for hit in nearest], np.int64))
    kinds = [kind for rows in shown if (kind := main_kind(rows, index)) is not None]
    return np.any(kinds, axis=0) if kinds else None


def _unknown_words(meaning: Understanding, index: Index, encoder: Encoder | None) -> list[str]:
    unread = meaning.words
    unknown = encoder.unknown_words(unread) if unread and encoder is not None else []
    return [word for word in unknown if not lexical_index(index).knows(word)]


def _knows_any(meaning: Understanding, encoder: Encoder | None) -> bool:
    """Whether the encoder has a vector for the text; without an encoder any text passes.

    `query_vector` then raises the error that says that one is needed.
    """
    parts = [terms for terms in (meaning.terms, meaning.unwanted_terms) if terms]
    return any(encoder is None or bool(_encoder_text(terms, encoder)) for terms in parts)


def _own_rows(query: Query, index: Index) -> np.ndarray:
    """Return the rows of the items that the query is made of, duplicates with them if it folds."""
    ids = [query.item] if query.item is not None else []
    rows = np.array([index.row_of(id) for id in (*ids, *query.positive, *query.negative)], np.int64)
    if query.fold is None:
        return rows
    return np.flatnonzero(np.isin(index.duplicate_groups, index.duplicate_groups[rows]))


def _groups(query: Query, index: Index) -> Groups:
    if query.fold not in FOLDS:
        raise ValueError(f"fold is 'colourways', 'copies' or None, found {excerpt(query.fold)}")
    if query.fold is None:
        return None
    return product_groups(index) if query.fold == "colourways" else index.duplicate_groups


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


def _ranked(
    query: Query,
    meaning: Understanding,
    index: Index,
    encoder: Encoder | None,
    allowed: np.ndarray | None,
    own: np.ndarray,
    groups: Groups,
) -> list[Hit]:
    vector, lexical = (
        query_vector(query, index, encoder, meaning),
        _lexical_scores(query, meaning, index),
    )
    shown = _shown_item(query, index)
    if shown is not None:
        kind = query.vector_kind
        return search_reranked(index, vector, shown, query.count, allowed, own, groups, kind)
    search = functools.partial(_search_by_levels, index, vector, lexical, query.vector_kind)
    hits = search(query.count, allowed, own, groups)
    if not query.diversity:
        return hits
    subject = _subject(query, index)
    pool = _diversity_pool(search, subject, allowed, own, groups)
    order = _diversified(pool, vector, lexical, subject, query.diversity, index)
    rows = {hit.row for hit in order}
    return [*order, *(hit for hit in hits if hit.row not in rows)][: query.count]


def _diversity_pool(
    search: Callable[..., list[Hit]],
    subject: np.ndarray | None,
    allowed: np.ndarray | None,
    own: np.ndarray,
    groups: Groups,
) -> list[Hit]:
    """Return the candidates of diversity: the closest of all, and the closest of the subject.

    Their number does not depend on how many are shown, so that showing more keeps what is shown.
    """
    hits = search(_MMR_POOL, allowed, own, groups)
    if subject is not None:
        shown = np.arange(len(subject)) if groups is None else groups
        known = {shown[hit.row] for hit in hits}
        within = subject if allowed is None else subject & allowed
        closest = search(_MMR_POOL, within, own, groups)
        hits += [hit for hit in closest if shown[hit.row] not in known]
    return hits


def _diversified(
    hits: Sequence[Hit],
    vector: np.ndarray,
    lexical: np.ndarray,
    subject: np.ndarray | None,
    diversity: float,
    index: Index,
) -> list[Hit]:
    """Return the hits in the order of maximal marginal relevance, half of them on the subject."""
    if not hits:
        return []
    rows = [hit.row for hit in hits]
    photos = index.closest_photos(rows, vector)
    vectors = index.generation.photo_vectors[photos].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    relevance = vectors @ unit_vectors(vector) + lexical[rows]
    order = maximal_marginal_relevance(
        relevance,
        vectors,
        len(rows),
        diversity,
        subject=None if subject is None else subject[rows],
    )
    return [hits[position] for position in order]


def _shown_item(query: Query, index: Index) -> ShownItem | None:
    """Return what results are to keep kind and colour of; None where anything else moves them."""
    if query.moved_by - {"match"} or index.manifest.metric != "angular":
        return None
    return shown_item(index, query.pictures, query.item, query.match)


def allowed_rows(index: Index, conditions: tuple[Condition, ...]) -> np.ndarray | None:
    """Return bool (n,), read-only, the items that may be found; None for all; raises FilterError.

    A mask of `conditions` alone keeps them, for an engine that filters by itself.
    """
    offered = offered_rows(index, conditions)
    if not conditions:
        return offered
    allowed = index.matching(conditions)
    return allowed if offered is None else np.asarray(allowed) & offered


def rows_asked(query: Query, index: Index) -> int:
    """Return how many rows the engine is asked for: candidates where they are chosen from."""
    if _shown_item(query, index) is not None:
        return RERANK_POOL
    return max(query.count, _MMR_POOL) if query.diversity else query.count


def matches_of(query: Query, index: Index) -> tuple[str, ...]:
    """Return what the results of a query may be matched on, "" first; empty without a choice."""
    return MATCHES if _shown_item(query, index) is not None else ()


def _lexical_scores(query: Query, meaning: Understanding, index: Index) -> np.ndarray:
    """Return float32 (n,): what an item's own attributes and title add to its cosine."""
    scores = np.zeros(len(index), np.float32) if meaning.bonus is None else meaning.bonus.copy()
    words, unwanted = meaning.words, meaning.unwanted_words
    if words or unwanted:
        alone = _LEXICAL_WEIGHT_ALONE if meaning.empty else _LEXICAL_WEIGHT_BESIDE_CONCEPTS
        weight = alone if query._text_only else _LEXICAL_WEIGHT
        known = lexical_index(index)
        scores += (weight * (known.share(words) - known.share(unwanted))).round(4)
    return scores


def _search_by_levels(
    index: Index,
    vector: np.ndarray,
    lexical: np.ndarray,
    kind: str,
    count: int,
    allowed: np.ndarray | None,
    own: np.ndarray,
    groups: Groups,
) -> list[Hit]:
    """Return the `count` rows of the highest cosine plus lexical score, one for each group.

    Rows of one level of `lexical` are in the order of their cosines, so the best of all are among
    the best of each level.
    """
    levels = np.unique(lexical)[::-1]
    if len(levels) == 1:
        return index.search_rows(vector, count, allowed, own, groups, kind)
    found: list[Hit] = []
    for number, level in enumerate(levels[:_MAX_LEVELS]):
        others = lexical != level if number < _MAX_LEVELS - 1 else lexical > level
        excluded = np.union1d(own, np.flatnonzero(others))
        found += index.search_rows(vector, count, allowed, excluded, groups, kind)
    if index.manifest.metric == "angular":
        found.sort(key=lambda hit: -(hit.score + float(lexical[hit.row])))
    else:  # distances and inner products have no scale that a weight could be added to
        found.sort(key=lambda hit: (-float(lexical[hit.row]), -hit.score))
    best: dict[int, Hit] = {}
    for hit in found:
        best.setdefault(hit.row if groups is None else int(groups[hit.row]), hit)
    return list(best.values())[:count]


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
