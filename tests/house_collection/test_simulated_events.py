"""Simulated events: reproducible, seasonal, skewed, and with preferences of each visitor."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from house_collection import products
from house_collection.simulated_events import simulate_events


@pytest.fixture(scope="module")
def items():
    return list(products(300, seed=0))


@pytest.fixture(scope="module")
def year(items):
    return list(simulate_events(items, visitors=120, seed=3))


def test_the_same_seed_gives_the_same_year(items, year):
    again = list(islice(simulate_events(items, visitors=120, seed=3), 200))
    assert again == year[:200]
    assert list(islice(simulate_events(items, visitors=120, seed=4), 200)) != again


def test_events_come_in_order_of_days_and_name_known_items(items, year):
    days = [event.time.date() for event in year]
    assert days == sorted(days)
    assert {event.item for event in year} <= {p.id for p in items}
    assert {event.event_type for event in year} == {"view", "like", "purchase"}


def test_a_like_or_a_purchase_follows_a_view(year):
    seen = set()
    for event in year:
        if event.event_type == "view":
            seen.add((event.visitor, event.item))
        assert (event.visitor, event.item) in seen


def test_items_sell_in_their_season(items, year):
    season_of = {p.id: p.season for p in items}
    for season, opposite in (("Summer", "Winter"), ("Winter", "Summer")):
        inside = [season_of[e.item] for e in year if e.season == season]
        outside = [season_of[e.item] for e in year if e.season == opposite]
        share = inside.count(season) / len(inside)
        assert share > 2 * outside.count(season) / len(outside)


def test_popularity_is_skewed(year):
    counts = sorted(Counter(e.item for e in year if e.event_type == "view").values(), reverse=True)
    assert sum(counts[:30]) > 0.3 * sum(counts)


def test_visitors_have_preferences(items, year):
    colour_of = {p.id: p.row()["baseColour"] for p in items}
    overall = Counter(colour_of[e.item] for e in year)
    whole = sum(overall.values())
    gains = []
    for visitor in [v for v, n in Counter(e.visitor for e in year).items() if n > 60]:
        mine = Counter(colour_of[e.item] for e in year if e.visitor == visitor)
        top = sum(n for _, n in mine.most_common(3)) / sum(mine.values())
        gains.append(top - sum(overall[c] for c, _ in mine.most_common(3)) / whole)
    assert np.mean(gains) > 0.1


def test_no_items_raises():
    with pytest.raises(ValueError, match="found 0 and 5"):
        next(simulate_events([], visitors=5))
