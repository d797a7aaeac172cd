"""The features of each candidate for one user, and their weights before anything is learnt."""

from __future__ import annotations

import numpy as np

from lookbook.recommend.baselines.visual import nearest_interest
from lookbook.recommend.data import History
from lookbook.recommend.hybrid.item_features import ItemFeatures

# Prior weight of each feature. The names are keys of saved models; those of category columns are
# `kind:COLUMN`.
PRIOR = {
    "again": 5.5,
    "again lately": 0.3,
    "again often": 0.3,
    "again as others do": 0.0,
    "again, and fits the rest": 0.3,
    "again, as people like you": 0.0,
    "people like you": 1.5,
    "people like you, strongly": 0.4,
    "taken together": 0.3,
    "popular now": 0.3,
    "popular for long": 0.2,
    "rising": 0.1,
    "just appeared": 0.2,
    "nobody yet": 0.0,
    "other colour": 1.5,
    "popular in other colours": 0.1,
    "popular among visual neighbours": 0.1,
    "looks like yours": 0.5,
    "looks much like yours": 1.0,
    "far from your prices": -0.2,
}
CATEGORY_PREFIX, CATEGORY_PRIOR = "kind:", 0.15

Columns = dict[str, np.ndarray]  # name of a feature -> its value for each of m candidates


def feature_names(item_features: ItemFeatures) -> list[str]:
    """Return the names of the columns of `candidate_features`."""
    return [*PRIOR, *(CATEGORY_PREFIX + name for name in item_features.items.category_codes)]


def prior_weights(item_features: ItemFeatures) -> np.ndarray:
    """float64 (f,): the weights before anything is learnt."""
    return np.array([PRIOR.get(name, CATEGORY_PRIOR) for name in feature_names(item_features)])


def candidate_features(
    item_features: ItemFeatures, history: History, rows: np.ndarray
) -> np.ndarray:
    """float32 (m, f): the `feature_names` of each of `rows` (m,), on scales of about one."""
    f, zero = item_features, np.zeros(len(rows), np.float32)
    columns = dict.fromkeys(PRIOR, zero) | {
        "popular now": f.popularity[rows] + f.tiebreak[rows],
        "popular for long": f.long_term_popularity[rows],
        "rising": f.trend[rows],
        "just appeared": f.recency[rows],
        "nobody yet": f.cold[rows],
        "popular in other colours": f.group_popularity[rows],
        "popular among visual neighbours": f.neighbour_popularity[rows],
    }
    if len(history):
        own = np.isin(rows, history.distinct_rows)
        columns |= _repeat_features(f, history, rows, own)
        columns |= _collaborative_features(f, history, rows, own)
        columns |= _visual_features(f, history, rows, own)
        columns["far from your prices"] = _price_gap(f, history, rows)
    categories = [
        _affinity(codes, f.category_shares[name], history)[codes[rows]]
        for name, codes in f.items.category_codes.items()
    ]
    return np.column_stack([*columns.values(), *categories]).astype(np.float32)


def _repeat_features(
    f: ItemFeatures, history: History, rows: np.ndarray, own: np.ndarray
) -> Columns:
    """Features of items that the user took before: `own`, bool (m,)."""
    last = np.full(len(f.items), np.inf, np.float32)
    np.minimum.at(last, history.rows, history.ages)
    times = np.bincount(history.rows, minlength=len(f.items))
    return {
        "again": own,
        "again lately": np.exp(-np.maximum(last[rows] - 1, 0)) * own,
        "again often": np.log(np.maximum(times[rows], 1)),
        "again as others do": 5 * f.rebuy_rate[rows] * own,
    }


def _collaborative_features(
    f: ItemFeatures, history: History, rows: np.ndarray, own: np.ndarray
) -> Columns:
    """Features from the factors and from item KNN."""
    user_vector = f.factors.user_vector(history)
    all_scores = f.factors.factors[rows] @ user_vector
    scores = np.where(own, 0, all_scores)
    spread = float(np.std(scores)) + 1e-6
    neighbours, sums = f.knn.neighbour_scores(history)
    together = np.zeros(len(f.items), np.float32)
    together[neighbours] = sums
    together[history.distinct_rows] -= 1  # an item is a neighbour of itself
    together = np.log1p(20 * np.maximum(together[rows], 0))
    return {
        "again, and fits the rest": together * own,
        "again, as people like you": 5 * np.maximum(all_scores, 0) * own,
        "people like you": np.clip(scores / spread, -2, 8) / 2,
        "people like you, strongly": 5 * np.maximum(scores, 0),
        "taken together": together * ~own,
    }


def _visual_features(
    f: ItemFeatures, history: History, rows: np.ndarray, own: np.ndarray
) -> Columns:
    """Features from product groups and vectors."""
    groups = f.items.product_groups
    columns = {"other colour": np.isin(groups[rows], groups[history.distinct_rows]) & ~own}
    if f.items.vectors is not None:
        cosines = nearest_interest(f.items.vectors[rows], history, f.items.vectors)
        cosines = np.where(own, 0, cosines)
        columns["looks like yours"] = cosines
        columns["looks much like yours"] = np.maximum(cosines, 0) ** 8
    return columns


def _price_gap(f: ItemFeatures, history: History, rows: np.ndarray) -> np.ndarray:
    """(m,): absolute log ratio to the mean price of the history, 0 where unknown."""
    paid = f.log_prices[history.rows]
    if not np.isfinite(paid).any():
        return np.zeros(len(rows), np.float32)
    return np.nan_to_num(np.abs(f.log_prices[rows] - np.nanmean(paid)))


def _affinity(codes: np.ndarray, share: np.ndarray, history: History) -> np.ndarray:
    """Log of how much more of each category this history holds than all of them, smoothed."""
    own = np.bincount(codes[history.rows], history.weights, len(share))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (own + 3 * share) / ((own.sum() + 3) * share)
    return np.log(np.where(share > 0, ratio, 1))
