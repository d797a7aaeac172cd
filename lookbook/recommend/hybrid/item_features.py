"""What is known of every item at one moment: the evidence that the hybrid weighs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lookbook.index.engines.annoy import ExactEngine
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.baselines.product_group_als import ProductGroupALS
from lookbook.recommend.context_lift import ContextLift
from lookbook.recommend.data import Interactions
from lookbook.recommend.items import Items

LOOKALIKES = 20  # visual neighbours kept of each item
_OF_KIND = 30  # most popular items kept of each value of a kind
_BLOCK = 1024
_SHORT, _LONG = 1.0, 5.0  # half-lives of popularity in days
_LENDERS = 10  # lookalikes that lend a new item their history


@dataclass
class Signals:
    """Arrays over the n items, and the two collaborative models.

    `popular` and `lasting`: log share of the interactions relative to an even share, with half-
    lives of one and five days; `trend`: the last day against all; `family`: log share of the other
    colours; `lent`: that of lookalikes; `fresh`: 1 for what appeared on the last day, falling;
    `cold`: nobody took it yet; `events`: how many there are; `tiebreak`: next to nothing, so that
    equals do not come in the order of the catalogue; `rebuy`: share of people who took it again;
    `price`: log, nan if unknown; `share of COLUMN`: of the interactions, for each value of a kind.
    """

    items: Items
    factors: ProductGroupALS
    knn: ItemKNN
    effects: ContextLift
    visual_neighbours: np.ndarray | None
    arrays: dict[str, np.ndarray]

    @classmethod
    def seen(
        cls, interactions: Interactions, items: Items, visual_neighbours: np.ndarray | None
    ) -> Signals:
        """Everything that `interactions` tell of `items`."""
        arrays = _counted(interactions, items)
        arrays["lent"] = _lent(arrays["lasting"], visual_neighbours)
        return cls(
            items,
            ProductGroupALS().fit(interactions, items),
            ItemKNN().fit(interactions, items),
            ContextLift.learnt(interactions, items),
            visual_neighbours,
            arrays,
        )

    @cached_property
    def by_popularity(self) -> np.ndarray:
        """int64 (n,): all rows, the most popular now first."""
        return np.argsort(-(self.popular + self.tiebreak), kind="stable")

    @cached_property
    def best_of_kind(self) -> dict[str, list[np.ndarray]]:
        """{column: for each of its values the rows of its most popular items}."""
        order = self.by_popularity
        found = {}
        for name, codes in self.items.kinds.items():
            by_value = order[np.argsort(codes[order], kind="stable")]
            ends = np.cumsum(np.bincount(codes))
            found[name] = [rows[:_OF_KIND] for rows in np.split(by_value, ends[:-1])]
        return found

    def __getattr__(self, name: str) -> np.ndarray:
        if name in self.__dict__.get("arrays", ()):
            return self.arrays[name]
        raise AttributeError(name)


def find_visual_neighbours(items: Items) -> np.ndarray | None:
    """int64 (n, up to LOOKALIKES): the rows that look most like each, itself left out."""
    if items.vectors is None or len(items) < 2:
        return None
    engine = ExactEngine(items.vectors, "dot")
    want = min(LOOKALIKES + 1, len(items))
    found = np.empty((len(items), want - 1), np.int64)
    for start in range(0, len(items), _BLOCK):
        rows, _ = engine.search(items.vectors[start : start + _BLOCK], want)
        own = np.arange(start, start + len(rows))[:, None]
        order = np.argsort(rows == own, axis=1, kind="stable")  # itself, if there, comes last
        found[start : start + len(rows)] = np.take_along_axis(rows, order, axis=1)[:, :-1]
    return found


def _counted(interactions: Interactions, items: Items) -> dict[str, np.ndarray]:
    count, now = len(items), interactions.now
    item, weight = interactions.item, interactions.weight
    ages = now - interactions.day
    total = np.bincount(item, weight, count)
    last = np.bincount(item, weight * (ages <= 1), count)
    product_groups = items.product_groups
    others = np.bincount(product_groups, total)[product_groups] - total
    first = np.full(count, now)
    np.minimum.at(first, item, interactions.day)
    found = {
        "popular": log_share(np.bincount(item, weight * 0.5 ** (ages / _SHORT), count)),
        "lasting": log_share(np.bincount(item, weight * 0.5 ** (ages / _LONG), count)),
        "trend": log_share(last) - log_share(total),
        "family": log_share(others),
        "fresh": np.where(total > 0, np.exp(1 - np.maximum(now - first, 1)), 0),
        "cold": (total == 0).astype(float),
        "events": np.bincount(item, minlength=count),
        "tiebreak": np.random.default_rng(0).random(count) * 1e-3,
        "rebuy": _rebought(interactions) / (np.bincount(item, minlength=count) + 5),
        "price": _log_prices(interactions, items),
    }
    for name, codes in items.kinds.items():
        taken = np.bincount(codes, total + 0.5)
        found[f"share of {name}"] = taken / taken.sum()
    return {name: a.astype(np.float32) for name, a in found.items()}


def log_share(counts: np.ndarray) -> np.ndarray:
    """log of counts (n,) relative to the mean, half an interaction added to each."""
    smoothed = counts + 0.5
    return np.log(smoothed / smoothed.mean())


def _rebought(interactions: Interactions) -> np.ndarray:
    """How many people took each item more than once: (n,)."""
    pairs = interactions.user * interactions.item_count + interactions.item
    distinct, counts = np.unique(pairs, return_counts=True)
    again = distinct[counts > 1] % max(1, interactions.item_count)
    return np.bincount(again, minlength=interactions.item_count)


def _log_prices(interactions: Interactions, items: Items) -> np.ndarray:
    """The mean price paid where it is told, else the catalogue's: log, nan where neither is."""
    prices = np.full(len(items), np.nan) if items.prices is None else items.prices.astype(float)
    if interactions.price is not None:
        known = np.isfinite(interactions.price) & (interactions.price > 0)
        sums = np.bincount(interactions.item[known], interactions.price[known], len(items))
        counts = np.bincount(interactions.item[known], minlength=len(items))
        prices = np.where(counts > 0, sums / np.maximum(counts, 1), prices)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(prices)
    return np.where(np.isfinite(logs), logs, np.nan)


def _lent(lasting: np.ndarray, visual_neighbours: np.ndarray | None) -> np.ndarray:
    if visual_neighbours is None:
        return np.zeros_like(lasting)
    return lasting[visual_neighbours[:, :_LENDERS]].mean(axis=1)
