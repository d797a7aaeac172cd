"""Letterbox, thumbnail and thumbnail descriptor of decoded images."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookbook.images import transforms
from lookbook.images.loading import load_rgb
from lookbook.images.transforms import (
    check_format,
    detail,
    format_of,
    letterbox,
    thumbnail,
    thumbnail_descriptor,
)

RED, BLUE, WHITE = (200, 30, 30), (30, 30, 200), (255, 255, 255)


def shirt(size=(48, 64)):
    """Red above, blue below, so that a rotation or a stretch is visible."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    return image


def near(colour, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(colour, expected, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    size=st.integers(1, 256),
)
def test_letterbox_keeps_the_whole_image_unstretched_and_centred(width, height, size):
    box = letterbox(Image.new("RGB", (width, height), BLUE), size, background=(255, 0, 0))
    assert box.size == (size, size)
    inside = np.asarray(box)[:, :, 2] == BLUE[2]
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    tall, wide = len(rows), len(columns)
    assert max(tall, wide) == size
    assert abs(wide - max(1, size * width / max(width, height))) <= 0.5
    assert abs(tall - max(1, size * height / max(width, height))) <= 0.5
    for first, last in ((rows[0], rows[-1]), (columns[0], columns[-1])):
        assert 0 <= (size - 1 - last) - first <= 1


@given(
    width=st.integers(1, 900), height=st.integers(1, 900), to=st.tuples(*[st.integers(8, 99)] * 2)
)
def test_letterbox_fits_an_image_into_any_frame(width, height, to):
    framed = letterbox(Image.new("RGB", (width, height), BLUE), to, background=(255, 0, 0))
    assert framed.size == to
    left, top, right, bottom = framed.getchannel("B").getbbox()
    assert right - left == to[0] or bottom - top == to[1], "as large as it can be"
    assert 0 <= to[0] - right - left <= 1 and 0 <= to[1] - bottom - top <= 1, "in the middle"


def test_letterbox_enlarges_small_images():
    box = letterbox(shirt((30, 40)), 224)
    assert near(box.getpixel((112, 3)), RED) and near(box.getpixel((112, 220)), BLUE)
    assert box.getpixel((3, 112)) == WHITE


def test_letterbox_is_antialiased():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the result can show: even grey, no moiré
    box = np.asarray(letterbox(Image.fromarray(stripes), 64)).astype(int)
    assert np.abs(box[4:-4, 4:-4] - 127).max() <= 4


def test_a_detail_is_at_most_of_its_size_and_only_of_what_a_thumbnail_reduces():
    def size(image, side):
        data = detail(image, side)
        return Image.open(io.BytesIO(data)).size if data else None

    assert size(shirt((1500, 2000)), 1024) == (768, 1024)
    assert size(shirt((2000, 1000)), 1024) == (1024, 512)
    assert size(shirt((300, 400)), 1024) == (300, 400), "never enlarged"
    assert size(shirt((240, 320)), 1024) is None
    assert size(shirt((1500, 2000)), 320) is None, "a thumbnail shows as much"


def test_thumbnail_is_webp_of_the_given_height_and_never_enlarged():
    small = Image.open(io.BytesIO(thumbnail(shirt((480, 640)), height=160)))
    assert (small.format, small.size) == ("WEBP", (120, 160))
    assert Image.open(io.BytesIO(thumbnail(shirt((48, 64))))).size == (48, 64)
    assert Image.open(io.BytesIO(thumbnail(shirt((9000, 20)), height=100))).width == 400


@pytest.mark.parametrize("file_format", ["webp", "avif"])
def test_both_sizes_are_written_in_the_format_that_is_asked_for(file_format):
    image = shirt((600, 800))
    both = (thumbnail(image, file_format=file_format), detail(image, 500, file_format=file_format))
    for data, size in zip(both, ((240, 320), (375, 500)), strict=True):
        opened = Image.open(io.BytesIO(data))
        assert (opened.format, opened.size) == (file_format.upper(), size)
        assert format_of(data) == file_format
        shown = load_rgb(data)
        assert near(shown.getpixel((99, 9)), RED) and near(shown.getpixel((99, size[1] - 9)), BLUE)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (320, 240, 3), np.uint8))
    low, high = (thumbnail(noise, quality=q, file_format=file_format) for q in (30, 90))
    assert 1.2 * len(low) < len(high)


def test_a_pillow_that_cannot_write_a_format_is_named(monkeypatch):
    check_format("webp")
    check_format("avif")
    monkeypatch.setattr(transforms.features, "check", lambda name: name != "avif")
    with pytest.raises(ValueError, match=r"Pillow \d+.* cannot write AVIF: install .* as webp"):
        check_format("avif")


def test_descriptor_is_close_for_copies_and_far_for_others():
    image = shirt((300, 400))
    out = io.BytesIO()
    image.resize((240, 320)).save(out, "JPEG", quality=60)
    copy = load_rgb(out.getvalue())
    other = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    one, two, three = (thumbnail_descriptor(i).astype(int) for i in (image, copy, other))
    assert (
        thumbnail_descriptor(image).shape == (768,)
        and thumbnail_descriptor(image).dtype == np.uint8
    )
    assert np.abs(one - two).mean() < 4 < 40 < np.abs(one - three).mean()
