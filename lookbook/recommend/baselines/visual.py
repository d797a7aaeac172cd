"""Visual: the nearest neighbours of what a user liked, several interests kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lookbook.index.normalization import UnitRows
from lookbook.recommend.base import Arrays, Recommender, State
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import ALIKE, Items
from lookbook.schema.message import Message

MAX_INTERESTS = 8  # of one user; the lightest are left out beyond
_LIGHTEST_PENALTY = 0.05  # cosine that the lightest interests lose


class Visual(Recommender):
    """Cosine to the nearest interest, heavier interests a little before lighter ones.

    Learns nothing from interactions, so a new item has the same chance as an old one.
    """

    name = "visual"

    def __init__(self, apart: float = ALIKE) -> None:
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
        """Return the cosine to the nearest interest; -inf for users without a history."""
        scores = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        vectors = None if self.items.vectors is None else np.asarray(self.items.vectors)
        for number, history in enumerate(histories):
            if len(history) and vectors is not None:
                scores[number] = nearest_interest(vectors, history, vectors, self.apart)
        return scores

    def empty_reason(self, history: History) -> str:
        """Return why there is no answer: the user has no history."""
        return Message("you have liked nothing yet, so there is nothing to resemble")

    def state(self) -> State:
        """Return the parameter; safetensors need an array."""
        return {"none": np.zeros(1, np.float32)}, {"apart": self.apart}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.apart = settings["apart"]


def nearest_interest(
    candidates: np.ndarray, history: History, vectors: np.ndarray | UnitRows, apart: float = ALIKE
) -> np.ndarray:
    """float32 (m,): cosine of each of `candidates` (m, dim) to the nearest interest of a user.

    `vectors` (n, dim) are those of all items. The heaviest interest loses nothing, the others up to
    0.05.
    """
    centres, weights = interests(vectors, history, apart)
    penalty = _LIGHTEST_PENALTY * (1 - weights / weights.max())
    return (candidates @ centres.T - penalty).max(axis=1)


def interests(
    vectors: np.ndarray | UnitRows, history: History, apart: float = ALIKE
) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (c, dim) of L2 norm 1 and weights (c,), the heaviest first.

    Average-linkage clusters of the liked vectors: two stay apart whose cosine is below `apart`.
    """
    rows, weights = history.weights_by_row
    liked = vectors[rows]
    cluster = _clusters(liked, apart)
    mass = np.bincount(cluster, weights)
    order = np.argsort(-mass, kind="stable")[:MAX_INTERESTS]
    centres = np.stack([weights[cluster == c] @ liked[cluster == c] for c in order])
    norms = np.linalg.norm(centres, axis=1, keepdims=True)
    return (centres / np.maximum(norms, 1e-9)).astype(np.float32), mass[order]


def _clusters(liked: np.ndarray, apart: float) -> np.ndarray:
    if len(liked) < 2:
        return np.zeros(len(liked), np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = np.clip(1 - liked @ liked.T, 0, 2)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    return fcluster(tree, 1 - apart, "distance") - 1
