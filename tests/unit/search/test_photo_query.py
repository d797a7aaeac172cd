"""A photo as a query: decoded once, and every crop of the same pixels."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lookbook.encoding import localization
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import Garment
from lookbook.encoding.query_adapter import QueryAdapter
from lookbook.images.loading import ImageError, load_rgb
from lookbook.search import photo_queries
from lookbook.search import photo_query as query_of
from lookbook.search.photo_query import (
    _UNDO,
    WHOLE,
    crop_to_box,
    decode_photo,
    normalize_box,
    turn_box,
)
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
    checks = np.indices((500, 400)).sum(0) // 4 % 2 * 60 + 60
    assert query_of(picture_of(checks[..., None].repeat(3, 2)), encoder).box == WHOLE


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


@pytest.mark.parametrize("size", [(9000, 8), (8, 9000), (9000, 35), (30_000, 117)])
@pytest.mark.parametrize("crop", [True, False, (0.1, 0.1, 0.9, 0.9)])
def test_a_picture_too_thin_to_be_reduced_is_named_by_its_own_size(encoder, size, crop):
    with pytest.raises(ImageError) as refused:
        query_of(Image.effect_noise(size, 200), encoder, crop)
    assert refused.value.reason == "too-small"
    least = 36 if 9000 in size else 118
    expected = f"The picture has {size[0]} x {size[1]} pixels; at least {least} on each side"
    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize("size", [(9000, 36), (36, 9000), (30_000, 118)])
def test_a_picture_that_is_just_not_too_thin_is_decoded(encoder, size):
    assert min(decode_photo(Image.effect_noise(size, 200), encoder).size) == 8


def test_a_part_that_is_too_small_is_named_as_a_part(encoder):
    with pytest.raises(ImageError, match="This part of the picture has 400 x 4 pixels") as refused:
        query_of(Image.effect_noise((400, 40), 200), encoder, (0, 0.2, 1, 0.3))
    assert refused.value.reason == "too-small"


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


@pytest.mark.parametrize("size", [(9000, 8), (8, 9000)])
@pytest.mark.parametrize("box", [(0.1, 0.1, 0.2, 0.2), (0.9, 0.9, 1, 1)])
def test_a_part_of_a_strip_is_refused_as_a_picture_that_is_too_small(encoder, size, box):
    strip = Image.effect_noise(size, 200)
    with pytest.raises(ImageError) as refused:
        query_of(strip, encoder, box)
    assert refused.value.reason == "too-small"


def picture_of(pixels):
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def stored_as_jpeg(picture):
    """A picture with the edges of JPEG's blocks."""
    file = io.BytesIO()
    picture.resize((240, 300)).save(file, "JPEG", quality=60)
    return load_rgb(file.getvalue())


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (Image.new("RGB", (400, 500), (250, 250, 250)), "blank"),
        (Image.new("RGB", (400, 500), (180, 30, 60)), "blank"),
        (Image.new("RGB", (400, 500), (255, 0, 0)), "blank"),
        (Image.new("RGB", (400, 500), (0, 0, 0)), "dark"),
        (picture_of(np.random.default_rng(0).normal(8, 3, (500, 400, 3))), "dark"),
        (load_rgb(street()).filter(ImageFilter.GaussianBlur(90)), "blurred"),
        (stored_as_jpeg(load_rgb(street()).filter(ImageFilter.GaussianBlur(120))), "blurred"),
    ],
)
def test_a_photo_that_shows_nothing_is_refused_with_a_sentence(encoder, photo, reason):
    with pytest.raises(ImageError, match=r"^This photo .*\.$") as caught:
        query_of(photo, encoder)
    assert caught.value.reason == reason


def test_a_soft_photo_and_a_pale_garment_are_searched(encoder):
    query_of(load_rgb(street()).filter(ImageFilter.GaussianBlur(4)), encoder)
    pale = Image.new("RGB", (300, 400), (255, 255, 255))
    pale.paste((228, 226, 224), (80, 90, 220, 330))
    query_of(pale, encoder)


