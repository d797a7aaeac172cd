"""Matrix factorisation in which the colours of one product lend each other strength."""

from __future__ import annotations

import numpy as np

from lookbook.recommend.base import Arrays
from lookbook.recommend.baselines.factors import ALS, solved
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items


class ProductGroupALS(ALS):
    """ALS over items and, as further columns, the families that they belong to.

    An item's factors are its own and `share` of its family's, so that a new colour of a known
    product has some from its first day.
    """

    name = "family_als"

    def __init__(self, share: float = 0.5, alpha: float = 20.0, **options: float) -> None:
        super().__init__(alpha=alpha, **options)  # type: ignore[arg-type]
        self.share = share

    def _fit(self, interactions: Interactions, items: Items) -> None:
        import scipy.sparse as sp

        matrix, count = interactions.matrix(), len(items)
        ones = np.ones(count, np.float32)
        members = sp.csr_matrix((ones, (np.arange(count), items.product_groups)))
        product_groups = (matrix @ members).tocsr()
        product_groups.data = np.minimum(product_groups.data, 2)
        self._parts = self._factorised(sp.hstack([matrix, product_groups]).tocsr())
        self._combine()

    def _combine(self) -> None:
        count = len(self.items)
        self._know(
            self._parts[:count] + self.share * self._parts[count:][self.items.product_groups]
        )
        self._gram = self._parts.T @ self._parts

    def person(self, history: History) -> np.ndarray:
        """One exact half-step over the items and the families of a history."""
        rows, weights = history.by_row
        product_groups, inverse = np.unique(self.items.product_groups[rows], return_inverse=True)
        sums = np.minimum(np.bincount(inverse, weights, len(product_groups)), 2)
        taken = self._parts[np.concatenate([rows, len(self.items) + product_groups])]
        confidence = self.alpha * np.concatenate([weights, sums]).astype(np.float32)
        return solved(self._gram, taken, confidence, self.regularization)

    def _state(self) -> tuple[Arrays, dict]:
        return {"parts": self._parts}, super()._state()[1] | {"share": self.share}

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        for name, value in settings.items():
            setattr(self, name, value)
        self._parts = arrays["parts"]
        self._combine()
