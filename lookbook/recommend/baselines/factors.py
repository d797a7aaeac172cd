"""Matrix factorisation by the library implicit: ALS and BPR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lookbook.recommend.base import Arrays, Recommender
from lookbook.recommend.context import EMPTY_CONTEXT, Context
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.items import Items

if TYPE_CHECKING:
    import scipy.sparse as sp

_MANY = 1_000_000  # entries from which several threads pay; with few they wait for each other


class _Factors(Recommender):
    """Item factors (n, f), and a vector for a person from the history alone."""

    factors: np.ndarray

    def scores(
        self,
        histories: Sequence[History],
        context: Context = EMPTY_CONTEXT,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Inner products; -inf for items that nobody has taken and people without a history."""
        # one by one: a product of matrices rounds differently with the number of people
        found = np.stack([self.factors @ self.person(history) for history in histories])
        found[:, self._untaken] = -np.inf
        found[[not len(history) for history in histories]] = -np.inf
        return found

    def _know(self, factors: np.ndarray) -> None:
        self.factors, self._untaken = factors, ~factors.any(axis=1)

    def person(self, history: History) -> np.ndarray:
        """float32 (f,): where somebody with this history stands."""
        raise NotImplementedError

    def empty_reason(self, history: History) -> str:
        """Factors need a history of items that others took as well."""
        return "nobody has taken these items yet" if len(history) else "you have no history yet"

    def _similar(self, history: History) -> np.ndarray:
        norms = np.maximum(np.linalg.norm(self.factors, axis=1), 1e-9)
        cosines = (self.factors @ self.factors[history.rows[0]]) / norms
        return np.where(self._untaken, -np.inf, cosines).astype(np.float32)


class ALS(_Factors):
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
        self._know(self._factorised(interactions.matrix()))
        self._gram = self.factors.T @ self.factors

    def _factorised(self, matrix: sp.csr_matrix) -> np.ndarray:
        """The factors of the columns of a csr matrix; zero for a column without entries."""
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
                num_threads=1 if matrix.nnz < _MANY else 0,
            )
            model.fit(matrix, show_progress=False)
        factors = np.asarray(model.item_factors, np.float32)
        factors[np.bincount(matrix.indices, minlength=len(factors)) == 0] = 0
        return factors

    def person(self, history: History) -> np.ndarray:
        """One exact half-step: (YtY + Yt(C - I)Y + r I)^-1 Yt C p."""
        rows, weights = history.by_row
        return solved(self._gram, self.factors[rows], self.alpha * weights, self.regularization)

    def _state(self) -> tuple[Arrays, dict]:
        names = ("size", "regularization", "alpha", "iterations", "seed")
        return {"factors": self.factors}, {n: getattr(self, n) for n in names}

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        for name, value in settings.items():
            setattr(self, name, value)
        self._know(arrays["factors"])
        self._gram = self.factors.T @ self.factors


def solved(
    gram: np.ndarray, taken: np.ndarray, confidence: np.ndarray, regularization: float
) -> np.ndarray:
    """The least-squares vector of a person: `taken` (m, f) factors with their `confidence` (m,)."""
    left = gram + (taken.T * (confidence - 1)) @ taken
    left = left + regularization * np.eye(len(gram), dtype=np.float32)
    return np.linalg.solve(left, taken.T @ confidence).astype(np.float32)


class BPR(_Factors):
    """Bayesian personalised ranking (Rendle et al. 2009).

    Somebody it was not trained with stands where the mean of their items' factors is.
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
        self._people: dict[str, np.ndarray] = {}

    def _fit(self, interactions: Interactions, items: Items) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        self._know(np.zeros((len(items), self.size + 1), np.float32))
        self._people = {}
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
        self._know(factors)
        self._people = dict(zip(interactions.users, model.user_factors, strict=True))

    def person(self, history: History) -> np.ndarray:
        """The factors trained for a person of this name, else the mean of the history's."""
        if history.name in self._people:
            return self._people[history.name]
        rows, weights = history.by_row
        if not len(rows):
            return np.zeros(self.factors.shape[1], np.float32)
        mean = weights @ self.factors[rows] / max(float(weights.sum()), 1e-9)
        mean[-1] = 1.0  # the last column of the items' factors is their bias
        return mean

    def _state(self) -> tuple[Arrays, dict]:
        names = ("size", "learning_rate", "regularization", "iterations", "seed")
        return {"factors": self.factors}, {n: getattr(self, n) for n in names}

    def _restore(self, arrays: Arrays, settings: dict) -> None:
        for name, value in settings.items():
            setattr(self, name, value)
        self._know(arrays["factors"])
