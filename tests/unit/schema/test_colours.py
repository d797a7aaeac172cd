"""Colours read from a catalogue's names and from thumbnails."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from lookbook.schema.colours import (
    colour_distance,
    colour_from_name,
    colour_from_thumbnail,
    hex_code,
)


def picture(rgb):
    out = io.BytesIO()
    image = Image.new("RGB", (60, 80), (255, 255, 255))
    image.paste(rgb, (10, 10, 50, 70))
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


def test_a_colour_is_read_from_its_name_or_from_a_thumbnail():
    dark, middle, light = map(colour_from_name, ("Dark Blue", "Blue", "Light Blue"))
    assert dark.light < middle.light < light.light
    assert colour_from_name(None) is None
    assert colour_from_thumbnail(picture((200, 30, 40))).name == "red"
    assert colour_from_thumbnail(picture((255, 255, 255))) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("Navy Blue", "#1f2a4d"), (" navy", "#1f2a4d"), ("Off White", "#f5f1e8"), ("Blue-ish", None)],
)
def test_a_name_that_is_all_colour_has_a_hex_code(name, code):
    assert hex_code(name) == code


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("navy", ["navy blue", "black", "purple", "peach"]),
        ("red", ["red", "rust", "orange", "pink", "beige"]),
        ("off white", ["silver", "beige", "brown", "black"]),
    ],
)
def test_colours_lie_as_far_apart_as_they_look(asked, order):
    distances = [colour_distance(asked, name) for name in order]
    assert distances == sorted(distances)
    assert colour_distance(order[0], asked) == distances[0]


def test_what_names_no_colour_has_no_distance():
    assert colour_distance("red", "multi") is None
    assert colour_distance("striped", "red") is None
