"""Ranking metrics over plain arrays, one value a query, and their bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` queries and the 95 % bootstrap interval around it (Efron 1979).

    An `n` of 0 says that nobody was measured, and `value` nothing.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if not self.n:
            return "nobody"
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f}, n={self.n})"


def figure(values: np.ndarray, seed: int = 0) -> Estimate:
    """Mean and interval of one value a query (n,); raises ValueError for no query at all."""
    values = np.asarray(values, np.float64)
    if not len(values):
        raise ValueError("expected at least one query to measure on, found none")
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high), len(values))


def bootstrap_means(values: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Estimate]:
    """`figure` of several measures of the same queries, each (n,), all from the same resamples."""
    table = np.column_stack([np.asarray(v, np.float64) for v in values.values()])
    count = len(table)
    if not count:
        raise ValueError("expected at least one query to measure on, found none")
    draws = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    means = np.stack([np.bincount(draw, minlength=count) @ table for draw in draws]) / count
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    ends = zip(values, table.mean(axis=0), low, high, strict=True)
    return {name: Estimate(float(v), float(a), float(b), count) for name, v, a, b in ends}


def precision_at(k: int, ranked: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(q,): share of the first k of `ranked` (q, >=k labels) that equal `wanted` (q,)."""
    _enough(k, ranked)
    return (ranked[:, :k] == wanted[:, None]).mean(axis=1)


def recall_at(k: int, ranked: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(q,): 1 where `wanted` (q,) is among the first k of `ranked` (q, >=k), else 0.

    With one right answer in the gallery this is recall; with several, the hit rate.
    """
    _enough(k, ranked)
    return (ranked[:, :k] == wanted[:, None]).any(axis=1).astype(np.float64)


def knn_accuracy(k: int, ranked: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(q,): 1 where the commonest of the first k labels is wanted; ties go to the nearer."""
    _enough(k, ranked)
    votes = (ranked[:, :k, None] == ranked[:, None, :k]).sum(axis=2)
    winner = ranked[np.arange(len(ranked)), votes.argmax(axis=1)]
    return (winner == wanted).astype(np.float64)


def _enough(k: int, ranked: np.ndarray) -> None:
    if ranked.ndim != 2 or ranked.shape[1] < k:
        raise ValueError(f"expected at least {k} ranked results a query, found {ranked.shape}")
