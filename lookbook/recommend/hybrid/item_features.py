"""What is known of every item at one moment, for candidates and their features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from lookbook.recommend.base import Arrays, State
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.baselines.product_group_als import ProductGroupALS
from lookbook.recommend.context_lift import ContextLift
from lookbook.recommend.data import Interactions
from lookbook.recommend.items import Items

_TOP_OF_CATEGORY = 30  # most popular items kept of each category
_SHORT, _LONG = 1.0, 5.0  # half-lives of popularity in days
_LENDING_NEIGHBOURS = 10  # visual neighbours that lend a new item their popularity

_SHARE = "share of "  # prefix of the keys of category shares in a saved model
_NEIGHBOURS_KEY = "visual_neighbours"  # in a saved model; models of 0.1 have another name for it


@dataclass
class ItemStatistics:
    """float32 arrays over the n items, counted from interactions.

    Popularities are log shares of the interactions relative to an even share.
    """

    popularity: np.ndarray  # with a half-life of one day
    long_term_popularity: np.ndarray  # with a half-life of five days
    trend: np.ndarray  # popularity of the last day against all days
    group_popularity: np.ndarray  # that of the other colours of the product
    neighbour_popularity: np.ndarray  # mean long-term popularity of the visual neighbours
    recency: np.ndarray  # 1 for what appeared on the last day, falling with age
    cold: np.ndarray  # 1 for what nobody took yet
    event_counts: np.ndarray
    tiebreak: np.ndarray  # tiny random numbers: equals do not come in the order of the catalogue
    rebuy_rate: np.ndarray  # share of users who took it again
    log_prices: np.ndarray  # nan where unknown


# fields of ItemStatistics -> keys of a saved model
_KEYS = {
    "popularity": "popular",
    "long_term_popularity": "lasting",
    "trend": "trend",
    "group_popularity": "family",
    "neighbour_popularity": "lent",
    "recency": "fresh",
    "cold": "cold",
    "event_counts": "events",
    "tiebreak": "tiebreak",
    "rebuy_rate": "rebuy",
    "log_prices": "price",
}


@dataclass
class ItemFeatures(ItemStatistics):
    """Statistics of the items, the collaborative models and the visual neighbours.

    `category_shares`: for each category column the share of the interactions of each category;
    `visual_neighbours`: int64 (n, up to 20) rows, or None for items without vectors.
    """

    items: Items
    factors: ProductGroupALS
    knn: ItemKNN
    context_lift: ContextLift
    visual_neighbours: np.ndarray | None
    category_shares: dict[str, np.ndarray]

    @classmethod
    def fit(
        cls, interactions: Interactions, items: Items, visual_neighbours: np.ndarray | None
    ) -> ItemFeatures:
        """Compute all features of `items` from `interactions`."""
        arrays = _statistics(interactions, items, visual_neighbours)
        return cls(
            **{name: a.astype(np.float32) for name, a in arrays.items()},
            items=items,
            factors=ProductGroupALS().fit(interactions, items),
            knn=ItemKNN().fit(interactions, items),
            context_lift=ContextLift.fit(interactions, items),
            visual_neighbours=visual_neighbours,
            category_shares=_category_shares(interactions, items),
        )

    @cached_property
    def by_popularity(self) -> np.ndarray:
        """int64 (n,): all rows, the most popular first."""
        return np.argsort(-(self.popularity + self.tiebreak), kind="stable")

    @cached_property
    def top_of_category(self) -> dict[str, list[np.ndarray]]:
        """{column: for each of its categories the rows of the most popular items}."""
        order = self.by_popularity
        top = {}
        for name, codes in self.items.category_codes.items():
            by_category = order[np.argsort(codes[order], kind="stable")]
            ends = np.cumsum(np.bincount(codes))
            top[name] = [rows[:_TOP_OF_CATEGORY] for rows in np.split(by_category, ends[:-1])]
        return top

    def state(self) -> State:
        """Return the arrays and settings of a saved model."""
        arrays = {f"array.{_KEYS[f.name]}": getattr(self, f.name) for f in fields(ItemStatistics)}
        arrays |= {f"array.{_SHARE}{name}": a for name, a in self.category_shares.items()}
        if self.visual_neighbours is not None:
            arrays[_NEIGHBOURS_KEY] = self.visual_neighbours
        parts = {
            "factors": self.factors.state(),
            "knn": self.knn.state(),
            "effects": self.context_lift.state(),
        }
        for part, (part_arrays, _) in parts.items():
            arrays |= {f"{part}.{name}": a for name, a in part_arrays.items()}
        return arrays, {part: settings for part, (_, settings) in parts.items()}

    @classmethod
    def from_state(
        cls, items: Items, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]
    ) -> ItemFeatures:
        """Restore what `state` returned."""
        factors, knn = ProductGroupALS(), ItemKNN()
        factors.items = knn.items = items
        factors.restore(_part(arrays, "factors."), settings["factors"])
        knn.restore(_part(arrays, "knn."), settings["knn"])
        saved = _part(arrays, "array.")
        return cls(
            **{f.name: saved[_KEYS[f.name]] for f in fields(ItemStatistics)},
            items=items,
            factors=factors,
            knn=knn,
            context_lift=ContextLift.from_state(
                items, _part(arrays, "effects."), settings["effects"]
            ),
            visual_neighbours=_saved_neighbours(arrays),
            category_shares=_part(saved, _SHARE),
        )


def _saved_neighbours(arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The visual neighbours of a saved model: the only matrix that belongs to no part of it."""
    matrices = (a for name, a in arrays.items() if "." not in name and a.ndim == 2)
    return next(matrices, None)


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}


