"""A photo as a query: decoded once, and every crop of the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import ImageError, load_rgb
from lookbook.search import photo_query as query_of
from lookbook.search.photo_query import WHOLE, crop_to_box, decode_photo, normalize_box
from lookbook.ui.components.photos import Photo


@pytest.fixture(scope="module")
def encoder(tiny_model):
    return Encoder.load(tiny_model, precision="float32")


def street(size=(1500, 1125)):
    """A red garment on a field of two greens, as a JPEG of a phone."""
    draw = np.random.default_rng(0)
    field = draw.integers(0, 25, (size[1], size[0], 3)).astype(np.uint8)
    field[..., 1] += 120
    field[size[1] // 4 : size[1] * 3 // 4, size[0] // 3 : size[0] * 2 // 3] = (200, 20, 30)
    out = io.BytesIO()
    Image.fromarray(field).save(out, "JPEG", quality=92)
    return out.getvalue()


def test_the_whole_photo_is_encoded_as_the_catalogue_is(encoder):
    query = query_of(street(), encoder, crop=False)
    assert query.box == WHOLE
    np.testing.assert_array_equal(query.vector, encoder.encode([street()])[0])


def test_a_located_garment_has_room_around_it(encoder):
    left, top, right, bottom = query_of(street(), encoder).box
    assert left < 1 / 3 < 2 / 3 < right
    assert top < 1 / 4 < 3 / 4 < bottom
    assert (right - left) * (bottom - top) < 0.8


def test_nothing_to_locate_is_the_whole_photo(encoder):
    out = io.BytesIO()
    Image.new("RGB", (400, 500), (90, 90, 90)).save(out, "PNG")
    assert query_of(out.getvalue(), encoder).box == WHOLE


def test_a_photo_is_decoded_once_and_cropped_from_the_same_pixels(encoder, monkeypatch):
    first = query_of(street(), encoder, crop=False)
    monkeypatch.setattr(Image, "open", None)  # whoever decodes again fails
    box = (0.25, 0.1, 0.75, 0.9)
    again = query_of(first.image, encoder, box)
    assert again.box == box
    np.testing.assert_array_equal(again.image, first.image)
    np.testing.assert_array_equal(again.vector, encoder.encode([crop_to_box(first.image, box)])[0])


def test_a_page_brings_back_the_pixels_that_it_was_given(encoder):
    query = query_of(street(), encoder)
    back = Photo.of(query.image, query.box).picture()
    np.testing.assert_array_equal(back, query.image)
    np.testing.assert_array_equal(query_of(back, encoder).vector, query.vector)


@pytest.mark.parametrize("size", [(300, 9000), (9000, 300), (40, 40), (641, 960), (1279, 1280)])
def test_a_decoded_photo_stays_as_it_is_and_fits_a_page(encoder, size):
    image = decode_photo(Image.new("RGB", size, (10, 200, 30)), encoder)
    assert max(image.size) <= 2048
    np.testing.assert_array_equal(decode_photo(image, encoder), image)


def test_a_file_that_is_no_picture_is_refused(encoder):
    with pytest.raises(ImageError, match="not a picture"):
        query_of(b"nothing", encoder)


@pytest.mark.parametrize(
    ("sides", "box"),
    [
        ((0.2, 0.3, 0.6, 0.9), (0.2, 0.3, 0.6, 0.9)),
        ((0.6, 0.9, 0.2, 0.3), (0.2, 0.3, 0.6, 0.9)),
        ((-1, 0.5, 0.5, 2), (0, 0.5, 0.5, 1)),
        ((0, 0, 0.04, 1), WHOLE),
        ((0.01, 0.01, 0.99, 0.99), WHOLE),
        ((float("nan"), 0, 1, 1), WHOLE),
    ],
)
def test_a_box_is_ordered_clipped_and_large_enough(sides, box):
    assert normalize_box(*sides) == box


def test_a_crop_is_the_part_inside_the_box():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4).repeat(3).reshape(3, 4, 3)
    image = load_rgb(Image.fromarray(pixels.repeat(10, 0).repeat(10, 1)))
    np.testing.assert_array_equal(
        crop_to_box(image, (0.25, 1 / 3, 0.75, 1)), np.asarray(image)[10:30, 10:30]
    )
    assert crop_to_box(image, WHOLE) is image
