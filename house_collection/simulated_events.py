"""Simulated visitors of the house: people with tastes, sessions over a year, skewed popularity.

Nobody behind these events exists. They are for tests and for the demo of recommendations, and a
page that shows them says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from .product import Product

SEASONS = ("Winter", "Spring", "Summer", "Fall")
OCCASIONS = {
    "everyday": {"Casual": 1.0, "Smart Casual": 0.6, "Sports": 0.4, "Travel": 0.4},
    "work": {"Formal": 1.0, "Smart Casual": 1.0, "Casual": 0.35},
    "sport": {"Sports": 1.0, "Casual": 0.25},
    "party": {"Party": 1.0, "Smart Casual": 0.6, "Casual": 0.25, "Ethnic": 0.4},
    "holiday": {"Travel": 1.0, "Casual": 0.7, "Ethnic": 0.5},
}
HABITS = (0.55, 0.18, 0.1, 0.1, 0.07)
WEARS = {
    "Men": {"Men": 1.0, "Unisex": 0.8, "Boys": 0.05, "Women": 0.03, "Girls": 0.02},
    "Women": {"Women": 1.0, "Unisex": 0.7, "Girls": 0.06, "Men": 0.06, "Boys": 0.03},
    "family": {"Women": 0.5, "Men": 0.4, "Unisex": 0.6, "Girls": 0.9, "Boys": 0.9},
}


@dataclass(frozen=True)
class Event:
    """What one visitor did with one item; `item` is the id in `Product.row()`."""

    visitor: int
    item: int
    kind: str
    time: datetime
    season: str
    occasion: str


@dataclass(frozen=True)
class Shop:
    """The attributes of all items as arrays of the same length."""

    rows: tuple[dict[str, str | int], ...]
    popularity: np.ndarray
    dearness: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """One attribute of all items."""
        return np.array([row[name] for row in self.rows])

    def weigh(self, name: str, weights: dict[str, float], rest: float) -> np.ndarray:
        """A factor for each item from the value of one attribute."""
        return np.array([weights.get(str(row[name]), rest) for row in self.rows])


@dataclass(frozen=True)
class Visitor:
    """A person's liking of every item (season and occasion aside) and readiness to buy."""

    number: int
    liking: np.ndarray
    eagerness: float


def events(
    items: Sequence[Product], visitors: int, seed: int = 0, year: int = 2025, visits: float = 8
) -> Iterator[Event]:
    """A year of events in order of time, the same for the same arguments.

    Each visitor comes about `visits` times, a few of them far oftener; kinds are view, like and
    purchase, and a like or a purchase follows a view of the same item.

    Raises ValueError when there are no items or no visitors.
    """
    if not items or visitors < 1:
        raise ValueError(f"{len(items)} items and {visitors} visitors; at least one of each needed")
    rng = np.random.default_rng([seed, 11])
    shop = open_shop(items, rng)
    crowd = [invite(k, shop, seed) for k in range(visitors)]
    activity = rng.pareto(1.8, visitors) + 0.3
    activity /= activity.sum()
    midnight = datetime(year, 1, 1, tzinfo=UTC)
    for day in range(365):
        date = midnight + timedelta(days=day)
        count = rng.poisson(visits * visitors / 365 * (1.35 if date.weekday() >= 5 else 0.86))
        hours = np.sort(np.clip(rng.normal(17, 4, count), 0, 23.5))
        for hour, who in zip(hours, rng.choice(visitors, count, p=activity), strict=True):
            yield from session(crowd[who], shop, date + timedelta(hours=float(hour)), rng)


def open_shop(items: Sequence[Product], rng: np.random.Generator) -> Shop:
    """Attributes, a popularity that falls with rank as in shops, and the price within its type."""
    rows = tuple(product.row() for product in items)
    rank = rng.permutation(len(rows)) + 1
    prices = np.log([float(row["price"]) for row in rows])
    types = np.array([row["articleType"] for row in rows])
    dearness = np.zeros(len(rows))
    for kind in np.unique(types):
        mine = types == kind
        dearness[mine] = prices[mine] - prices[mine].mean()
    return Shop(rows, 1 / (rank + 4.0) ** 0.8, dearness)


def invite(number: int, shop: Shop, seed: int) -> Visitor:
    """A visitor with a taste in colours, patterns and styles, and a budget."""
    rng = np.random.default_rng([seed, 23, number])
    wears = WEARS[str(rng.choice(list(WEARS), p=(0.42, 0.46, 0.12)))]
    liking = shop.weigh("gender", wears, 0.05)
    for column, loved, factor in (("baseColour", 5, 4.0), ("pattern", 2, 3.0), ("fabric", 4, 2.0)):
        values = np.unique(shop.column(column))
        some = rng.choice(values, min(loved, len(values)), replace=False)
        liking = liking * shop.weigh(column, dict.fromkeys(map(str, some), factor), 1.0)
    budget = rng.normal(0, 0.5)
    liking = liking * np.exp(-(((shop.dearness - budget) / 0.6) ** 2) / 2)
    return Visitor(number, liking, float(rng.beta(2, 5)))


def session(
    visitor: Visitor, shop: Shop, start: datetime, rng: np.random.Generator
) -> Iterator[Event]:
    """One visit: a few views led by season, occasion and taste; some end in a like or purchase."""
    season = SEASONS[start.month % 12 // 3]
    occasion = str(rng.choice(list(OCCASIONS), p=HABITS))
    wanted = shop.weigh("usage", OCCASIONS[occasion], 0.08) * in_season(shop, season)
    weights = visitor.liking * wanted * shop.popularity + 1e-12
    views = min(1 + rng.poisson(5), int(np.count_nonzero(weights > 1e-11)), len(weights))
    seen = rng.choice(len(weights), max(1, views), replace=False, p=weights / weights.sum())
    keen = visitor.liking / visitor.liking.max()
    for step, k in enumerate(seen):
        time = start + timedelta(seconds=40 * step)
        item = int(shop.rows[k]["id"])
        yield Event(visitor.number, item, "view", time, season, occasion)
        chance = visitor.eagerness * (0.15 + 0.85 * keen[k])
        if rng.random() < chance:
            later = time + timedelta(seconds=15)
            yield Event(visitor.number, item, "like", later, season, occasion)
        if rng.random() < chance * 0.35:
            later = time + timedelta(seconds=30)
            yield Event(visitor.number, item, "purchase", later, season, occasion)


def in_season(shop: Shop, season: str) -> np.ndarray:
    """Three times as much for the season's own items, a third for the opposite one's."""
    opposite = SEASONS[(SEASONS.index(season) + 2) % 4]
    return shop.weigh("season", {season: 3.0, opposite: 0.33}, 1.0)
