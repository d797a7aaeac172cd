"""Visual: the nearest neighbours of what a person liked, several interests kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.recommend.base import Arrays, Recommender
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items

APART = 0.6  # two liked items below this cosine are different interests
MOST = 8  # interests of one person; the lightest are left out beyond


class Visual(Recommender):
    """Cosine to the nearest interest, heavier interests a little before lighter ones.

    Learns nothing from interactions, so a new item stands beside an old one.
    """

    name = "visual"

    def __init__(self, apart: float = APART) -> None:
        if not -1 <= apart <= 1:
            raise ValueError(f"apart: expected a cosine, -1 to 1, found {apart}")
        self.apart = apart

    def _fit(self, interactions: Interactions, items: Items) -> None:
        if items.vectors is None:
            raise ValueError("the visual recommender needs items with vectors, found none")

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Cosine of each item to the nearest interest; -inf for people without a history."""
        found = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        for place, history in enumerate(histories):
            if len(history):
                found[place] = nearest_interest(
                    self.items.vectors, history, self.items.vectors, self.apart
                )
        return found

    def empty_reason(self, history: History) -> str:
        """Only a stranger gets nothing."""
        return "you have liked nothing yet, so there is nothing to resemble"

    def _state(self) -> tuple[Arrays, dict]:
        return {"none": np.zeros(1, np.float32)}, {"apart": self.apart}

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        self.apart = settings["apart"]


def nearest_interest(
    asked: np.ndarray, history: History, vectors: np.ndarray, apart: float = APART
) -> np.ndarray:
    """float32 (m,): cosine of each of `asked` (m, dim) to the nearest interest of a person.

    `vectors` (n, dim) are those of all items. The interest that holds most of the history loses
    nothing, the others up to 0.05.
    """
    centres, weights = interests(vectors, history, apart)
    behind = 0.05 * (1 - weights / weights.max())
    return (asked @ centres.T - behind).max(axis=1)


def interests(
    vectors: np.ndarray, history: History, apart: float = APART
) -> tuple[np.ndarray, np.ndarray]:
    """Centres (c, dim) of L2 norm 1 and weights (c,), the heaviest first.

    Average-linkage clusters of the liked vectors: two stay apart whose cosine is below `apart`.
    """
    rows, weights = history.by_row
    liked = vectors[rows]
    cluster = _clustered(liked, apart)
    mass = np.bincount(cluster, weights)
    order = np.argsort(-mass, kind="stable")[:MOST]
    centres = np.stack([weights[cluster == c] @ liked[cluster == c] for c in order])
    norms = np.linalg.norm(centres, axis=1, keepdims=True)
    return (centres / np.maximum(norms, 1e-9)).astype(np.float32), mass[order]


def _clustered(liked: np.ndarray, apart: float) -> np.ndarray:
    if len(liked) < 2:
        return np.zeros(len(liked), np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = np.clip(1 - liked @ liked.T, 0, 2)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    return fcluster(tree, 1 - apart, "distance") - 1
