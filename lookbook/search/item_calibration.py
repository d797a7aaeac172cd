"""The probability that a result for an item of the catalogue is of the item's kind.

The curve of `calibration` knows the score alone and is fitted on the order of the vectors. What a
page shows for an item is ordered by votes on kind and colour as well (`rerank`): its first results
are of the right kind more often than their scores say. So the probability is a logistic regression
on the score and on what the votes go by, the kinds of the nearest pieces, fitted for each index on
what the same search gives for a sample of its own items. Its error is measured on queries that it
was not fitted on and stored with it; above MAX_ERROR nothing is said.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookbook.search.calibration import calibration, kind_column
from lookbook.search.index import Hit, Index
from lookbook.search.intents import item_as_query
from lookbook.search.per_index import per_index
from lookbook.search.product_groups import product_groups
from lookbook.search.rerank import order_key, search_reranked, shown_item

MAX_ERROR = 0.1  # calibration error above which results get no probability
SHOWN = 24  # results of a first page: what is fitted and measured
NEIGHBOURS = 24  # nearest pieces, whose kinds count
_SHARPNESS = 20.0  # a neighbour whose cosine is lower by 0.05 counts 1/e
_SAMPLE, _MIN_QUERIES = 300, 20
_FOLDS, _BINS, _PENALTY = 5, 10, 1e-3
KEY = "items"  # in calibration.json


@dataclass(frozen=True)
class ItemCalibration:
    """A logistic regression on a result's score and the logit of the share of its kind.

    `revision` is the `rerank.order_key` of the results that it was fitted to.
    `error` is the expected calibration error and `brier` the Brier score of the results of
    `queries`, each predicted by a regression that was fitted to other queries.
    """

    revision: str | None
    score: float
    kind_share: float
    intercept: float
    error: float
    brier: float
    queries: int

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return float (m,), the probabilities of results with `features` (m, 2)."""
        return logistic(features, np.array([self.score, self.kind_share]), self.intercept)

    @classmethod
    def from_json(cls, value: object) -> ItemCalibration | None:
        """Read what `asdict` gave, None from None; raises ValueError for anything else."""
        if value is None:
            return None
        names = set(cls.__dataclass_fields__)
        if not isinstance(value, Mapping) or set(value) != names:
            raise ValueError(f"expected {', '.join(sorted(names))}")
        revision, queries = value["revision"], value["queries"]
        numbers = {name: value[name] for name in names - {"revision", "queries"}}
        if not isinstance(revision, str | None) or type(queries) is not int:
            raise ValueError(f"expected a revision and a count, found {revision!r}, {queries!r}")
        # an integer may be too large for a float, and nan compares to nothing
        limit = sys.float_info.max
        if not all(type(n) in (int, float) and abs(n) <= limit for n in numbers.values()):
            raise ValueError(f"expected finite numbers, found {numbers}")
        return cls(revision=revision, queries=queries, **{n: float(v) for n, v in numbers.items()})


@per_index
def item_calibration(index: Index) -> ItemCalibration | None:
    """Return that of an index, None where nothing can be said; raises IndexCorrupt.

    The stored one where this machine re-ranks as the one did that built the index, else it is
    fitted now.
    """
    holds, stored = _of_index(index)
    return stored if holds else fit(index)


def is_stored(index: Index) -> bool:
    """Whether opening the index fits nothing: what is stored holds, or nothing can be said."""
    return _of_index(index)[0]


def kept_or_fitted(
    index: Index, file: Mapping[str, Any], *, seed: int = 0
) -> ItemCalibration | None:
    """Return that in a `file`, calibration.json of the generation that `index` updates.

    Fitted anew where that says nothing of items, or results are in another order since.
    """
    try:
        known, stored = _stored(file)
    except ValueError:  # of a version whose calibration had other numbers
        known, stored = False, None
    return stored if known and _holds(stored, index) else fit(index, seed=seed)


def _of_index(index: Index) -> tuple[bool, ItemCalibration | None]:
    """Return whether what is stored holds, and what that is: None without a curve of kinds."""
    if (curve := calibration(index)) is None or curve.kind is None:
        return True, None
    known, stored = index.generation.read_json("calibration.json", _stored) or (False, None)
    return known and _holds(stored, index), stored


def _stored(value: Any) -> tuple[bool, ItemCalibration | None]:
    """Return whether a file says it, and what; raises ValueError. Earlier versions do not."""
    return KEY in value, ItemCalibration.from_json(value.get(KEY))


def _holds(stored: ItemCalibration | None, index: Index) -> bool:
    """Whether results are still in the order that a calibration was fitted to."""
    return stored is None or stored.revision == order_key(index)


def fit(index: Index, *, sample: int = _SAMPLE, seed: int = 0) -> ItemCalibration | None:
    """Fit to the first page of `sample` items as queries.

    None without a column of kinds, or with too few items of a known kind.
    """
    if (kinds := _kinds(index)) is None:
        return None
    rows = np.flatnonzero((index.duplicate_groups == np.arange(len(index))) & (kinds >= 0))
    rows = np.random.default_rng(seed).permutation(rows)[:sample]
    pages = [_results(index, row, kinds) for row in rows.tolist()]
    pages = [(x, y) for x, y in pages if len(y)]
    if len(pages) < _MIN_QUERIES:
        return None
    x, y = np.concatenate([x for x, _ in pages]), np.concatenate([y for _, y in pages])
    predicted = _cross_validated(x, y, np.repeat(np.arange(len(pages)), [len(y) for _, y in pages]))
    score, kind_share, intercept = _fitted(x, y).round(4).tolist()
    error = round(calibration_error(predicted, y), 4)
    brier = round(float(((predicted - y) ** 2).mean()), 4)
    revision = order_key(index)
    return ItemCalibration(revision, score, kind_share, intercept, error, brier, len(pages))


