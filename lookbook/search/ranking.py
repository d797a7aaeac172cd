"""Rank the items that a query may find by its vector: words, diversity, re-ranking and quotas."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lookbook.index.normalization import unit_vectors
from lookbook.search.index import Groups, Hit, Index
from lookbook.search.mitigation import mitigation, quota_order, value_groups
from lookbook.search.mmr import maximal_marginal_relevance
from lookbook.search.query_meaning import lexical_scores, subject_rows
from lookbook.search.query_parts import Query
from lookbook.search.query_vector import query_vector, shown_by
from lookbook.search.rerank import POOL as RERANK_POOL
from lookbook.search.rerank import VOTERS, ShownItem, Voters, agreement, search_reranked
from lookbook.search.turns import alternated, common_kinds, levels_first
from lookbook.search.understanding import Understanding

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder

_MAX_LEVELS = 12  # of lexical scores that are searched one by one
_REST = 200  # hits of all other levels, at least, so that showing more keeps what is shown
_MMR_POOL = 200  # candidates that diversity chooses from
_BELOW = 1e-3  # less than levels of lexical scores differ by
_QUOTA_POOL = 100  # of all items and of each group, that a quota chooses from


@dataclass(frozen=True, eq=False)
class Scope:
    """Which items a ranking may give.

    `allowed` bool (n,), those that meet the filters, None for all; `own` int (r,), rows of the
    query's own items, left out; `groups` int (n,): of those that share a number the best is given.
    """

    allowed: np.ndarray | None
    own: np.ndarray
    groups: Groups

    def within(self, rows: np.ndarray) -> Scope:
        """Return the scope with `rows`, bool (n,), as the only ones allowed."""
        return replace(self, allowed=rows)


Ranking = Callable[[Query, Scope], list[Hit]]
Search = Callable[[int, Scope], list[Hit]]  # of at least so many hits
Added = Callable[[np.ndarray], np.ndarray]  # rows (k,) -> (k,), what is added to their cosines


def ranked_with_quota(query: Query, scope: Scope, rank: Ranking, index: Index) -> list[Hit]:
    """Return the hits of `rank`, re-ranked where the shop has set an exposure quota.

    The candidates do not depend on how many are shown, up to `_QUOTA_POOL`, so that showing more
    keeps what is shown.
    """
    chosen = mitigation()
    if chosen.quota is None:
        return rank(query, scope)
    _, group_of = value_groups(index, chosen.quota)
    base = np.ones(len(index), bool) if scope.allowed is None else scope.allowed
    representatives = index.duplicate_groups == np.arange(len(index))
    counts = np.bincount(group_of[base & representatives], minlength=group_of.max() + 1)
    pool = replace(query, count=max(query.count, _QUOTA_POOL))
    hits = {hit.row: hit for hit in rank(pool, scope)}
    for group in np.flatnonzero(counts):
        within = rank(pool, scope.within(base & (group_of == group)))
        hits |= {hit.row: hit for hit in within if hit.row not in hits}
    candidates = list(hits.values())
    groups = group_of[np.array([hit.row for hit in candidates], np.int64)]
    shares = counts / max(1, counts.sum())
    order = quota_order(groups, shares, len(candidates), chosen.tolerance)
    return [candidates[position] for position in order][: query.count]


def ranked(
    query: Query, scope: Scope, meaning: Understanding, index: Index, encoder: Encoder | None
) -> list[Hit]:
    """Return the hits of a query with a vector, best first; raises as `query_vector` does.

    An item or photos alone are re-ranked by kind and colour (`rerank`); with words the cosine plus
    the share of the words that an item's title and attributes hold counts, and where something is
    matched on the kind and colour of what is shown as well.
    """
    vector = query_vector(query, index, encoder, meaning)
    shown = shown_by(query, index)
    if shown is not None and not query.moved_by - {"match"}:
        return search_reranked(
            *(index, vector, shown, query.count),
            *(scope.allowed, scope.own, scope.groups),
            query.vector_kind,
        )
    subject = subject_rows(query, index) if query.diversity else None
    agreed = None if shown is None else _agreement(query, scope, vector, shown, index)

    def search_by(lexical: np.ndarray) -> Search:
        """Return the search that adds `lexical`, float (n,), to the cosines."""
        search = functools.partial(_search_by_levels, index, vector, lexical, query.vector_kind)
        added: Added = lexical.__getitem__
        if agreed is not None:
            added = functools.partial(_with_agreement, lexical, agreed)
            search = functools.partial(_search_matching, search, added)
        if not query.diversity:
            return search
        return functools.partial(
            _search_diverse,
            search,
            subject,
            lambda hits: _diversified(hits, vector, added, subject, query.diversity, index),
        )

    return _in_turns(query, scope, meaning, search_by, index)[: query.count]


def _in_turns(
    query: Query,
    scope: Scope,
    meaning: Understanding,
    search_by: Callable[[np.ndarray], Search],
    index: Index,
) -> list[Hit]:
    """Return the hits, with alternatives and the kinds of a general one in turns.

    Not where words that no concept covers say more: "Nike shoes".
    """
    lexical = lexical_scores(query, meaning, index)
    levels, weight, parts = lexical, _BELOW, []
    if (either := meaning.alternatives) is not None:
        parts, weight = list(either.rows), either.weight
        levels = (lexical - (0 if meaning.bonus is None else meaning.bonus) + either.bonus).round(2)
    elif meaning.general and not meaning.words:
        parts = common_kinds(scope.allowed, index)
    if len(parts) < 2:
        return search_by(lexical)(query.count, scope)
    search = search_by(levels_first(levels, lexical))

    def best(rows: np.ndarray | None) -> list[Hit]:
        return search(query.count, scope if rows is None else scope.within(rows))

    return alternated(best, parts, scope.allowed, levels, weight, scope.groups)


def rows_asked(query: Query, index: Index) -> int:
    """Return how many rows the engine is asked for: candidates where they are chosen from."""
    if shown_by(query, index) is not None:
        return RERANK_POOL
    return max(query.count, _MMR_POOL) if query.diversity else query.count


def _search_diverse(
    search: Search,
    subject: np.ndarray | None,
    diversify: Callable[[list[Hit]], list[Hit]],
    count: int,
    scope: Scope,
) -> list[Hit]:
    """Return at least `count` hits of a search, those of its diversity pool diversified first."""
    order = diversify(_diversity_pool(search, subject, scope))
    if len(order) >= count:
        return order
    rows = {hit.row for hit in order}
    return [*order, *(hit for hit in search(count, scope) if hit.row not in rows)]


def _diversity_pool(search: Search, subject: np.ndarray | None, scope: Scope) -> list[Hit]:
    """Return the candidates of diversity: the closest of all, and the closest of the subject.

    Their number does not depend on how many are shown, so that showing more keeps what is shown.
    """
    hits = search(_MMR_POOL, scope)[:_MMR_POOL]
    if subject is not None:
        shown = np.arange(len(subject)) if scope.groups is None else scope.groups
        known = {shown[hit.row] for hit in hits}
        within = subject if scope.allowed is None else subject & scope.allowed
        closest = search(_MMR_POOL, scope.within(within))[:_MMR_POOL]
        hits += [hit for hit in closest if shown[hit.row] not in known]
    return hits


def _diversified(
    hits: Sequence[Hit],
    vector: np.ndarray,
    added: Added,
    subject: np.ndarray | None,
    diversity: float,
    index: Index,
) -> list[Hit]:
    """Return the hits in the order of maximal marginal relevance, half of them on the subject."""
    if not hits:
        return []
    rows = _rows(hits)
    photos = index.closest_photos(rows, vector)
    vectors = index.generation.photo_vectors[photos].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    relevance = vectors @ unit_vectors(vector) + added(rows)
    order = maximal_marginal_relevance(
        relevance,
        vectors,
        len(rows),
        diversity,
        subject=None if subject is None else subject[rows],
    )
    return [hits[position] for position in order]


def _search_by_levels(
    index: Index,
    vector: np.ndarray,
    lexical: np.ndarray,
    kind: str,
    count: int,
    scope: Scope,
) -> list[Hit]:
    """Return the `count` rows of the highest cosine plus lexical score, one for each group.

    Rows of one level of `lexical` are in the order of their cosines, so the best of all are among
    the best of each level.
    """
    allowed, own, groups = scope.allowed, scope.own, scope.groups
    levels = np.unique(lexical if allowed is None else lexical[allowed])[::-1]
    if len(levels) < 2:
        return index.search_rows(vector, count, allowed, own, groups, kind)
    found: list[Hit] = []
    for number, level in enumerate(levels[:_MAX_LEVELS]):
        if index.manifest.metric == "angular" and _is_settled(found, lexical, level, count, groups):
            break
        one = number < _MAX_LEVELS - 1
        others = lexical != level if one else lexical > level
        others[own] = True
        excluded, depth = np.flatnonzero(others), count if one else max(count, _REST)
        found += index.search_rows(vector, depth, allowed, excluded, groups, kind)
    if index.manifest.metric == "angular":
        found.sort(key=lambda hit: -(hit.score + float(lexical[hit.row])))
    else:  # distances and inner products have no scale that a weight could be added to
        found.sort(key=lambda hit: (-float(lexical[hit.row]), -hit.score))
    return _best_of_groups(found, groups)[:count]


def _best_of_groups(hits: Sequence[Hit], groups: Groups) -> list[Hit]:
    """Return the first hit of each group, in their order."""
    best: dict[int, Hit] = {}
    for hit in hits:
        best.setdefault(hit.row if groups is None else int(groups[hit.row]), hit)
    return list(best.values())


def _is_settled(
    found: Sequence[Hit], lexical: np.ndarray, level: float, count: int, groups: Groups
) -> bool:
    """Whether so many groups lie so high that no item of a level reaches them: a cosine is <= 1."""
    high = [hit.row for hit in found if hit.score + float(lexical[hit.row]) >= level + 1]
    return len(set(high if groups is None else groups[high].tolist())) >= count


def _rows(hits: Sequence[Hit]) -> np.ndarray:
    return np.array([hit.row for hit in hits], np.int64)


def _with_agreement(lexical: np.ndarray, agreed: Added, rows: np.ndarray) -> np.ndarray:
    return np.asarray(lexical[rows] + agreed(rows))


def _agreement(
    query: Query,
    scope: Scope,
    vector: np.ndarray,
    shown: ShownItem,
    index: Index,
) -> Added | None:
    """Return what the agreement in kind and colour with what is shown adds; None where nothing.

    The nearest to it by itself vote, so that "its kind, in navy" asks what is navy for no kind.
    """
    alone = replace(query, words="", positive=(), negative=(), diversity=0.0)
    near = query_vector(alone, index)
    rows, scores = index.rank_rows(near, VOTERS, scope.allowed, scope.own, kind=alone.vector_kind)
    if not len(rows):
        return None
    voters = Voters.of(rows, scores)
    return lambda rows: agreement(index, rows, vector, shown, voters)


def _search_matching(search: Search, added: Added, count: int, scope: Scope) -> list[Hit]:
    """Return at least `count` hits of a search by their cosine and what is `added`, one a group.

    Hits beyond RERANK_POOL follow in the order of the search.
    """
    pool = search(RERANK_POOL, replace(scope, groups=None))
    scores = np.array([hit.score for hit in pool]) + added(_rows(pool))
    hits = [pool[position] for position in np.argsort(-scores, kind="stable")]
    if len(pool) == RERANK_POOL:
        hits += search(count, scope)
    return _best_of_groups(hits, scope.groups)