def _statistics(
    interactions: Interactions, items: Items, visual_neighbours: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The fields of ItemStatistics, of any dtype."""
    count, now = len(items), interactions.now
    item, weight = interactions.item, interactions.weight
    ages = now - interactions.day
    total = np.bincount(item, weight, count)
    last = np.bincount(item, weight * (ages <= 1), count)
    groups = items.product_groups
    first = np.full(count, now)
    np.minimum.at(first, item, interactions.day)
    long_term = log_share(np.bincount(item, weight * 0.5 ** (ages / _LONG), count))
    return {
        "popularity": log_share(np.bincount(item, weight * 0.5 ** (ages / _SHORT), count)),
        "long_term_popularity": long_term,
        "trend": log_share(last) - log_share(total),
        "group_popularity": log_share(np.bincount(groups, total)[groups] - total),
        "neighbour_popularity": _of_neighbours(long_term.astype(np.float32), visual_neighbours),
        "recency": np.where(total > 0, np.exp(1 - np.maximum(now - first, 1)), 0),
        "cold": total == 0,
        "event_counts": np.bincount(item, minlength=count),
        "tiebreak": np.random.default_rng(0).random(count) * 1e-3,
        "rebuy_rate": _rebuys(interactions) / (np.bincount(item, minlength=count) + 5),
        "log_prices": _log_prices(interactions, items),
    }


def _category_shares(interactions: Interactions, items: Items) -> dict[str, np.ndarray]:
    total = np.bincount(interactions.item, interactions.weight, len(items))
    shares = {}
    for name, codes in items.category_codes.items():
        taken = np.bincount(codes, total + 0.5)
        shares[name] = (taken / taken.sum()).astype(np.float32)
    return shares


def log_share(counts: np.ndarray) -> np.ndarray:
    """Return the log of counts (n,) relative to their mean, half an interaction added to each."""
    smoothed = counts + 0.5
    return np.log(smoothed / smoothed.mean())


def _rebuys(interactions: Interactions) -> np.ndarray:
    """(n,): how many users took each item more than once."""
    pairs = interactions.user.astype(np.int64) * interactions.item_count + interactions.item
    distinct, counts = np.unique(pairs, return_counts=True)
    again = distinct[counts > 1] % max(1, interactions.item_count)
    return np.bincount(again, minlength=interactions.item_count)


def _log_prices(interactions: Interactions, items: Items) -> np.ndarray:
    """(n,): log of the mean price paid where known, else of the catalogue's; nan without either."""
    prices = np.full(len(items), np.nan) if items.prices is None else items.prices.astype(float)
    if interactions.price is not None:
        known = np.isfinite(interactions.price) & (interactions.price > 0)
        sums = np.bincount(interactions.item[known], interactions.price[known], len(items))
        counts = np.bincount(interactions.item[known], minlength=len(items))
        prices = np.where(counts > 0, sums / np.maximum(counts, 1), prices)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(prices)
    return np.where(np.isfinite(logs), logs, np.nan)


def _of_neighbours(popularity: np.ndarray, visual_neighbours: np.ndarray | None) -> np.ndarray:
    if visual_neighbours is None:
        return np.zeros_like(popularity)
    return popularity[visual_neighbours[:, :_LENDING_NEIGHBOURS]].mean(axis=1)