def test_only_the_searched_part_must_show_something(encoder):
    photo = Image.new("RGB", (400, 400), (90, 90, 90))
    photo.paste(load_rgb(street((200, 200))), (200, 200))
    assert query_of(photo, encoder, (0.5, 0.5, 1, 1)).box == (0.5, 0.5, 1, 1)
    with pytest.raises(ImageError, match="even surface"):
        query_of(photo, encoder, (0, 0, 0.4, 0.4))


@pytest.fixture
def turn_encoder(tiny_model):
    """An encoder whose turns are learnt from one photo, and so tells each of its four."""
    encoder = Encoder.load(tiny_model, precision="float32")
    upright = decode_photo(street(), encoder)
    seen = encoder.encode([upright.rotate(90 * quarters, expand=True) for quarters in range(4)])
    weight = (np.linalg.pinv(seen) @ (8 * np.eye(4))).T.astype(np.float32)
    bias = np.zeros(4, np.float32)
    encoder.query_adapter = QueryAdapter("r", (32,), turn_weight=weight, turn_bias=bias)
    return encoder


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_photo_is_turned_back(turn_encoder, quarters):
    upright = decode_photo(street(), turn_encoder)
    photo = upright.rotate(90 * quarters, expand=True)
    found = query_of(photo, turn_encoder, crop=False)
    np.testing.assert_array_equal(found.image, upright)
    np.testing.assert_allclose(found.vector, turn_encoder.encode([upright])[0], atol=1e-5)
    boxed = query_of(photo, turn_encoder, (0.1, 0.1, 0.9, 0.9))
    assert boxed.image.size == photo.size, "a box that was drawn keeps its photo as it is"


def test_a_photo_that_looks_turned_in_every_turn_stays_as_it_is(turn_encoder):
    """Its first vector says turned by a quarter, and so does what it looks like turned back."""
    photo = decode_photo(street(), turn_encoder)
    turn_encoder.query_adapter = replace(
        turn_encoder.query_adapter,
        turn_weight=np.zeros((4, 32), np.float32),
        turn_bias=np.array([0, 1, 0, 0], np.float32),
    )
    found = query_of(photo, turn_encoder, crop=False)
    np.testing.assert_array_equal(found.image, photo)


@pytest.mark.parametrize("turn", _UNDO.values())
def test_a_box_turns_with_its_picture(turn):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[10:20, 20:60] = 200
    box = (0.25, 0.25, 0.75, 0.5)
    turned = Image.fromarray(pixels).transpose(turn)
    part = np.asarray(crop_to_box(turned, turn_box(box, turn)))
    assert (part == 200).all()
    assert part.size == 400 * 3


def test_each_garment_is_a_query_of_its_own(encoder, monkeypatch):
    image = Image.fromarray(np.asarray(decode_photo(street(), encoder).resize((400, 400))))
    shoes, top = Garment(200, 200, 300, 300, 0.9, "shoes"), Garment(150, 40, 250, 140, 0.8, "top")
    monkeypatch.setattr(localization, "find_garments", lambda encoder, image: [shoes, top])
    queries = photo_queries(image, encoder)
    assert [garment.kind for garment, _ in queries] == ["top", "shoes"], "from the top down"
    assert queries[0][0].box == pytest.approx((0.35, 0.075, 0.65, 0.375)), "10 % more"
    for garment, query in queries:
        assert query.box == garment.box
        alone = query_of(image, encoder, crop=garment.box)
        np.testing.assert_allclose(query.vector, alone.vector, atol=1e-5)


def test_a_photo_without_garments_gives_no_queries(encoder):
    assert photo_queries(Image.new("RGB", (200, 300), (90, 90, 90)), encoder) == []


def test_a_crop_that_leaves_out_little_is_not_encoded_again(encoder, monkeypatch):
    image = load_rgb(street())
    box = localization.BoundingBox(0, 0, image.width - 40, image.height * 3 // 4, 0.9)
    vector = encoder.encode([image])[0]
    monkeypatch.setattr(localization, "encode_and_locate", lambda *_: (vector, box))
    monkeypatch.setattr(encoder, "encode", lambda *_: pytest.fail("encoded again"))
    found = query_of(image, encoder)
    assert found.box == WHOLE
    np.testing.assert_array_equal(found.vector, vector)
