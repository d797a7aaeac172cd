"""Which items are worth ranking for one user: candidates from every source."""

from __future__ import annotations

import numpy as np

from lookbook.recommend.base import top_rows
from lookbook.recommend.data import History
from lookbook.recommend.hybrid.item_features import ItemFeatures

FEW_ITEMS = 800  # up to so many items that can be shown, all of them are candidates
_FROM_FACTORS, _FROM_POPULARITY, _FROM_KNN = 150, 100, 100


def find_candidates(
    item_features: ItemFeatures, history: History, allowed: np.ndarray
) -> np.ndarray:
    """Return distinct rows worth ranking for this user, all of them `allowed` (bool (n,))."""
    rows = np.flatnonzero(allowed)
    if len(rows) <= FEW_ITEMS:
        return rows
    popular = item_features.by_popularity
    sources = [popular[allowed[popular]][:_FROM_POPULARITY]]
    if len(history):
        own = history.distinct_rows
        groups = item_features.items.product_groups
        scores = item_features.factors.scores([history])[0]
        neighbours, sums = item_features.knn.neighbour_scores(history)
        sources += [
            own,
            top_rows(np.where(allowed, scores, -np.inf), _FROM_FACTORS),
            neighbours[np.argsort(-sums)[:_FROM_KNN]],
            np.flatnonzero(np.isin(groups, groups[own])),
            *_of_main_categories(item_features, history),
        ]
        if item_features.visual_neighbours is not None:
            sources.append(item_features.visual_neighbours[own].ravel())
    rows = np.unique(np.concatenate(sources))
    return rows[allowed[rows]]


def _of_main_categories(item_features: ItemFeatures, history: History) -> list[np.ndarray]:
    """For each category column the most popular items of the category that fills most of it."""
    sources = []
    for name, codes in item_features.items.category_codes.items():
        main = int(np.bincount(codes[history.rows]).argmax())
        sources.append(item_features.top_of_category[name][main])
    return sources
