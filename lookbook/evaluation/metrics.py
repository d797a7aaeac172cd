"""Ranking metrics over plain arrays, one value for each query, and bootstrap intervals of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 1000
_NO_QUERY = "expected at least one query to measure on, found none"
_QUANTILES = (0.025, 0.975)  # ends of the 95 % percentile interval


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` queries and its 95 % bootstrap interval (percentile method, Efron 1979).

    With `n` 0 nothing was measured, and `value`, `low` and `high` mean nothing.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self:.3f}"

    def __format__(self, spec: str) -> str:
        """The three numbers in the given number format (".3f" without one), and n."""
        if not self.n:
            return "nobody"
        value, low, high = (format(x, spec or ".3f") for x in (self.value, self.low, self.high))
        return f"{value} ({low}-{high}, n={self.n})"


def bootstrap_mean(values: np.ndarray, seed: int = 0) -> Estimate:
    """Estimate the mean of one value for each query (n,); raises ValueError without a query."""
    values = np.asarray(values, np.float64)
    low, high = _interval([values], np.mean, paired=False, seed=seed)
    return Estimate(float(values.mean()), low, high, len(values))


def bootstrap_means(values: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Estimate]:
    """Estimate the means of several measures of the same queries, each (n,), on shared resamples.

    Raises ValueError without a query.
    """
    table = np.column_stack([np.asarray(v, np.float64) for v in values.values()])
    count = len(table)
    draws = _resamples(count, seed)
    means = np.stack([np.bincount(draw, minlength=count) @ table for draw in draws]) / count
    low, high = np.quantile(means, _QUANTILES, axis=0)
    ends = zip(values, table.mean(axis=0), low, high, strict=True)
    return {name: Estimate(float(v), float(a), float(b), count) for name, v, a, b in ends}


def bootstrap_difference(
    one: np.ndarray, other: np.ndarray, *, paired: bool, seed: int = 0
) -> tuple[float, float, float]:
    """Difference of two means, `one` (n,) minus `other` (m,), and the ends of its interval.

    `paired`: both are measured on the same queries (n = m) and are resampled together.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    low, high = _interval([one, other], _difference, paired=paired, seed=seed)
    return float(one.mean() - other.mean()), low, high


def _difference(one: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.asarray(one.mean(axis=axis) - other.mean(axis=axis))


def _interval(
    samples: Sequence[np.ndarray], statistic: Callable[..., Any], *, paired: bool, seed: int
) -> tuple[float, float]:
    """Ends of the 95 % percentile interval of a statistic, by SciPy; raises ValueError for none."""
    if not all(map(len, samples)):
        raise ValueError(_NO_QUERY)
    from scipy import stats  # the site, which does not measure, need not load it

    found = stats.bootstrap(
        [np.repeat(s, 2) if len(s) == 1 else s for s in samples],  # SciPy takes two or more
        statistic,
        n_resamples=RESAMPLES,
        method="percentile",
        paired=paired,
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def _resamples(count: int, seed: int) -> np.ndarray:
    """int (RESAMPLES, count): positions drawn with replacement."""
    if not count:
        raise ValueError(_NO_QUERY)
    return np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))


def precision_at(k: int, ranked: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """(q,): share of the first k labels of `ranked` (q, >=k) that equal `relevant` (q,).

    Raises ValueError for fewer than k labels, as all metrics of this module do.
    """
    _check_depth(k, ranked)
    return (ranked[:, :k] == relevant[:, None]).mean(axis=1)


def recall_at(k: int, ranked: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """(q,): 1 where `relevant` (q,) is among the first k of `ranked` (q, >=k), else 0.

    With one relevant item in the gallery this is recall; with several, the hit rate.
    """
    _check_depth(k, ranked)
    return (ranked[:, :k] == relevant[:, None]).any(axis=1).astype(np.float64)


def knn_accuracy(k: int, ranked: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """(q,): 1 where the majority of the first k labels is `relevant`; the nearer wins a tie."""
    _check_depth(k, ranked)
    votes = (ranked[:, :k, None] == ranked[:, None, :k]).sum(axis=2)
    winner = ranked[np.arange(len(ranked)), votes.argmax(axis=1)]
    return (winner == relevant).astype(np.float64)


def _check_depth(k: int, ranked: np.ndarray) -> None:
    if ranked.ndim != 2 or ranked.shape[1] < k:
        raise ValueError(f"expected at least {k} ranked results a query, found {ranked.shape}")


def ranking_measures(
    relevant: np.ndarray, totals: np.ndarray, cutoffs: Sequence[int] = (5, 10)
) -> dict[str, np.ndarray]:
    """Measure rankings by what is relevant in them: {measure: float (q,)}.

    `relevant` bool (q, depth), best rank first, False where a ranking has ended; `totals` int (q,),
    at least 1: how many relevant items there are to find. accuracy@1 is precision at 1; mAP and MRR
    look at the first `depth` ranks, and mAP divides by min(total, depth); nDCG@k has gains of 0
    and 1. Raises ValueError for fewer ranks than the largest cutoff.
    """
    depth = relevant.shape[1]
    if depth < max(cutoffs):
        raise ValueError(f"expected at least {max(cutoffs)} ranks, found {depth}")
    hits = relevant.astype(np.float64)
    found, ranks = hits.cumsum(axis=1), np.arange(1, depth + 1)
    measures = {"accuracy@1": hits[:, 0]}
    for k in cutoffs:
        precision, recall = found[:, k - 1] / k, found[:, k - 1] / totals
        both = np.maximum(precision + recall, 1e-12)
        measures |= {f"precision@{k}": precision, f"recall@{k}": recall}
        measures[f"F1@{k}"] = 2 * precision * recall / both
    k = max(cutoffs)
    discounts = 1 / np.log2(ranks + 1)
    ideal = discounts.cumsum()[np.minimum(totals, k) - 1]
    measures[f"nDCG@{k}"] = (hits[:, :k] @ discounts[:k]) / ideal
    measures["mAP"] = (hits * found / ranks).sum(axis=1) / np.minimum(totals, depth)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)
    return measures | {"MRR": 1 / first}
