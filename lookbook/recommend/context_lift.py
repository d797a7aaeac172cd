"""How much more an item is taken in a season, for an occasion or within a budget than otherwise.

Learnt from interactions where there are enough, else derived from the catalogue's own attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lookbook.recommend.context import SEASONS, Context
from lookbook.recommend.data import Interactions, Labels
from lookbook.recommend.items import Items
from lookbook.schema.column_names import SEASON_NAMES, USAGE_NAMES

_MATCH, _OPPOSITE, _OTHER_USE = 0.7, -0.7, -0.4  # prior log lifts
_PRIOR_STRENGTH = 50.0  # interactions in a context that weigh as much as the prior
_OVER_BUDGET = 4.0  # log score lost for each e-fold that a price lies over the budget

Lifts = dict[str, np.ndarray]  # value of season or occasion -> log lift of each item (n,)
Prior = Callable[[Items, str], np.ndarray]


class ContextLift:
    """Log lifts of the items for a context; 0 where the context says nothing."""

    def __init__(self, items: Items, season: Lifts, occasion: Lifts) -> None:
        self.items, self.season, self.occasion = items, season, occasion

    @classmethod
    def fit(cls, interactions: Interactions, items: Items) -> ContextLift:
        """Learn from the interactions that have a season or an occasion."""
        return cls(
            items,
            _fit_lifts(interactions, interactions.season, items, season_prior, SEASONS),
            _fit_lifts(interactions, interactions.occasion, items, occasion_prior),
        )

    def log_lift(self, context: Context) -> np.ndarray:
        """float32 (n,): season, occasion and budget together."""
        total = np.zeros(len(self.items), np.float32)
        if (season := context.effective_season) is not None:
            total += self._of_value(self.season, season, season_prior)
        if context.occasion is not None:
            total += self._of_value(self.occasion, context.occasion, occasion_prior)
        if context.budget is not None and self.items.prices is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                over = np.log(self.items.prices / context.budget)
            total -= _OVER_BUDGET * np.nan_to_num(np.clip(over, 0, None))
        return total

    def _of_value(self, lifts: Lifts, value: str, prior: Prior) -> np.ndarray:
        return lifts[value] if value in lifts else prior(self.items, value)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
        """Return arrays and, for each of season and occasion, the values they belong to."""
        parts = {"season": self.season, "occasion": self.occasion}
        arrays = {
            f"{part}.{number}": lift
            for part, lifts in parts.items()
            for number, lift in enumerate(lifts.values())
        }
        return arrays, {part: list(lifts) for part, lifts in parts.items()}

    @classmethod
    def from_state(
        cls, items: Items, arrays: Mapping[str, np.ndarray], values: Mapping[str, list[str]]
    ) -> ContextLift:
        """Restore what `state` returned."""
        season, occasion = (
            {value: arrays[f"{part}.{number}"] for number, value in enumerate(values[part])}
            for part in ("season", "occasion")
        )
        return cls(items, season, occasion)


def season_prior(items: Items, season: str) -> np.ndarray:
    """float32 (n,): log lifts by the catalogue's column of seasons."""
    opposite = SEASONS[(SEASONS.index(season) + 2) % 4]
    return _prior(items, SEASON_NAMES, {season: _MATCH, opposite: _OPPOSITE}, 0.0)


def occasion_prior(items: Items, occasion: str) -> np.ndarray:
    """float32 (n,): log lifts by the catalogue's column of usage."""
    return _prior(items, USAGE_NAMES, {occasion: _MATCH}, _OTHER_USE)


def _prior(
    items: Items, columns: tuple[str, ...], lifts: Mapping[str, float], other: float
) -> np.ndarray:
    name = items.find_column(*columns)
    if name is None:
        return np.zeros(len(items), np.float32)
    values, codes = items.columns[name]
    folded = {key.casefold(): value for key, value in lifts.items()}
    texts = [str(value).casefold() for value in values]
    if not any(text in folded for text in texts):  # a value that this catalogue does not have
        return np.zeros(len(items), np.float32)
    return np.array([folded.get(text, other) for text in texts], np.float32)[codes]


def _fit_lifts(
    interactions: Interactions,
    contexts: Labels | None,
    items: Items,
    prior: Prior,
    allowed: tuple[str, ...] | None = None,
) -> Lifts:
    """log P(item | context) / P(item), smoothed by the lifts of categories and by `prior`.

    The fewer interactions a context has, the more `prior` counts. `contexts` is the season or
    occasion of each interaction, "" for none.
    """
    if contexts is None:
        return {}
    total = np.bincount(interactions.item, minlength=len(items)) + 1.0
    lifts = {}
    for value in filter(None, contexts.distinct()):
        if allowed is not None and value not in allowed:
            continue
        taken = interactions.item[contexts.equal(value)]
        learnt = len(taken) / (len(taken) + _PRIOR_STRENGTH)
        counts = np.bincount(taken, minlength=len(items))
        category = _category_lift(counts, total, items)
        expected_lift = learnt * category + (1 - learnt) * prior(items, value)
        expected = total / total.sum() * len(taken)
        lift = np.log((counts + 5 * np.exp(expected_lift)) / (expected + 5))
        lifts[value] = np.clip(lift, -2, 2).astype(np.float32)
    return lifts


def _category_lift(counts: np.ndarray, total: np.ndarray, items: Items) -> np.ndarray:
    """(n,): the mean over category columns of the log lift of each item's category."""
    lifts = []
    for codes in items.category_codes.values():
        inside, overall = np.bincount(codes, counts), np.bincount(codes, total)
        share = overall / overall.sum()
        lifts.append(np.log((inside + 20 * share) / (inside.sum() + 20) / share)[codes])
    return np.mean(lifts, axis=0) if lifts else np.zeros(len(total))
