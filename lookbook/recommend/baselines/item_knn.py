"""Item KNN: items that the same people took, by the library implicit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from lookbook.recommend.base import Arrays, Recommender
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items

WEIGHTINGS = ("cosine", "bm25")


class ItemKNN(Recommender):
    """The k items most often taken by the same people, by cosine or BM25 weights.

    (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms".)
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
        kind = CosineRecommender if self.weighting == "cosine" else BM25Recommender
        model = kind(K=self.neighbours + 1, num_threads=1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Method expects CSR input")  # of its own making
            model.fit(interactions.matrix(), show_progress=False)
        self.similarity = model.similarity.tocsr().astype(np.float32)

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """The sum over the history of weight times similarity; -inf where no neighbour is."""
        found = np.full((len(histories), len(self.items)), -np.inf, np.float32)
        for place, history in enumerate(histories):
            columns, sums = self.sums(history)
            found[place, columns] = sums
        return found

    def sums(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """The neighbours of a history, distinct rows, and the score of each."""
        rows, weights = history.by_row
        s = self.similarity
        parts = [slice(s.indptr[row], s.indptr[row + 1]) for row in rows]
        columns = np.concatenate([s.indices[p] for p in parts] or [np.empty(0, np.int32)])
        values = [s.data[p] * w for p, w in zip(parts, weights, strict=True)]
        found, inverse = np.unique(columns, return_inverse=True)
        total = np.bincount(inverse, np.concatenate(values), len(found)) if values else ()
        return found, np.asarray(total, np.float32)

    def empty_reason(self, history: History) -> str:
        """Neighbours need a history, and others who share it."""
        return "nobody else has taken what you took" if len(history) else "you have no history yet"

    def _state(self) -> tuple[Arrays, dict]:
        s = self.similarity
        arrays = {"data": s.data, "indices": s.indices, "indptr": s.indptr}
        return arrays, {"neighbours": self.neighbours, "weighting": self.weighting}

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        import scipy.sparse as sp

        self.neighbours, self.weighting = settings["neighbours"], settings["weighting"]
        count = len(self.items)
        self.similarity = sp.csr_matrix(
            (arrays["data"], arrays["indices"], arrays["indptr"]), shape=(count, count)
        )


class BoughtTogether(ItemKNN):
    """Item KNN over purchases alone: what completes a look, from real baskets."""

    name = "bought_together"

    def _fit(self, interactions: Interactions, items: Items) -> None:
        kind = interactions.kind
        super()._fit(interactions if kind is None else interactions.where(kind == "buy"), items)
