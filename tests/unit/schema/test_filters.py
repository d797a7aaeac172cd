"""Conditions: how they are read, and that rows and single items agree on them."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.schema.filters import Condition, FilterError, matches, parse_where

ROWS = [
    {"gender": "Women", "year": 2012, "price": 39.5, "note": None},
    {"gender": "men", "year": 2014, "price": None, "note": "a=b"},
    {"gender": "Boys", "year": 2012.0, "price": 12, "note": "NA"},
    {"gender": "NA", "year": None, "price": 40, "note": ""},
]


def kept(*where):
    conditions = parse_where(list(where))
    return [i for i, row in enumerate(ROWS) if matches(conditions, row)]


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("gender=Women", [0]),
        ("gender = WOMEN ", [0]),
        ("gender=Women|Men", [0, 1]),
        ("gender!=Boys", [0, 1, 3]),
        ("gender!=Boys|NA", [0, 1]),
        ("gender=NA", [3]),
        ("year=2012", [0, 2]),
        ("year!=2012", [1, 3]),
        ("year>=2013", [1]),
        ("price<=39.5", [0, 2]),
        ("price>=0", [0, 2, 3]),
        ("note=a=b", [1]),
        ("note=", [3]),
        ("note!=NA", [0, 1, 3]),
        ("absent=x", []),
        ("absent!=x", [0, 1, 2, 3]),
        ("absent<=1", []),
    ],
)
def test_one_condition(where, rows):
    assert kept(where) == rows


def test_all_conditions_must_hold_and_none_keeps_everything():
    assert kept("gender!=Boys", "year=2012", "price<=40") == [0]
    assert parse_where(None) == parse_where({}) == parse_where([]) == ()
    assert kept() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "text", ["gender", "=Women", "", "price<40", "price>40", "price<=cheap", "year>="]
)
def test_what_cannot_be_read_is_refused_with_the_text(text):
    with pytest.raises(FilterError) as refused:
        Condition.parse(text)
    assert text.split("=")[0].rstrip("<>") in str(refused.value)
    assert "expected" in str(refused.value)


def test_mapping_and_text_say_the_same():
    assert parse_where({"gender": "Women"}) == parse_where("gender=Women")
    assert parse_where({"season": ["Summer", "Spring"]}) == parse_where(["season=Summer|Spring"])
    assert parse_where({"gender!=": "Boys", "price<=": 40}) == parse_where(
        ["gender!=Boys", "price<=40"]
    )
    assert parse_where({"year": 2012}) == parse_where({"year": np.float32(2012)})


def test_a_bar_in_a_mapping_is_only_a_bar():
    (condition,) = parse_where({"title": "black|white"})
    assert condition.values == ("black|white",)


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(FilterError, match="gender: expected at least one value"):
        parse_where({"gender": []})
    with pytest.raises(FilterError, match="gender: expected a value, found None"):
        parse_where({"gender": None})


@given(
    values=st.lists(
        st.one_of(st.none(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from("aAbB")),
        min_size=1,
    ),
    operator=st.sampled_from(["=", "!=", "<=", ">="]),
    operand=st.integers(-3, 3),
)
def test_a_column_and_its_rows_agree(values, operator, operand):
    (condition,) = parse_where([f"c{operator}{operand}"])
    mask = condition.mask(values)
    assert mask.tolist() == [matches([condition], {"c": value}) for value in values]


@given(st.lists(st.one_of(st.none(), st.integers(0, 3), st.sampled_from("ab"))))
def test_equal_and_not_equal_part_the_rows(values):
    equal, other = (Condition.parse(f"c{o}a|1").mask(values) for o in ("=", "!="))
    assert (equal ^ other).all()


@pytest.mark.parametrize("text", [" " * 500 + "a", "a=" + "x" + " " * 500 + "x", "=" * 512])
def test_a_condition_of_many_spaces_is_read_or_refused_at_once(text):
    started = time.perf_counter()
    with contextlib.suppress(FilterError):
        Condition.parse(text)
    assert time.perf_counter() - started < 0.1


def test_a_condition_too_long_is_refused_before_it_is_read():
    with pytest.raises(FilterError, match="at most 512 characters, found 100002"):
        Condition.parse("a=" + " " * 100_000)


@pytest.mark.parametrize("text", ["gender=Women|Men", "a!=b", "price<=39.5", "note=", "a==b"])
def test_a_condition_is_written_as_it_was_read(text):
    assert Condition.parse(text).to_text() == text


def test_a_condition_that_no_text_can_say_is_refused():
    with pytest.raises(FilterError, match="no text can say the condition on 'title'"):
        parse_where({"title": "black|white"})[0].to_text()
