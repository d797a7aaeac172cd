"""Strangers and rarities: diverse lists, first questions, and places given to untried items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookbook.recommend.base import Answer, Recommendation, best
from lookbook.recommend.context import Context
from lookbook.recommend.data import EMPTY
from lookbook.recommend.items import Items
from lookbook.recommend.reasons import reason

SHARE = 0.08  # of the places goes to items with few events
_POOL = 50  # items that an explored place is drawn from
_POPULAR = 60  # candidates of a diverse list, for each place asked for
_SAME = 0.5  # how much of its lead over the last candidate an item loses for likeness


def diverse(rows: np.ndarray, scores: np.ndarray, items: Items, k: int) -> np.ndarray:
    """k of `rows`, the best first, each next one good and unlike those before.

    Maximal marginal relevance (Carbonell and Goldstein 1998), `scores` (m,) brought to 0..1.
    """
    if items.vectors is None or len(rows) <= 1:
        return rows[np.argsort(-scores, kind="stable")][:k]
    span = float(scores.max() - scores.min()) or 1.0
    good = (scores - scores.min()) / span
    vectors, near = items.vectors[rows], np.zeros(len(rows), np.float32)
    left, chosen = np.ones(len(rows), bool), []
    for _ in range(min(k, len(rows))):
        pick = int(np.where(left, (1 - _SAME) * good - _SAME * near, -np.inf).argmax())
        chosen.append(pick)
        left[pick] = False
        near = np.maximum(near, vectors @ vectors[pick])
    return rows[chosen]


def wide(scores: np.ndarray, items: Items, k: int) -> np.ndarray:
    """k rows from the best of `scores` (n,), chosen to differ."""
    rows = best(scores, max(k, min(_POPULAR * k, len(scores) // 4)))
    return diverse(rows, scores[rows], items, k)


def explored(
    answer: Answer,
    rare: np.ndarray,
    items: Items,
    context: Context,
    share: float,
    draw: np.random.Generator,
) -> Answer:
    """The answer with each place but the first given away with probability `share`.

    A place that is given away shows one of the best of `rare` (scores (n,) of items that hardly
    anybody has met, -inf for others) drawn evenly; its `probability` is that of this item there.
    """
    shown = {one.row for one in answer}
    pool = [r for r in best(rare, _POOL + len(shown)) if r not in shown]
    pool = pool[:_POOL]
    places = list(answer)
    for place in range(1, len(places)):
        if not pool:
            break
        if draw.random() >= share:
            places[place] = replace(places[place], probability=1 - share)
            continue
        chance = share / len(pool)
        row = int(pool.pop(int(draw.integers(len(pool)))))
        why = "new here, tell us what you think"
        more = reason(items, EMPTY, row, context).partition("; ")[2]
        text = f"{why}; {more}" if more else why
        places[place] = Recommendation(items.ids[row], float(rare[row]), row, text, chance)
    return Answer(tuple(places), answer.reason)
