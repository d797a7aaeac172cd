"""Simulated events: visitors with preferences, sessions over a year, skewed popularity.

No real person is behind them. They are for tests and benchmarks; a page that shows them says so.
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
OCCASION_SHARES = (0.55, 0.18, 0.1, 0.1, 0.07)
GENDER_WEIGHTS = {
    "Men": {"Men": 1.0, "Unisex": 0.8, "Boys": 0.05, "Women": 0.03, "Girls": 0.02},
    "Women": {"Women": 1.0, "Unisex": 0.7, "Girls": 0.06, "Men": 0.06, "Boys": 0.03},
    "family": {"Women": 0.5, "Men": 0.4, "Unisex": 0.6, "Girls": 0.9, "Boys": 0.9},
}


@dataclass(frozen=True)
class Event:
    """What one visitor did with one item.

    `item`: the id in `Product.row()`; `event_type`: view, like or purchase.
    """

    visitor: int
    item: int
    event_type: str
    time: datetime
    season: str
    occasion: str


@dataclass(frozen=True)
class Shop:
    """The items with arrays (n,): popularity weight, and log price relative to the articleType."""

    rows: tuple[dict[str, str | int], ...]
    popularity: np.ndarray
    relative_price: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """One attribute of all items (n,)."""
        return np.array([row[name] for row in self.rows])

    def weights(self, name: str, weight_of: dict[str, float], default: float) -> np.ndarray:
        """A weight for each item (n,) by its value of one attribute."""
        return np.array([weight_of.get(str(row[name]), default) for row in self.rows])


@dataclass(frozen=True)
class Visitor:
    """A visitor: affinity to every item (n,) without season and occasion, and interaction rate."""

    number: int
    affinity: np.ndarray
    interaction_rate: float


def simulate_events(
    items: Sequence[Product], visitors: int, seed: int = 0, year: int = 2025, visits: float = 8
) -> Iterator[Event]:
    """Simulate a year of events in order of days; the same arguments give the same events.

    Each visitor has about `visits` sessions, a few far more (Pareto). A like or a purchase follows
    a view of the same item. Raises ValueError without items or visitors.
    """
    if not items or visitors < 1:
        raise ValueError(
            f"expected at least one item and one visitor, found {len(items)} and {visitors}"
        )
    rng = np.random.default_rng([seed, 11])
    shop = make_shop(items, rng)
    visitor_list = [make_visitor(k, shop, seed) for k in range(visitors)]
    activity = rng.pareto(1.8, visitors) + 0.3
    activity /= activity.sum()
    midnight = datetime(year, 1, 1, tzinfo=UTC)
    for day in range(365):
        date = midnight + timedelta(days=day)
        count = rng.poisson(visits * visitors / 365 * (1.35 if date.weekday() >= 5 else 0.86))
        hours = np.sort(np.clip(rng.normal(17, 4, count), 0, 23.5))
        for hour, who in zip(hours, rng.choice(visitors, count, p=activity), strict=True):
            yield from session(visitor_list[who], shop, date + timedelta(hours=float(hour)), rng)


def make_shop(items: Sequence[Product], rng: np.random.Generator) -> Shop:
    """Draw a popularity that falls with rank (Zipf), and compute relative prices."""
    rows = tuple(product.row() for product in items)
    rank = rng.permutation(len(rows)) + 1
    prices = np.log([float(row["price"]) for row in rows])
    types = np.array([row["articleType"] for row in rows])
    relative_price = np.zeros(len(rows))
    for article_type in np.unique(types):
        own = types == article_type
        relative_price[own] = prices[own] - prices[own].mean()
    return Shop(rows, 1 / (rank + 4.0) ** 0.8, relative_price)


def make_visitor(number: int, shop: Shop, seed: int) -> Visitor:
    """Draw a visitor with preferred colours, patterns and fabrics, and a budget."""
    rng = np.random.default_rng([seed, 23, number])
    gender_weights = GENDER_WEIGHTS[str(rng.choice(list(GENDER_WEIGHTS), p=(0.42, 0.46, 0.12)))]
    affinity = shop.weights("gender", gender_weights, 0.05)
    for column, count, factor in (("baseColour", 5, 4.0), ("pattern", 2, 3.0), ("fabric", 4, 2.0)):
        values = np.unique(shop.column(column))
        preferred = rng.choice(values, min(count, len(values)), replace=False)
        affinity = affinity * shop.weights(column, dict.fromkeys(map(str, preferred), factor), 1.0)
    budget = rng.normal(0, 0.5)
    affinity = affinity * np.exp(-(((shop.relative_price - budget) / 0.6) ** 2) / 2)
    return Visitor(number, affinity, float(rng.beta(2, 5)))


def session(
    visitor: Visitor, shop: Shop, start: datetime, rng: np.random.Generator
) -> Iterator[Event]:
    """Simulate one session: views by season, occasion and affinity; some lead to more."""
    season = SEASONS[start.month % 12 // 3]
    occasion = str(rng.choice(list(OCCASIONS), p=OCCASION_SHARES))
    context = shop.weights("usage", OCCASIONS[occasion], 0.08) * season_weights(shop, season)
    weights = visitor.affinity * context * shop.popularity + 1e-12
    views = min(1 + rng.poisson(5), int(np.count_nonzero(weights > 1e-11)), len(weights))
    viewed = rng.choice(len(weights), max(1, views), replace=False, p=weights / weights.sum())
    interest = visitor.affinity / visitor.affinity.max()
    for step, k in enumerate(viewed):
        time = start + timedelta(seconds=40 * step)
        item = int(shop.rows[k]["id"])
        yield Event(visitor.number, item, "view", time, season, occasion)
        probability = visitor.interaction_rate * (0.15 + 0.85 * interest[k])
        if rng.random() < probability:
            later = time + timedelta(seconds=15)
            yield Event(visitor.number, item, "like", later, season, occasion)
        if rng.random() < probability * 0.35:
            later = time + timedelta(seconds=30)
            yield Event(visitor.number, item, "purchase", later, season, occasion)


def season_weights(shop: Shop, season: str) -> np.ndarray:
    """Weights (n,): 3 for items of the season, a third for those of the opposite one."""
    opposite = SEASONS[(SEASONS.index(season) + 2) % 4]
    return shop.weights("season", {season: 3.0, opposite: 0.33}, 1.0)
