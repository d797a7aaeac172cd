"""Item KNN: items that the same users took, by the library implicit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lookbook.recommend.base import Arrays, Recommender, State
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items
from lookbook.schema.message import Message

WEIGHTINGS = ("cosine", "bm25")


class ItemKNN(Recommender):
    """The k items most often taken by the same users, by cosine or BM25 weights.

    Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms".
    """

    name = "item_knn"

    def __init__(self, neighbours: int = 100, weighting: str = "cosine") -> None:
        if weighting not in WEIGHTINGS:
            raise ValueError(
                f"weighting: expected one of {', '.join(WEIGHTINGS)}, found {weighting!r}"
            )
        if neighbours < 1:
            raise ValueError(f"neighbours: expected at least 1, found {neighbours}")
        self.neighbours, self.weighting = neighbours, weighting

    def _fit(self, interactions: Interactions, items: Items) -> None:
        import scipy.sparse as sp
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

        if not len(interactions):
            self.similarity = sp.csr_matrix((len(items), len(items)), dtype=np.float32)
            return
        model_class = CosineRecommender if self.weighting == "cosine" else BM25Recommender
        model = model_class(K=self.neighbours + 1, num_threads=1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Method expects CSR input")  # raised within implicit
            model.fit(interactions.matrix(), show_progress=False)
        self.similarity = model.similarity.tocsr().astype(np.float32)

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return sums over the history of weight times similarity; -inf for no neighbour."""
        scores = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        for number, history in enumerate(histories):
            rows, sums = self.neighbour_scores(history)
            scores[number, rows] = sums
        return scores

    def neighbour_scores(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct rows of a history's neighbours, and float32 scores of each."""
        own, weights = history.weights_by_row
        s = self.similarity
        slices = [slice(s.indptr[row], s.indptr[row + 1]) for row in own]
        columns = np.concatenate([s.indices[part] for part in slices] or [np.empty(0, np.int32)])
        values = [s.data[part] * w for part, w in zip(slices, weights, strict=True)]
        rows, inverse = np.unique(columns, return_inverse=True)
        sums = np.bincount(inverse, np.concatenate(values), len(rows)) if values else ()
        return rows, np.asarray(sums, np.float32)

    def empty_reason(self, history: History) -> str:
        """Return why there is no answer: it takes a history, and others who share it."""
        if len(history):
            return Message("nobody else has taken what you took")
        return Message("you have no history yet")

    def state(self) -> State:
        """Return the csr matrix of similarities and the parameters."""
        s = self.similarity
        arrays = {"data": s.data, "indices": s.indices, "indptr": s.indptr}
        return arrays, {"neighbours": self.neighbours, "weighting": self.weighting}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        import scipy.sparse as sp

        self.neighbours, self.weighting = settings["neighbours"], settings["weighting"]
        count = len(self.items)
        self.similarity = sp.csr_matrix(
            (arrays["data"], arrays["indices"], arrays["indptr"]), shape=(count, count)
        )


class BoughtTogether(ItemKNN):
    """Item KNN over purchases alone: what completes an outfit, by real baskets."""

    name = "bought_together"

    def _fit(self, interactions: Interactions, items: Items) -> None:
        types = interactions.event_type
        super()._fit(
            interactions if types is None else interactions.where(types.equal("buy")), items
        )
