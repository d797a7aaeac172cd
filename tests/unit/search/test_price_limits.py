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
        ("dress from 50 to 100", ("dress", ((">=", 50.0), ("<=", 100.0)))),
        ("Kleid von 50 bis 100 €", ("Kleid", ((">=", 50.0), ("<=", 100.0)))),
        ("over 12 500 under 20 000", ("", ((">=", 12500.0), ("<=", 20000.0)))),
        ("en az 50 elbise", ("elbise", ((">=", 50.0),))),  # "az" alone is at most
        ("under 60 or under 80", ("", (("<=", 80.0),))),
        ("under 60 and red and blue", ("red and blue", (("<=", 60.0),))),
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
        ("under 60 or over 100", {}, "one range only: under 60 or over 100 has no effect"),
        (
            "between 20 and 30 or between 50 and 60, under 200",
            {"<=": 200},
            "one range only: between 20 and 30 or between 50 and 60 has no effect",
        ),
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
        ("dress not over 100 and at least 60", "", {"<=": 100, ">=": 60}),
        ("dress not over 100 at least 60", "", {"<=": 100, ">=": 60}),
        ("dress not under 50 and over 100", "", {">=": 50, "<=": 100}),
        ("dress not under 50 or over 100", "", {">=": 50, "<=": 100}),
        ("dress not striped or over 60", "striped", {"<=": 60}),
        ("dress not over 60 or striped", "striped", {"<=": 60}),
        ("not over 60 dress", "", {"<=": 60}),
        ("dress nothing over 60", "", {"<=": 60}),
        ("dress not more expensive than 100", "", {"<=": 100}),
    ],
)
def test_a_limit_after_a_negation_is_read(text, unwanted, limits):
    read = read_price(*parse_negation(text), Thesaurus.load())
    assert (read.wanted, read.unwanted, dict(read.limits)) == ("dress", unwanted, limits)
    assert not read.notes


@pytest.mark.parametrize(
    ("text", "wanted", "limits"),
    [
        ("uhr nicht über 100 und mindestens 60", "uhr", {"<=": 100, ">=": 60}),
        ("montre pas plus de 100 et au moins 60", "montre", {"<=": 100, ">=": 60}),
        ("kleid nichts über 60", "kleid", {"<=": 60}),
        ("uhr nicht teurer als 100", "uhr", {"<=": 100}),
        ("dress not under 60 under armour", "dress under armour", {">=": 60}),
    ],
)
def test_negated_limits_end_a_negation(text, wanted, limits):
    read = read_price(*parse_negation(text), Thesaurus.load())
    assert (read.wanted, read.unwanted, dict(read.limits)) == (wanted, "", limits)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("dress not between 50 and 100", {}),
        ("dress not in between 50 and 100", {}),
        ("kleid nicht zwischen 50 und 100", {}),
        ("dress not between 50 and 100 under 200", {"<=": 200}),
    ],
)
def test_a_range_that_is_left_out_has_no_effect_and_that_is_said(text, limits):
    read = read_price(*parse_negation(text), Thesaurus.load())
    assert (read.unwanted, dict(read.limits)) == ("", limits)
    assert len(read.notes) == 1
    assert read.notes[0].endswith(" 100 has no effect")
