"""Columns by their names."""

from __future__ import annotations

import pytest

from lookbook.schema.column_names import is_colour_column


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("baseColour", True),
        ("perceived_colour_master_name", True),
        ("Farbe", True),
        ("couleur", True),
        ("gender", False),
        ("core", False),
    ],
)
def test_a_column_of_colours_is_known_by_its_name(name, expected):
    assert is_colour_column(name) is expected
