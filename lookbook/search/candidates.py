"""Which items a query may find: by its filters, and by the kinds that it asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookbook.schema.filters import Condition
from lookbook.schema.text import excerpt
from lookbook.search.availability import offered_rows
from lookbook.search.concepts import concept_index
from lookbook.search.index import Groups, Index
from lookbook.search.mitigation import used_conditions
from lookbook.search.product_groups import product_groups
from lookbook.search.query_meaning import rows_of_kinds
from lookbook.search.query_parts import FOLDS, Query
from lookbook.search.ranking import Scope
from lookbook.search.understanding import Understanding, without


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a query may find: `rows` bool (n,), and the `scope` that says so to a ranking.

    `total` items met the filters, of which `filtered` says whether there are any; `gender_unused`
    those that were left out as the shop does not sort by gender; `of_kind` bool (n,) the items of
    the kinds that words ask for or pictures show, None for all; `kinds_missing`: none of the kinds
    that words ask for meets the filters, so that other kinds are shown.
    """

    rows: np.ndarray
    scope: Scope
    total: int
    filtered: bool
    gender_unused: bool
    of_kind: np.ndarray | None
    kinds_missing: bool


def find_candidates(query: Query, meaning: Understanding, index: Index) -> Candidates:
    """Return what a query may find; raises FilterError, UnknownItem for what is not in the index.

    Where none of the kinds meets the filters, what is of the nearest broader kind and does counts.
    What is not wanted is left out of what the filters, and the kinds, leave.
    """
    conditions, left_out = used_conditions(index.columns, (*query.where, *meaning.conditions))
    allowed = allowed_rows(index, conditions)
    groups, own = _groups(query, index), _own_rows(query, index)
    rows = np.ones(len(index), bool) if allowed is None else allowed.copy()
    total = int(rows.sum())
    rows[own] = False
    of_kind = rows_of_kinds(query, meaning, index)
    missing = of_kind is not None and not (of_kind & rows).any()
    kept = _of_broader_kind(meaning, rows, index) if missing else of_kind
    if kept is not None:
        allowed = rows = rows & kept
    if meaning.unwanted:
        allowed = rows = without(meaning.unwanted, rows, concept_index(index))
    scope = Scope(allowed, own, groups)
    kinds = of_kind, missing and bool(meaning.kinds) and total > 0
    return Candidates(rows, scope, total, bool(conditions), bool(left_out), *kinds)


def _of_broader_kind(meaning: Understanding, rows: np.ndarray, index: Index) -> np.ndarray | None:
    """Return bool (n,): items of the nearest broader kind that are among `rows`; None for none."""
    concepts = concept_index(index)
    for kind in meaning.kinds[:1]:
        for broader in concepts.thesaurus.ancestors(kind):
            if (concepts.rows(broader) & rows).any():
                return concepts.rows(broader)
    return None


def allowed_rows(index: Index, conditions: tuple[Condition, ...]) -> np.ndarray | None:
    """Return bool (n,), read-only, the items that may be found; None for all; raises FilterError.

    A mask of `conditions` alone keeps them, for an engine that filters by itself.
    """
    offered = offered_rows(index, conditions)
    if not conditions:
        return offered
    allowed = index.matching(conditions)
    return allowed if offered is None else np.asarray(allowed) & offered


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
