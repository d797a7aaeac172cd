"""The small model that weighs evidence: a conditional logit, its weights readable.

Each person's right answers compete with their other candidates (McFadden 1974); the weights are
drawn towards those of before, by so much that few examples change little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STRENGTH = 200.0  # how strongly weights are drawn to the prior ones, in examples


@dataclass(frozen=True)
class Example:
    """One person's candidates: evidence (m, f), and which of them were right: bool (m,).

    `stands_for` (m,): how many candidates each is a sample of; McFadden's (1978) correction.
    """

    evidence: np.ndarray
    right: np.ndarray
    stands_for: np.ndarray


def learn(examples: Sequence[Example], prior: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    """Weights float64 (f,): the most probable ones given the examples and the prior weights.

    The penalty is on weights in units of each column's spread, so that scales do not matter.
    """
    examples = [e for e in examples if e.right.any() and not e.right.all()]
    if not examples:
        return prior.copy()
    table = np.concatenate([e.evidence for e in examples]).astype(np.float32)
    right = np.concatenate([e.right for e in examples]).astype(np.float32)
    sizes = np.array([len(e.right) for e in examples])
    offset = np.log(np.concatenate([e.stands_for for e in examples])).astype(np.float32)
    spread = table.std(axis=0).astype(np.float64)
    spread[spread < 1e-6] = 1e-6
    drawn = spread**2 * strength
    return _most_probable(_Likelihood(table, right, offset, sizes), prior, drawn)


def _most_probable(likelihood: _Likelihood, prior: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def cost(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = likelihood(weights)
        away = weights - prior
        return -value + 0.5 * drawn @ away**2, -slope + drawn * away

    options = {"maxiter": 100, "ftol": 1e-6}
    with threadpool_limits(1, "blas"):  # the vectors are short
        return minimize(cost, prior, jac=True, method="L-BFGS-B", options=options).x


class _Likelihood:
    """The log-likelihood of the examples and its gradient; people with many answers count less."""

    def __init__(
        self, table: np.ndarray, right: np.ndarray, offset: np.ndarray, sizes: np.ndarray
    ) -> None:
        self.table, self.right, self.offset = table, right, offset
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.person = np.repeat(np.arange(len(sizes)), sizes)
        self.count = np.add.reduceat(right, self.starts)
        self.weight = 1 / np.sqrt(self.count)

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = self.table @ weights.astype(np.float32) + self.offset
        scores -= np.maximum.reduceat(scores, self.starts)[self.person]
        chances = np.exp(scores)
        total = np.add.reduceat(chances, self.starts)
        gained = np.add.reduceat(self.right * scores, self.starts) - self.count * np.log(total)
        off = self.right - chances * (self.count / total)[self.person]
        slope = (off * self.weight[self.person]) @ self.table
        return float(self.weight @ gained), slope.astype(np.float64)
