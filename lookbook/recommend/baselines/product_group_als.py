"""Matrix factorisation in which the colours of one product share a part of their factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookbook.recommend.base import Arrays, State
from lookbook.recommend.baselines.factors import ALS, solve_user
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items


class ProductGroupALS(ALS):
    """ALS over items and, as further columns, the product groups that they belong to.

    An item's factors are its own plus `share` of its group's, so that a new colour of a known
    product has some from its first day.
    """

    name = "family_als"  # of the file format

    def __init__(self, share: float = 0.5, alpha: float = 20.0, **options: Any) -> None:
        super().__init__(alpha=alpha, **options)
        self.share = share

    def _fit(self, interactions: Interactions, items: Items) -> None:
        import scipy.sparse as sp

        matrix, count = interactions.matrix(), len(items)
        ones = np.ones(count, np.float32)
        membership = sp.csr_matrix((ones, (np.arange(count), items.product_groups)))
        of_groups = (matrix @ membership).tocsr()
        of_groups.data = np.minimum(of_groups.data, 2)
        self._parts = self._factorize(sp.hstack([matrix, of_groups]).tocsr())
        self._combine()

    def _combine(self) -> None:
        """Set the item factors from `_parts`: those of the n items, then those of the groups."""
        own, of_groups = self._parts[: len(self.items)], self._parts[len(self.items) :]
        self._set_factors(own + self.share * of_groups[self.items.product_groups])
        self._gram = self._parts.T @ self._parts

    def user_vector(self, history: History) -> np.ndarray:
        """Return one exact half-step over the items and the product groups of a history."""
        rows, weights = history.weights_by_row
        groups, inverse = np.unique(self.items.product_groups[rows], return_inverse=True)
        sums = np.minimum(np.bincount(inverse, weights, len(groups)), 2)
        taken = self._parts[np.concatenate([rows, len(self.items) + groups])]
        confidence = self.alpha * np.concatenate([weights, sums]).astype(np.float32)
        return solve_user(self._gram, taken, confidence, self.regularization)

    def state(self) -> State:
        """Return the factors of items and groups, and the parameters."""
        return {"parts": self._parts}, super().state()[1] | {"share": self.share}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, value in settings.items():
            setattr(self, name, value)
        self._parts = arrays["parts"]
        self._combine()
