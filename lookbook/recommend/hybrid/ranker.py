"""The ranker: a conditional logit over candidate features, fitted on earlier days.

Each user's positives compete with their other candidates (McFadden 1974). A Gaussian prior pulls
the weights towards those given, so that few examples change little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.recommend.data import EMPTY_HISTORY, History, Interactions
from lookbook.recommend.hybrid.candidates import find_candidates
from lookbook.recommend.hybrid.features import candidate_features
from lookbook.recommend.hybrid.item_features import ItemFeatures

STRENGTH = 200.0  # weight of the prior, in examples
_TIME_SPLITS = 3  # earlier moments that the ranker learns at
_AHEAD = 2.0  # days after such a moment whose interactions are the positives
_MAX_USERS = 600  # learnt from at each moment
_NEGATIVES = 120  # sampled candidates that were not taken, for each user


@dataclass(frozen=True)
class Example:
    """One user's candidates: `features` (m, f), and which are `positives`: bool (m,).

    `sampling_weights` (m,): how many candidates each stands for; McFadden's (1978) correction.
    """

    features: np.ndarray
    positives: np.ndarray
    sampling_weights: np.ndarray


def time_splits(interactions: Interactions) -> list[float]:
    """Return the last days that others came before and after, newest first."""
    days = np.unique(np.floor(interactions.day))
    return [float(day) for day in days[2:][::-1][:_TIME_SPLITS]]


def examples_at(
    split: float,
    item_features: ItemFeatures,
    interactions: Interactions,
    random: np.random.Generator,
) -> Iterator[Example]:
    """Yield users with a history before `split`, and what they took in the days after it.

    `item_features` must be those of the interactions before `split`.
    """
    train = interactions.before(split)
    after = interactions.where((interactions.day >= split) & (interactions.day < split + _AHEAD))
    has_history = np.bincount(train.user, minlength=len(train.users)) > 0
    users = np.unique(after.user[has_history[after.user]])
    if len(users) > _MAX_USERS:
        users = np.sort(random.choice(users, _MAX_USERS, replace=False))
    order = np.argsort(after.user, kind="stable")
    sorted_users, taken = after.user[order], after.item[order]
    everything = np.ones(len(item_features.items), bool)
    for user in users:
        start, stop = np.searchsorted(sorted_users, [user, user + 1])
        history = train.history(train.users[user], split) or EMPTY_HISTORY
        rows = find_candidates(item_features, history, everything)
        yield _example(item_features, history, rows, np.unique(taken[start:stop]), random)


def _example(
    item_features: ItemFeatures,
    history: History,
    rows: np.ndarray,
    taken: np.ndarray,
    random: np.random.Generator,
) -> Example:
    """Keep all candidates that were taken before or after, and a sample of the others."""
    own, positives = np.isin(rows, history.distinct_rows), np.isin(rows, taken)
    others = np.flatnonzero(~own & ~positives)
    sample = random.choice(others, min(_NEGATIVES, len(others)), replace=False)
    kept = own | positives
    kept[sample] = True
    weights = np.where(own, 1.0, len(others) / max(1, len(sample)))
    features = candidate_features(item_features, history, rows[kept])
    return Example(features, positives[kept], weights[kept])


def fit_weights(
    examples: Sequence[Example], prior: np.ndarray, strength: float = STRENGTH
) -> np.ndarray:
    """Return weights float64 (f,): the most probable ones given the examples and the prior (f,).

    The penalty is on weights in units of each column's standard deviation, so that scales do not
    matter.
    """
    examples = [e for e in examples if e.positives.any() and not e.positives.all()]
    if not examples:
        return prior.copy()
    features = np.concatenate([e.features for e in examples]).astype(np.float32)
    positives = np.concatenate([e.positives for e in examples]).astype(np.float32)
    sizes = np.array([len(e.positives) for e in examples])
    offsets = np.log(np.concatenate([e.sampling_weights for e in examples])).astype(np.float32)
    spread = np.maximum(features.std(axis=0).astype(np.float64), 1e-6)
    likelihood = _Likelihood(features, positives, offsets, sizes)
    return _maximum_a_posteriori(likelihood, prior, spread**2 * strength)


def _maximum_a_posteriori(
    likelihood: _Likelihood, prior: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def cost(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = likelihood(weights)
        away = weights - prior
        return -value + 0.5 * precision @ away**2, -gradient + precision * away

    options = {"maxiter": 100, "ftol": 1e-6}
    with threadpool_limits(1, "blas"):  # the vectors are short
        return minimize(cost, prior, jac=True, method="L-BFGS-B", options=options).x


class _Likelihood:
    """Log-likelihood of the examples and its gradient; users with many positives count less."""

    def __init__(
        self, features: np.ndarray, positives: np.ndarray, offsets: np.ndarray, sizes: np.ndarray
    ) -> None:
        self.features, self.positives, self.offsets = features, positives, offsets
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.example = np.repeat(np.arange(len(sizes)), sizes)
        self.count = np.add.reduceat(positives, self.starts)
        self.weight = 1 / np.sqrt(self.count)

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = self.features @ weights.astype(np.float32) + self.offsets
        scores -= np.maximum.reduceat(scores, self.starts)[self.example]
        exponentials = np.exp(scores)
        total = np.add.reduceat(exponentials, self.starts)
        gained = np.add.reduceat(self.positives * scores, self.starts)
        gained = gained - self.count * np.log(total)
        residual = self.positives - exponentials * (self.count / total)[self.example]
        gradient = (residual * self.weight[self.example]) @ self.features
        return float(self.weight @ gained), gradient.astype(np.float64)
