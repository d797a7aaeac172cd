"""The garment is found where it was put, and heat falls where two pictures agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from house_collection.collection import products
from house_collection.product import draw_cutout
from lookbook.encoding.attribution import attribution_maps, overlay, shared
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import BoundingBox, crop, find_garment, unletterbox
from lookbook.images.loading import ImageError
from lookbook.search.index import IndexItem


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load(device="cpu")


def boards(size, seed=0):
    """A striped, uneven ground."""
    w, h = size
    draw = np.random.default_rng(seed)
    rows = 150 + 14 * np.sin(np.arange(h) / 7)[:, None, None] + draw.normal(0, 4, (h, w, 3))
    return Image.fromarray(np.clip(rows * (1, 0.85, 0.7), 0, 255).astype(np.uint8))


def on_boards(number, size, box, tint=(1, 1, 1)):
    """A drawn product inside `box` of a picture."""
    product = next(p for p in products(number + 1) if p.number == number)
    cut = draw_cutout(product)
    cut = cut.crop(cut.getchannel("A").getbbox()).resize((box[2] - box[0], box[3] - box[1]))
    picture = Image.fromarray((np.asarray(boards(size)) * tint).astype(np.uint8))
    picture.paste(cut, box[:2], cut)
    return picture


def overlap(frame, box):
    width = min(frame.right, box[2]) - max(frame.left, box[0])
    height = min(frame.bottom, box[3]) - max(frame.top, box[1])
    both = max(0, width) * max(0, height)
    areas = (frame.right - frame.left) * (frame.bottom - frame.top)
    return both / (areas + (box[2] - box[0]) * (box[3] - box[1]) - both)


@pytest.mark.parametrize("number", [0, 8, 12])
@pytest.mark.parametrize(
    ("size", "box"),
    [((480, 640), (60, 80, 300, 360)), ((640, 480), (330, 120, 580, 420))],
)
def test_the_garment_is_found_where_it_was_put(encoder, number, size, box):
    frame = find_garment(encoder, on_boards(number, size, box))
    assert frame.confidence > 0.3
    assert overlap(frame, box) > 0.6


def test_a_ground_without_a_garment_and_a_studio_shot_are_whole(encoder):
    white = Image.new("RGB", (200, 260), (250, 250, 250))
    white.paste((200, 30, 40), (60, 60, 140, 200))
    assert find_garment(encoder, white) == BoundingBox(0, 0, 200, 260, 0.0)
    grey = Image.new("RGB", (120, 90), (90, 90, 90))
    assert find_garment(encoder, grey) == BoundingBox(0, 0, 120, 90, 0.0)


@given(box=st.tuples(*[st.integers(-300, 400)] * 4))
def test_any_frame_crops_something(box):
    picture = Image.new("RGB", (100, 80))
    size = crop(picture, BoundingBox(*box, 1.0)).size
    assert 8 <= size[0] <= 100 and 8 <= size[1] <= 80


def test_a_crop_is_what_is_inside():
    pixels = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
    cut = crop(pixels, BoundingBox(10, 5, 30, 25, 1.0))
    np.testing.assert_array_equal(np.asarray(cut), pixels[5:25, 10:30])


@given(width=st.integers(8, 2000), height=st.integers(8, 2000), side=st.integers(2, 30))
def test_the_margins_of_the_letterbox_are_cut_off(width, height, side):
    rows, columns = unletterbox(np.zeros((side, side)), (width, height)).shape
    assert max(rows, columns) == side
    expected = max(1, side * min(width, height) / max(width, height))
    assert abs(min(rows, columns) - expected) <= 1


def test_a_map_is_brought_back_to_the_picture():
    square = np.zeros((8, 8))
    square[2:6] = np.arange(1, 5)[:, None]
    np.testing.assert_array_equal(unletterbox(square, (200, 100)), square[2:6])
    np.testing.assert_array_equal(unletterbox(square.T, (100, 200)), square.T[:, 2:6])


def test_the_mean_of_the_projected_places_is_the_vector(encoder):
    picture = on_boards(0, (300, 300), (60, 40, 240, 260))
    places = encoder.projected_map(picture)
    mean = places.reshape(-1, encoder.dim).mean(axis=0)
    vector = encoder.encode([picture])[0]
    assert mean @ vector / np.linalg.norm(mean) > 0.999


def test_a_finer_map_and_an_earlier_one_have_more_places(encoder):
    picture = boards((100, 100))
    own = encoder.feature_map(picture)
    fine, early = encoder.feature_map(picture, 320), encoder.feature_map(picture, 320, -2)
    assert len(own) < len(fine) < len(early)
    assert early.shape[2] < fine.shape[2]


def test_the_heat_lies_on_what_both_show(encoder):
    """The same piece on the left of one picture and on the right of another, on two grounds."""
    shares = []
    for number in (0, 4, 8, 12):
        left = on_boards(number, (480, 320), (30, 60, 210, 260))
        right = on_boards(number, (480, 320), (270, 60, 450, 260), tint=(0.4, 0.8, 1))
        for heatmap, side in zip(attribution_maps(encoder, left, right), (0, 1), strict=True):
            assert heatmap.min() >= 0 and heatmap.max() == pytest.approx(1)
            halves = np.array_split(heatmap, 2, axis=1)
            shares.append(halves[side].mean() / halves[1 - side].mean())
    assert min(shares) > 1, "more on the piece than on the ground, in every picture"
    assert np.median(shares) > 1.5


def test_heat_has_the_shape_of_its_picture(encoder):
    tall, wide = attribution_maps(encoder, boards((100, 200)), boards((300, 100)))
    assert tall.shape[0] > tall.shape[1]
    assert wide.shape[0] < wide.shape[1]


def test_an_overlay_dims_what_is_cold():
    picture = Image.new("RGB", (40, 20), (10, 200, 30))
    shown = np.asarray(overlay(picture, np.array([[0.0, 1.0]])), int)
    assert shown.shape == (20, 40, 3)
    assert np.ptp(shown[10, 2]) < 5
    assert shown[10, 37, 1] - shown[10, 37, 2] > 90


def test_shared_attributes_keep_their_order():
    one = IndexItem("1", "", {"gender": "Men", "colour": "red", "year": 2012, "x": None, "y": "NA"})
    other = IndexItem("2", "", {"year": 2012, "gender": "men", "x": None, "colour": "b", "y": "NA"})
    assert shared(one, other) == [("gender", "Men"), ("year", 2012)]
    assert shared(one, IndexItem("3", "", {})) == []


def test_what_is_no_picture_is_an_image_error(encoder):
    for ask in (find_garment, lambda e, p: attribution_maps(e, p, p)):
        with pytest.raises(ImageError):
            ask(encoder, b"no picture")


def test_a_model_that_knows_its_places_by_number_keeps_its_size(tmp_path):
    import torch
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=64,
        patch_size=16,
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    vit = Encoder.load(tmp_path, device="cpu")
    for stage in (-1, -2):
        assert vit.feature_map(boards((90, 90)), 320, stage).shape == (4, 4, 16)
    heatmap, _ = attribution_maps(vit, boards((90, 90)), boards((90, 45)))
    assert heatmap.shape == (4, 4)
    assert isinstance(find_garment(vit, boards((90, 90))), BoundingBox)