def _cross_validated(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return float (m,): each result's probability by a regression on other queries' results.

    `query` int (m,) numbers the query of each result.
    """
    predicted = np.zeros(len(y))
    for fold in range(_FOLDS):
        held_out = query % _FOLDS == fold
        *weights, intercept = _fitted(x[~held_out], y[~held_out])
        predicted[held_out] = logistic(x[held_out], np.array(weights), intercept)
    return predicted


def _results(index: Index, row: int, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the features (m, 2) and bool (m,), of the item's kind, of what a page shows first."""
    hits = served(index, index.ids[row])
    shown = kinds[[hit.row for hit in hits]] if hits else np.zeros(0, np.int64)
    known = shown >= 0
    return features(index, index.ids[row], hits, kinds)[known], (shown == kinds[row])[known]


def served(index: Index, id: str) -> list[Hit]:
    """Return what `query.run` answers to an item alone: a test compares them."""
    vector, products = item_as_query(index, id, "item"), product_groups(index)
    own = _own_rows(index, id)
    shown = shown_item(index, (), id)
    if shown is None or index.manifest.metric != "angular":
        return index.search_rows(vector, SHOWN, None, own, products, "item")
    return search_reranked(index, vector, shown, SHOWN, None, own, products, "item")


def features(index: Index, id: str, hits: Sequence[Hit], kinds: np.ndarray) -> np.ndarray:
    """Return float (m, 2): the score of each hit and the logit of the share of its kind.

    That of the nearest pieces of the whole catalogue, the nearer the more, whatever filters hold
    and however many hits are asked for.
    """
    vector, groups = item_as_query(index, id, "item"), index.duplicate_groups
    own = _own_rows(index, id)
    near, scores = index.rank_rows(vector, NEIGHBOURS, None, own, groups, "item")
    shown = np.array([kinds[hit.row] for hit in hits], np.int64)
    shares = kind_shares(scores, kinds[near], shown, _SHARPNESS)
    return np.column_stack([[hit.score for hit in hits], logit(shares)])


def _own_rows(index: Index, id: str) -> np.ndarray:
    return np.flatnonzero(index.duplicate_groups == index.duplicate_groups[index.row_of(id)])


@per_index
def _kinds(index: Index) -> np.ndarray | None:
    """Return int (n,), each item's kind by number, -1 if unknown; None without such a column."""
    column = kind_column(index.columns)
    if column is None:
        return None
    values, codes = index.categorical_codes(column)
    unknown = np.array([value is None for value in values], bool)
    return np.where(unknown[codes], -1, codes)


def kind_probabilities(id: str, hits: Sequence[Hit], index: Index) -> list[float | None] | None:
    """Return for each hit of an item alone the probability that it is of the item's kind.

    None for a hit without a kind, and instead of the list where nothing says it well enough.
    """
    fitted, kinds = item_calibration(index), _kinds(index)
    if fitted is None or fitted.error > MAX_ERROR or kinds is None:
        return None
    probabilities = fitted(features(index, id, hits, kinds)).tolist()
    return [p if kinds[hit.row] >= 0 else None for p, hit in zip(probabilities, hits, strict=True)]


def kind_shares(
    scores: np.ndarray, kinds: np.ndarray, shown: np.ndarray, sharpness: float
) -> np.ndarray:
    """Return float (m,): the share of the nearest pieces that are of each kind of `shown` (m,).

    `scores` and `kinds` (k,) of the nearest pieces, of which each counts exp(`sharpness` x score).
    """
    if not len(scores):
        return np.zeros(len(shown))
    votes = np.exp(sharpness * (scores - scores.max()))
    return np.asarray((shown[:, None] == kinds) @ votes / votes.sum())


def logit(shares: np.ndarray) -> np.ndarray:
    """Logits of shares, which are kept a little away from 0 and 1."""
    inside = np.clip(shares, 0.005, 0.995)
    return np.asarray(np.log(inside / (1 - inside)))


def logistic(features: np.ndarray, weights: np.ndarray, intercept: float) -> np.ndarray:
    """Return float (m,), what a logistic regression gives for `features` (m, f)."""
    return np.asarray(1 / (1 + np.exp(-(features @ weights + intercept))))


def calibration_error(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Return the mean distance of predicted from observed shares, by tenths of the predicted."""
    bin_of = np.minimum((predicted * _BINS).astype(int), _BINS - 1).ravel()
    gap = np.abs(np.bincount(bin_of, (predicted - observed).ravel(), _BINS))
    return float(gap.sum() / predicted.size)


def _fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights (2,) and the intercept of a logistic regression, a little shrunk.

    No weight is negative: what is closer, or of a kind that more of the nearest are of, is never
    worth less.
    """
    from scipy.optimize import minimize

    mean, scale = x.mean(0), np.maximum(x.std(0), 1e-6)
    inputs = (x - mean) / scale

    def loss(parts: np.ndarray) -> float:
        values = inputs @ parts[:-1] + parts[-1]
        return float((np.logaddexp(0, values) - y * values).mean() + _PENALTY * (parts**2).sum())

    bounds = [(0, None)] * x.shape[1] + [(None, None)]
    parts = minimize(loss, np.zeros(x.shape[1] + 1), method="L-BFGS-B", bounds=bounds).x
    weights = parts[:-1] / scale
    return np.append(weights, parts[-1] - weights @ mean)
