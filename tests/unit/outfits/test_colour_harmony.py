"""The rules of the colour wheel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.outfits.colour_harmony import harmony
from lookbook.schema.colours import colour_from_name

colours = st.sampled_from(
    ["Navy Blue", "Red", "Green", "Pink", "Black", "Teal", "Light Blue", "Multi"]
)


@given(colours, colours)
def test_harmony_is_mutual(one, other):
    one, other = colour_from_name(one), colour_from_name(other)
    assert harmony(one, other) == harmony(other, one)
    assert 0 <= harmony(one, other)[0] <= 1


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("Red", "Black", "neutral"),
        ("Red", "Maroon", "tonal"),
        ("Orange", "Blue", "contrast"),
        ("Red", "Green", "clash"),
        ("Red", "Multi", "unknown"),
        ("Navy Blue", "White", "neutral"),
    ],
)
def test_the_rules_of_the_wheel(one, other, rule):
    assert harmony(colour_from_name(one), colour_from_name(other))[1] == rule
