"""Limits of the price in words: what is read as one, and what stays in the text."""

from __future__ import annotations

import pytest

from lookbook.schema.thesaurus import Thesaurus
from lookbook.search.price_limits import read_price
from lookbook.search.query_text import parse_negation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jeans under 60", ("jeans", (("<=", 60.0),))),
        ("Jeans bis 60 €", ("Jeans", (("<=", 60.0),))),
        ("dress less than $49.50", ("dress", (("<=", 49.5),))),
        ("bag over 100", ("bag", ((">=", 100.0),))),
        ("dress under 200 and over 100", ("dress", (("<=", 200.0), (">=", 100.0)))),
        ("over 200 and under 100", ("", (("<=", 200.0), (">=", 100.0)))),
        ("red or blue bag between 50 and 20 €", ("red or blue bag", ((">=", 20.0), ("<=", 50.0)))),
        ("Kleid zwischen 50 und 100 €", ("Kleid", ((">=", 50.0), ("<=", 100.0)))),
        ("under 60 and red", ("red", (("<=", 60.0),))),
        ("bag under 1,200", ("bag", (("<=", 1200.0),))),
        ("bag over 1.500", ("bag", ((">=", 1500.0),))),
        ("bag under $1,299.99", ("bag", (("<=", 1299.99),))),
        ("Tasche bis 1.299,50 €", ("Tasche", (("<=", 1299.5),))),
        ("bag between 1,200 and 900", ("bag", ((">=", 900.0), ("<=", 1200.0)))),
        ("bag under 1'250", ("bag", (("<=", 1250.0),))),
        ("bag under 1.2.3", ("bag under 1.2.3", ())),
        ("bag under 1 200 €", ("bag", (("<=", 1200.0),))),
        ("bag under 1 200 in black", ("bag in black", (("<=", 1200.0),))),
        ("bag under 1\u202f200,50 €", ("bag", (("<=", 1200.5),))),
        ("sac moins de 12\u00a0500", ("sac", (("<=", 12500.0),))),
        ("bag under 1\u20091", ("bag under 1\u20091", ())),
        ("bag under 12 500 €", ("bag", (("<=", 12500.0),))),
        ("bag under 1 234 567", ("bag", (("<=", 1234567.0),))),
        ("bag between 1 000 and 2 000 €", ("bag", ((">=", 1000.0), ("<=", 2000.0)))),
        ("under 60 501 jeans", ("501 jeans", (("<=", 60.0),))),
        ("jeans under 60 5010", ("jeans 5010", (("<=", 60.0),))),
        ("black and white", ("black and white", ())),
        ("size 60 jeans", ("size 60 jeans", ())),
    ],
)
def test_prices_are_read(text, expected):
    read = read_price(text, "", Thesaurus.load())
    assert (read.wanted, read.limits) == expected


@pytest.mark.parametrize(
    ("text", "limits", "note"),
    [
        ("under 60 under 40", {"<=": 40}, "the strictest counts: at most 40"),
        ("over 100, over 1,250.5", {">=": 1250.5}, "the strictest counts: at least 1,250.5"),
        (
            "between 50 and 100 under 80",
            {">=": 50, "<=": 80},
            "the strictest counts: at least 50 and at most 80",
        ),
        (
            "over 2,000,000 under 50",
            {">=": 50, "<=": 2_000_000},
            "no price is over 2,000,000 and under 50: read as 50 to 2,000,000",
        ),
        ("under 60 under 60", {"<=": 60}, ""),
        ("over 50 under 50", {">=": 50, "<=": 50}, ""),
        ("under 60", {"<=": 60}, ""),
    ],
)
def test_several_limits_are_settled_and_said(text, limits, note):
    read = read_price(f"jeans {text}", "", Thesaurus.load())
    assert (read.wanted.strip(" ,"), dict(read.limits)) == ("jeans", limits)
    assert len(read.notes) == bool(note)
    assert " ".join(read.notes).endswith(note)


@pytest.mark.parametrize(
    ("text", "unwanted", "limits"),
    [
        ("dress without stripes under 60", "stripes", {"<=": 60}),
        ("dress not over 60", "", {"<=": 60}),
        ("dress not under 60, no stripes", "stripes", {">=": 60}),
        ("dress under 80 not red over 40", "red", {"<=": 80, ">=": 40}),
        ("dress without stripes", "stripes", {}),
    ],
)
def test_a_limit_after_a_negation_is_read(text, unwanted, limits):
    read = read_price(*parse_negation(text), Thesaurus.load())
    assert (read.wanted, read.unwanted, dict(read.limits)) == ("dress", unwanted, limits)
