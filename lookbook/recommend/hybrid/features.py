"""From the signals and one history to a row of numbers for each candidate."""

from __future__ import annotations

import numpy as np

from lookbook.recommend.baselines.visual import nearest_interest
from lookbook.recommend.data import History
from lookbook.recommend.hybrid.item_features import Signals

FEW = 800  # up to so many items that can be shown, all of them are candidates
_FROM_FACTORS, _FROM_POPULARITY, _FROM_KNN = 150, 100, 100

# What each piece of evidence weighs before anything is learnt; attributes are `kind:COLUMN`.
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
    "popular among lookalikes": 0.1,
    "looks like yours": 0.5,
    "looks much like yours": 1.0,
    "far from your prices": -0.2,
}
KIND, KIND_PRIOR = "kind:", 0.15


def names(signals: Signals) -> list[str]:
    """What the columns of `evidence` are called."""
    return [*PRIOR, *(KIND + name for name in signals.items.kinds)]


def prior(signals: Signals) -> np.ndarray:
    """float64 (f,): the weights before anything is learnt."""
    return np.array([PRIOR.get(name, KIND_PRIOR) for name in names(signals)])


def candidates(signals: Signals, history: History, allowed: np.ndarray) -> np.ndarray:
    """Rows worth ranking for this person, distinct: from every source, all of them `allowed`."""
    rows = np.flatnonzero(allowed)
    if len(rows) <= FEW:
        return rows
    popular = signals.by_popularity
    found = [popular[allowed[popular]][:_FROM_POPULARITY]]
    if len(history):
        scores = signals.factors.scores([history])[0]
        found += [history.known, top(np.where(allowed, scores, -np.inf), _FROM_FACTORS)]
        columns, sums = signals.knn.sums(history)
        found.append(columns[np.argsort(-sums)[:_FROM_KNN]])
        found.append(
            np.flatnonzero(np.isin(signals.items.product_groups, _families(signals, history)))
        )
        found += _of_own_kinds(signals, history)
        if signals.visual_neighbours is not None:
            found.append(signals.visual_neighbours[history.known].ravel())
    rows = np.unique(np.concatenate(found))
    return rows[allowed[rows]]


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Rows of the k highest finite scores, in no particular order."""
    rows = np.flatnonzero(np.isfinite(scores))  # partitioning slows down where most are equal
    if len(rows) <= k:
        return rows
    return rows[np.argpartition(scores[rows], len(rows) - k)[len(rows) - k :]]


def _families(signals: Signals, history: History) -> np.ndarray:
    return signals.items.product_groups[history.known]


def _of_own_kinds(signals: Signals, history: History) -> list[np.ndarray]:
    """The most popular of the kinds that hold most of the history."""
    found = []
    for name, codes in signals.items.kinds.items():
        most = int(np.bincount(codes[history.rows]).argmax())
        found.append(signals.best_of_kind[name][most])
    return found


def evidence(signals: Signals, history: History, rows: np.ndarray) -> np.ndarray:
    """float32 (m, f): a number for each of `names` and each of `rows`, on scales of about one."""
    s, zero = signals, np.zeros(len(rows), np.float32)
    columns = dict.fromkeys(PRIOR, zero) | {
        "popular now": s.popular[rows] + s.tiebreak[rows],
        "popular for long": s.lasting[rows],
        "rising": s.trend[rows],
        "just appeared": s.fresh[rows],
        "nobody yet": s.cold[rows],
        "popular in other colours": s.family[rows],
        "popular among lookalikes": s.lent[rows],
    }
    if len(history):
        own = np.isin(rows, history.known)
        columns |= _again(s, history, rows, own)
        columns |= _collaborative(s, history, rows, own)
        columns |= _likeness(s, history, rows, own)
        columns["far from your prices"] = _price_gap(s, history, rows)
    kinds = [
        _affinity(codes, s.arrays[f"share of {name}"], history)[codes[rows]]
        for name, codes in s.items.kinds.items()
    ]
    return np.column_stack([*columns.values(), *kinds]).astype(np.float32)


def _again(s: Signals, history: History, rows: np.ndarray, own: np.ndarray) -> dict:
    last = np.full(len(s.items), np.inf, np.float32)
    np.minimum.at(last, history.rows, history.ages)
    times = np.bincount(history.rows, minlength=len(s.items))
    return {
        "again": own,
        "again lately": np.exp(-np.maximum(last[rows] - 1, 0)) * own,
        "again often": np.log(np.maximum(times[rows], 1)),
        "again as others do": 5 * s.rebuy[rows] * own,
    }


def _collaborative(s: Signals, history: History, rows: np.ndarray, own: np.ndarray) -> dict:
    person = s.factors.person(history)
    scores = np.where(own, 0, s.factors.factors[rows] @ person)
    spread = float(np.std(scores)) + 1e-6
    columns, sums = s.knn.sums(history)
    together = np.zeros(len(s.items), np.float32)
    together[columns] = sums
    together[history.known] -= 1  # an item is taken together with itself
    together = np.log1p(20 * np.maximum(together[rows], 0))
    return {
        "again, and fits the rest": together * own,
        "again, as people like you": 5 * np.maximum(s.factors.factors[rows] @ person, 0) * own,
        "people like you": np.clip(scores / spread, -2, 8) / 2,
        "people like you, strongly": 5 * np.maximum(scores, 0),
        "taken together": together * ~own,
    }


def _likeness(s: Signals, history: History, rows: np.ndarray, own: np.ndarray) -> dict:
    family = np.isin(s.items.product_groups[rows], _families(s, history)) & ~own
    found = {"other colour": family}
    if s.items.vectors is not None:
        near = np.where(own, 0, nearest_interest(s.items.vectors[rows], history, s.items.vectors))
        found["looks like yours"] = near
        found["looks much like yours"] = np.maximum(near, 0) ** 8
    return found


def _price_gap(s: Signals, history: History, rows: np.ndarray) -> np.ndarray:
    mine = s.price[history.rows]
    if not np.isfinite(mine).any():
        return np.zeros(len(rows), np.float32)
    return np.nan_to_num(np.abs(s.price[rows] - np.nanmean(mine)))


def _affinity(codes: np.ndarray, share: np.ndarray, history: History) -> np.ndarray:
    """log of how much more of each value this history holds than all of them, smoothed."""
    mine = np.bincount(codes[history.rows], history.weights, len(share))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (mine + 3 * share) / ((mine.sum() + 3) * share)
    return np.log(np.where(share > 0, ratio, 1))
