"""How much more an item is taken in a season, for an occasion, within a budget: learnt where data
says so, else by the catalogue's own words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lookbook.recommend.context import SEASONS, Context
from lookbook.recommend.data import Interactions
from lookbook.recommend.items import Items

_SEASON_COLUMNS = ("season",)
_OCCASION_COLUMNS = ("usage", "occasion")
_OWN, _OPPOSITE, _OTHER_USE = 0.7, -0.7, -0.4  # log factors where nothing was learnt yet
_TRUST = 50.0  # interactions in a context that weigh as much as the words of the catalogue
_OVER_BUDGET = 4.0  # log score lost for each e-fold that a price lies over the budget

Learnt = dict[str, np.ndarray]  # value of season or occasion -> log factor of each item (n,)


class ContextLift:
    """Log factors of the items for a context; 0 where the context says nothing."""

    def __init__(self, items: Items, season: Learnt, occasion: Learnt) -> None:
        self.items, self.season, self.occasion = items, season, occasion

    @classmethod
    def learnt(cls, interactions: Interactions, items: Items) -> ContextLift:
        """From interactions that tell their season or occasion."""
        return cls(
            items,
            _lifts(interactions, interactions.season, items, season_words),
            _lifts(interactions, interactions.occasion, items, occasion_words),
        )

    def of(self, context: Context) -> np.ndarray:
        """float32 (n,): season or weather, occasion and budget together."""
        total = np.zeros(len(self.items), np.float32)
        if (season := context.weather) is not None:
            total += _effect(self.season, season, self.items, season_words)
        if context.occasion is not None:
            total += _effect(self.occasion, context.occasion, self.items, occasion_words)
        if context.budget is not None and self.items.prices is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                over = np.log(self.items.prices / context.budget)
            total -= _OVER_BUDGET * np.nan_to_num(np.clip(over, 0, None))
        return total

    def state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Arrays and their names, for a file."""
        kinds = {"season": self.season, "occasion": self.occasion}
        arrays = {
            f"{kind}.{place}": lift
            for kind, learnt in kinds.items()
            for place, lift in enumerate(learnt.values())
        }
        return arrays, {kind: list(learnt) for kind, learnt in kinds.items()}

    @classmethod
    def restored(
        cls, items: Items, arrays: Mapping[str, np.ndarray], names: Mapping[str, list[str]]
    ) -> ContextLift:
        """What `state` gave."""
        parts = [
            {value: arrays[f"{kind}.{place}"] for place, value in enumerate(names[kind])}
            for kind in ("season", "occasion")
        ]
        return cls(items, *parts)


def season_words(items: Items, season: str) -> np.ndarray:
    """What the catalogue's column of seasons says: float32 (n,)."""
    return _by_words(
        items,
        _SEASON_COLUMNS,
        {season: _OWN, SEASONS[(SEASONS.index(season) + 2) % 4]: _OPPOSITE},
        0.0,
    )


def occasion_words(items: Items, occasion: str) -> np.ndarray:
    """What the catalogue's column of usage says: float32 (n,)."""
    return _by_words(items, _OCCASION_COLUMNS, {occasion: _OWN}, _OTHER_USE)


def _by_words(
    items: Items, columns: tuple[str, ...], factors: Mapping[str, float], rest: float
) -> np.ndarray:
    name = items.named(*columns)
    if name is None:
        return np.zeros(len(items), np.float32)
    values, codes = items.columns[name]
    folded = {key.casefold(): value for key, value in factors.items()}
    known = [folded.get(str(v).casefold(), rest) for v in values]
    if not any(str(v).casefold() in folded for v in values):
        known = [0.0] * len(values)  # a word that this catalogue does not use
    return np.array(known, np.float32)[codes]


def _effect(learnt: Learnt, value: str, items: Items, words: object) -> np.ndarray:
    return learnt[value] if value in learnt else words(items, value)  # type: ignore[operator]


def _lifts(
    interactions: Interactions, told: np.ndarray | None, items: Items, words: object
) -> Learnt:
    """log P(item | context) / P(item), kinds lending to items, words where both are few."""
    if told is None:
        return {}
    total = np.bincount(interactions.item, minlength=len(items)) + 1.0
    found = {}
    for value in np.unique(told[told != ""]):
        if words is season_words and value not in SEASONS:
            continue
        inside = interactions.item[told == value]
        share = len(inside) / (len(inside) + _TRUST)
        counts = np.bincount(inside, minlength=len(items))
        kinds = _kind_lift(counts, total, items)
        prior = share * kinds + (1 - share) * words(items, str(value))  # type: ignore[operator]
        expected = total / total.sum() * len(inside)
        lift = np.log((counts + 5 * np.exp(prior)) / (expected + 5))
        found[str(value)] = np.clip(lift, -2, 2).astype(np.float32)
    return found


def _kind_lift(counts: np.ndarray, total: np.ndarray, items: Items) -> np.ndarray:
    """The mean over the columns of kinds of how much more each value is taken here: (n,)."""
    lifts = []
    for codes in items.kinds.values():
        here, all_ = np.bincount(codes, counts), np.bincount(codes, total)
        share = all_ / all_.sum()
        lifts.append(np.log((here + 20 * share) / (here.sum() + 20) / share)[codes])
    return np.mean(lifts, axis=0) if lifts else np.zeros(len(total))
