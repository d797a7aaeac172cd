"""Metrics of recommendation lists: accuracy for users with several relevant items, diversity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.evaluation.metrics import Estimate, bootstrap_means
from lookbook.index.normalization import UnitRows
from lookbook.recommend.data import Interactions

K = 12
_ACCURACY = ("precision", "recall", "f1", "hit", "map", "ndcg", "accuracy")
_DIVERSITY = ("coverage", "gini", "novelty", "intra_list_diversity")
_RESAMPLES = 200  # for coverage and gini, which are no means over users
MEASURES = (*(f"{name}@{K}" for name in _ACCURACY), *_DIVERSITY)


class LeakageError(ValueError):
    """The test part holds something that the model was fitted on, or is not later than it."""


def assert_no_leakage(train: Interactions, test: Interactions) -> None:
    """Raise LeakageError unless all interactions of `test` are later than those of `train`."""
    if len(train) and len(test) and test.day.min() <= train.day.max():
        raise LeakageError(
            f"the test part begins on day {test.day.min():g}, but the train part has day "
            f"{train.day.max():g}: split by time"
        )


def hit_matrix(ranked: np.ndarray, relevant: Sequence[set[int]]) -> np.ndarray:
    """bool (q, k): which of `ranked` (q, k), rows of items or -1 for none, are relevant."""
    pairs = zip(ranked.tolist(), relevant, strict=True)
    return np.array([[row in rows for row in ranking] for ranking, rows in pairs]).reshape(
        ranked.shape
    )


def accuracy_metrics(
    ranked: np.ndarray,
    users: Sequence[str],
    relevant: Sequence[set[int]],
    train: Interactions,
    test: Interactions,
) -> dict[str, Estimate]:
    """Precision, recall, F1, hit rate, MAP, nDCG and accuracy at K, means over users.

    `ranked` (q, K): rows of items, -1 where a model recommended no more; `relevant`: the relevant
    rows of each of `users`, at least one. AP is divided by min(K, relevant items); nDCG has binary
    gains (Järvelin and Kekäläinen 2002). Raises LeakageError where a relevant item is not in `test`
    or `test` is not later than `train`, ValueError for a user without relevant items.
    """
    assert_no_leakage(train, test)
    _check_relevant(users, relevant, test)
    hits = hit_matrix(ranked, relevant).astype(np.float64)
    relevant_counts = np.array([len(rows) for rows in relevant], np.float64)
    hit_counts = hits.sum(axis=1)
    precision, recall = hit_counts / K, hit_counts / relevant_counts
    sum_of_both = precision + recall
    precision_at_rank = hits.cumsum(axis=1) / np.arange(1, K + 1)
    discount = 1 / np.log2(np.arange(2, K + 2))
    reachable = np.minimum(relevant_counts, K)
    ideal = discount.cumsum()[reachable.astype(int) - 1]
    wrong = (ranked >= 0).sum(axis=1) + relevant_counts - 2 * hit_counts  # shown or missed
    values = {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / np.where(sum_of_both > 0, sum_of_both, 1),
        "hit": (hit_counts > 0).astype(float),
        "map": (precision_at_rank * hits).sum(axis=1) / reachable,
        "ndcg": hits @ discount / ideal,
        "accuracy": 1 - wrong / train.item_count,
    }
    return {f"{name}@{K}": estimate for name, estimate in bootstrap_means(values).items()}


def _check_relevant(users: Sequence[str], relevant: Sequence[set[int]], test: Interactions) -> None:
    pairs = set(zip(test.user.tolist(), test.item.tolist(), strict=True))
    number = {name: i for i, name in enumerate(test.users)}
    for user, rows in zip(users, relevant, strict=True):
        if not rows:
            raise ValueError(f"{user!r} has no right answer, and cannot be measured")
        if missing := [row for row in rows if (number.get(user), row) not in pairs]:
            raise LeakageError(f"item {missing[0]} of {user!r} is not in the test part")


def diversity_metrics(
    ranked: np.ndarray, train: Interactions, vectors: np.ndarray | UnitRows | None
) -> dict[str, Estimate]:
    """Measure what the lists `ranked` (q, K) show altogether.

    coverage: share of all items that any user is shown. gini: of how often each item is shown, 0
    for all equally often, 1 for always the same. novelty: mean self-information in bits, -log2 of
    the share of users who took the item in `train`. intra_list_diversity: 1 minus the mean cosine
    of two items of a list; left out without `vectors` (n, dim) of L2 norm 1.

    Coverage and gini have standard normal intervals, 1.96 deviations of the resamples around the
    value (Efron and Tibshirani 1993, ch. 13): a resample repeats users and so shows fewer items,
    and percentile intervals would lie beside the value (0.452-0.479 for a coverage of 0.569).
    """
    taken = np.bincount(train.item, minlength=train.item_count) + 1.0
    information = np.append(-np.log2(taken / (len(train.users) + 1)), 0)
    shown = ranked >= 0
    lengths = np.maximum(shown.sum(axis=1), 1)
    values = {"novelty": information[ranked].sum(axis=1, where=shown) / lengths}
    if vectors is not None:
        rows = [ranking[ranking >= 0] for ranking in ranked]
        values["intra_list_diversity"] = np.array([_list_diversity(vectors, r) for r in rows])
    return _catalogue_metrics(ranked, train.item_count) | bootstrap_means(values)


def _list_diversity(vectors: np.ndarray | UnitRows, rows: np.ndarray) -> float:
    if len(rows) < 2:
        return 0.0
    total = vectors[rows].sum(axis=0)
    pairs = len(rows) * (len(rows) - 1)
    return float(1 - (total @ total - len(rows)) / pairs)  # the vectors have norm 1


def _catalogue_metrics(ranked: np.ndarray, item_count: int) -> dict[str, Estimate]:
    draw, count = np.random.default_rng(0), len(ranked)

    def coverage_and_gini(rows: np.ndarray) -> tuple[float, float]:
        shown = np.bincount(rows[rows >= 0], minlength=item_count)
        return float((shown > 0).mean()), gini(shown)

    resamples = [
        coverage_and_gini(ranked[draw.integers(0, count, count)]) for _ in range(_RESAMPLES)
    ]
    half_widths = (1.96 * np.std(resamples, axis=0)).tolist()
    names, values = ("coverage", "gini"), coverage_and_gini(ranked)
    return {
        name: Estimate(value, max(0.0, value - half), min(1.0, value + half), count)
        for name, value, half in zip(names, values, half_widths, strict=True)
    }


def gini(counts: np.ndarray) -> float:
    """Gini coefficient: 0 where all counts are equal or zero, (n - 1) / n where one has all."""
    ordered = np.sort(np.asarray(counts, np.float64))
    total, n = ordered.sum(), len(ordered)
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))
