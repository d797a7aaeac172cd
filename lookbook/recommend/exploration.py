"""Diverse lists, and slots given to items that hardly anybody has met."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookbook.recommend.base import Recommendation, Recommendations, top_rows
from lookbook.recommend.items import Items
from lookbook.schema.message import Message
from lookbook.search.mmr import maximal_marginal_relevance

EXPLORATION_SHARE = 0.08  # of the slots go to items with few events
EXPLORED_REASON = Message("new here, tell us what you think")
_POOL = 50  # items that an explored slot is drawn from
_CANDIDATES_PER_SLOT = 60  # of a diverse list
_DIVERSITY = 0.5


def diversify(rows: np.ndarray, scores: np.ndarray, items: Items, k: int) -> np.ndarray:
    """Return k of `rows` (m,), the best first, each next one good and unlike those before.

    Maximal marginal relevance with `scores` (m,) scaled to 0..1.
    """
    if items.vectors is None or len(rows) <= 1:
        return rows[np.argsort(-scores, kind="stable")][:k]
    span = float(scores.max() - scores.min()) or 1.0
    relevance = (scores - scores.min()) / span
    return rows[
        maximal_marginal_relevance(relevance, items.vectors[rows], k, _DIVERSITY, floor=0.0)
    ]


def diverse_top_k(scores: np.ndarray, items: Items, k: int) -> np.ndarray:
    """Return k rows from the best of `scores` (n,), chosen to differ from each other."""
    rows = top_rows(scores, max(k, min(_CANDIDATES_PER_SLOT * k, len(scores) // 4)))
    return diversify(rows, scores[rows], items, k)


def inject_exploration(
    answer: Recommendations,
    rare_scores: np.ndarray,
    items: Items,
    share: float,
    random: np.random.Generator,
) -> Recommendations:
    """Give each slot of `answer` but the first, with probability `share`, to a rare item.

    It is drawn evenly from the best of `rare_scores` (n,), -inf for items that are not rare, of
    products that the list does not show yet. `propensity` is the probability that the slot shows
    the item it shows.
    """
    groups = items.product_groups
    shown = {int(groups[item.row]) for item in answer}
    best = top_rows(rare_scores, _POOL + len(answer))
    pool = [int(row) for row in best if groups[row] not in shown][:_POOL]
    slots = list(answer)
    for slot in range(1, len(slots)):
        if not pool:
            break
        if random.random() >= share:
            slots[slot] = replace(slots[slot], propensity=1 - share)
            continue
        propensity = share / len(pool)
        row = pool[int(random.integers(len(pool)))]
        pool = [other for other in pool if groups[other] != groups[row]]
        score = float(rare_scores[row])
        slots[slot] = Recommendation(items.ids[row], score, row, EXPLORED_REASON, propensity)
    return Recommendations(tuple(slots), answer.reason)
