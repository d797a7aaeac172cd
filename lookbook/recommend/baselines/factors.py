"""Matrix factorisation by the library implicit: ALS and BPR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lookbook.recommend.base import Arrays, Recommender, State
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items
from lookbook.schema.message import Message

if TYPE_CHECKING:
    import scipy.sparse as sp

_MANY_ENTRIES = 1_000_000  # several threads pay from here; with fewer entries they only wait


class MatrixFactorization(Recommender):
    """Item factors (n, f), and a user vector computed from the history alone."""

    factors: np.ndarray

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return inner products; -inf for items nobody has taken and users without a history."""
        # one by one: a matrix product rounds differently with the number of users
        scores = np.stack([self.factors @ self.user_vector(history) for history in histories])
        scores[:, self._untaken] = -np.inf
        scores[[not len(history) for history in histories]] = -np.inf
        return scores

    def _set_factors(self, factors: np.ndarray) -> None:
        self.factors, self._untaken = factors, ~factors.any(axis=1)

    def user_vector(self, history: History) -> np.ndarray:
        """float32 (f,): the factors of a user with this history."""
        raise NotImplementedError

    def empty_reason(self, history: History) -> str:
        """Return why there is no answer: factors need items that others took as well."""
        if len(history):
            return Message("nobody has taken these items yet")
        return Message("you have no history yet")

    def _similar(self, history: History) -> np.ndarray:
        norms = np.maximum(np.linalg.norm(self.factors, axis=1), 1e-9)
        cosines = (self.factors @ self.factors[history.rows[0]]) / norms
        return np.where(self._untaken, -np.inf, cosines).astype(np.float32)


class ALS(MatrixFactorization):
    """Alternating least squares on implicit feedback (Hu, Koren, Volinsky 2008).

    `alpha` is the confidence that an interaction of weight 1 has over none.
    """

    name = "als"

    def __init__(
        self,
        size: int = 64,
        regularization: float = 0.1,
        alpha: float = 10.0,
        iterations: int = 10,
        seed: int = 0,
    ) -> None:
        self.size, self.regularization, self.alpha = size, regularization, alpha
        self.iterations, self.seed = iterations, seed

    def _fit(self, interactions: Interactions, items: Items) -> None:
        self._set_factors(self._factorize(interactions.matrix()))
        self._gram = self.factors.T @ self.factors

    def _factorize(self, matrix: sp.csr_matrix) -> np.ndarray:
        """Return the factors of the columns of a csr matrix; zero for a column without entries."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        if not matrix.nnz:
            return np.zeros((matrix.shape[1], self.size), np.float32)
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.size,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                random_state=self.seed,
                num_threads=1 if matrix.nnz < _MANY_ENTRIES else 0,
            )
            model.fit(matrix, show_progress=False)
        factors = np.asarray(model.item_factors, np.float32)
        factors[np.bincount(matrix.indices, minlength=len(factors)) == 0] = 0
        return factors

    def user_vector(self, history: History) -> np.ndarray:
        """Return one exact half-step: (YtY + Yt(C - I)Y + r I)^-1 Yt C p."""
        rows, weights = history.weights_by_row
        confidence = self.alpha * weights
        return solve_user(self._gram, self.factors[rows], confidence, self.regularization)

    def state(self) -> State:
        """Return the item factors and the parameters."""
        names = ("size", "regularization", "alpha", "iterations", "seed")
        return {"factors": self.factors}, {n: getattr(self, n) for n in names}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, value in settings.items():
            setattr(self, name, value)
        self._set_factors(arrays["factors"])
        self._gram = self.factors.T @ self.factors


def solve_user(
    gram: np.ndarray, factors: np.ndarray, confidence: np.ndarray, regularization: float
) -> np.ndarray:
    """float32 (f,): the least-squares vector of a user who took items of `factors` (m, f).

    `gram` (f, f) is YtY over all items, `confidence` (m,) that of each item taken.
    """
    left = gram + (factors.T * (confidence - 1)) @ factors
    left = left + regularization * np.eye(len(gram), dtype=np.float32)
    return np.linalg.solve(left, factors.T @ confidence).astype(np.float32)


class BPR(MatrixFactorization):
    """Bayesian personalised ranking (Rendle et al. 2009).

    The vector of a user it was not trained with is the mean of their items' factors.
    """

    name = "bpr"

    def __init__(
        self,
        size: int = 64,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        iterations: int = 100,
        seed: int = 0,
    ) -> None:
        self.size, self.learning_rate, self.regularization = size, learning_rate, regularization
        self.iterations, self.seed = iterations, seed
        self._user_vectors: dict[str, np.ndarray] = {}

    def _fit(self, interactions: Interactions, items: Items) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        self._set_factors(np.zeros((len(items), self.size + 1), np.float32))
        self._user_vectors = {}
        if not len(interactions):
            return
        model = BayesianPersonalizedRanking(
            factors=self.size,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.iterations,
            random_state=self.seed,
            num_threads=1,  # with more, the same seed gives different factors
        )
        model.fit(interactions.matrix(), show_progress=False)
        factors = np.asarray(model.item_factors, np.float32)
        factors[np.bincount(interactions.item, minlength=len(items)) == 0] = 0
        self._set_factors(factors)
        self._user_vectors = dict(zip(interactions.users, model.user_factors, strict=True))

    def user_vector(self, history: History) -> np.ndarray:
        """Return the factors trained for a user of this name, else the mean of the history's."""
        if history.name in self._user_vectors:
            return self._user_vectors[history.name]
        rows, weights = history.weights_by_row
        if not len(rows):
            return np.zeros(self.factors.shape[1], np.float32)
        mean = weights @ self.factors[rows] / max(float(weights.sum()), 1e-9)
        mean[-1] = 1.0  # the last column of the items' factors is their bias
        return mean

    def state(self) -> State:
        """Return the item factors and the parameters."""
        names = ("size", "learning_rate", "regularization", "iterations", "seed")
        return {"factors": self.factors}, {n: getattr(self, n) for n in names}

    def restore(self, arrays: Arrays, settings: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, value in settings.items():
            setattr(self, name, value)
        self._set_factors(arrays["factors"])
