"""Measures of ranked lists with several right answers each, and of what they show altogether."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookbook.evaluation.metrics import Estimate, bootstrap_means
from lookbook.recommend.data import Interactions

K = 12
_ACCURACY = ("precision", "recall", "f1", "hit", "map", "ndcg", "accuracy")
_DIVERSITY = ("coverage", "gini", "novelty", "intra_list_diversity")
_RESAMPLES = 200  # of the two measures that are not means over people
MEASURES = (*(f"{name}@{K}" for name in _ACCURACY), *_DIVERSITY)


class Leakage(ValueError):  # noqa: N818
    """What a model is asked for was in what it was fitted on."""


def guard(fitted: Interactions, asked: Interactions) -> None:
    """Raise Leakage unless all that is asked for happened after all that a model was fitted on."""
    if len(fitted) and len(asked) and asked.day.min() <= fitted.day.max():
        raise Leakage(
            f"the test part begins on day {asked.day.min():g}, but the fit part has day "
            f"{fitted.day.max():g}: split by time"
        )


def hits_of(ranked: np.ndarray, wanted: Sequence[set[int]]) -> np.ndarray:
    """bool (q, k): which of `ranked` (q, k), rows of items or -1 for none, were wanted."""
    pairs = zip(ranked.tolist(), wanted, strict=True)
    return np.array([[row in want for row in rows] for rows, want in pairs]).reshape(ranked.shape)


def accuracy_figures(
    ranked: np.ndarray,
    people: Sequence[str],
    wanted: Sequence[set[int]],
    fitted: Interactions,
    asked: Interactions,
) -> dict[str, Estimate]:
    """precision, recall, F1, hit rate, MAP, nDCG and accuracy at K, means over people.

    `ranked` (q, K) are rows of items, -1 where a model had no more to say; `wanted` the right
    answers of each of `people`, at least one. Raises Leakage where an answer is not among what
    happened in `asked`, or `asked` is not later than `fitted`.
    """
    guard(fitted, asked)
    _asked_for(people, wanted, asked)
    hits = hits_of(ranked, wanted).astype(np.float64)
    count = np.array([len(w) for w in wanted], np.float64)
    found = hits.sum(axis=1)
    precision, recall = found / K, found / count
    both = precision + recall
    at = hits.cumsum(axis=1) / np.arange(1, K + 1)
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = discount.cumsum()[np.minimum(count, K).astype(int) - 1]
    values = {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / np.where(both > 0, both, 1),
        "hit": (found > 0).astype(float),
        "map": (at * hits).sum(axis=1) / np.minimum(count, K),
        "ndcg": hits @ discount / ideal,
        "accuracy": 1 - ((ranked >= 0).sum(axis=1) + count - 2 * found) / fitted.item_count,
    }
    return {f"{name}@{K}": f for name, f in bootstrap_means(values).items()}


def _asked_for(people: Sequence[str], wanted: Sequence[set[int]], asked: Interactions) -> None:
    there = set(zip(asked.user.tolist(), asked.item.tolist(), strict=True))
    number = {name: i for i, name in enumerate(asked.users)}
    for person, rows in zip(people, wanted, strict=True):
        if not rows:
            raise ValueError(f"{person!r} has no right answer, and cannot be measured")
        if lost := [row for row in rows if (number.get(person), row) not in there]:
            raise Leakage(f"item {lost[0]} of {person!r} is not in the test part")


def diversity_figures(
    ranked: np.ndarray, fitted: Interactions, vectors: np.ndarray | None
) -> dict[str, Estimate]:
    """What the lists show altogether.

    coverage: share of all items that anybody is shown. gini: 0 where all items are shown equally
    often, 1 where it is always the same. novelty: mean bits of surprise, -log2 of the share of
    people who took an item before. intra_list_diversity: 1 minus the mean cosine of two pictures of
    one list (where there are `vectors`).

    A resample repeats people, so it shows fewer items than they do, and the quantiles of coverage
    and gini lie beside the value (0.569 of a catalogue: 0.452-0.479). Theirs is the standard normal
    interval, 1.96 deviations of the resamples around the value (Efron and Tibshirani 1993, ch. 13).
    """
    taken = np.bincount(fitted.item, minlength=fitted.item_count) + 1.0
    surprise = np.append(-np.log2(taken / (len(fitted.users) + 1)), 0)
    shown = ranked >= 0
    some = np.maximum(shown.sum(axis=1), 1)
    values = {"novelty": surprise[ranked].sum(axis=1, where=shown) / some}
    if vectors is not None:
        values["intra_list_diversity"] = np.array([_spread(vectors, r[r >= 0]) for r in ranked])
    return _exposure(ranked, fitted.item_count) | bootstrap_means(values)


def _spread(vectors: np.ndarray, rows: np.ndarray) -> float:
    if len(rows) < 2:
        return 0.0
    total = vectors[rows].sum(axis=0)
    pairs = len(rows) * (len(rows) - 1)
    return float(1 - (total @ total - len(rows)) / pairs)  # vectors have length 1


def _exposure(ranked: np.ndarray, items: int) -> dict[str, Estimate]:
    draw, count = np.random.default_rng(0), len(ranked)

    def both(rows: np.ndarray) -> tuple[float, float]:
        shown = np.bincount(rows[rows >= 0], minlength=items)
        return float((shown > 0).mean()), gini(shown)

    again = [both(ranked[draw.integers(0, count, count)]) for _ in range(_RESAMPLES)]
    reach = 1.96 * np.std(again, axis=0)
    return {
        name: Estimate(value, max(0.0, value - far), min(1.0, value + far), count)
        for name, value, far in zip(("coverage", "gini"), both(ranked), reach.tolist(), strict=True)
    }


def gini(counts: np.ndarray) -> float:
    """0 where all counts are equal, (n - 1) / n where one has all; 0 where all are zero."""
    ordered = np.sort(np.asarray(counts, np.float64))
    total, n = ordered.sum(), len(ordered)
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))
