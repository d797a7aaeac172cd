"""Locate garments, and map positions of a feature map to the photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookbook.encoding.attribution import attribution_maps
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.localization import (
    BoundingBox,
    encode_and_locate,
    find_garment,
    find_garments,
    image_cells,
    unletterbox,
)
from lookbook.encoding.query_adapter import QueryAdapter
from lookbook.images.loading import ImageError
from tests.garment_photos import garment_photo, striped_background


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load(device="cpu")


def intersection_over_union(box, truth):
    width = min(box.right, truth[2]) - max(box.left, truth[0])
    height = min(box.bottom, truth[3]) - max(box.top, truth[1])
    both = max(0, width) * max(0, height)
    area = (box.right - box.left) * (box.bottom - box.top)
    return both / (area + (truth[2] - truth[0]) * (truth[3] - truth[1]) - both)


@pytest.mark.parametrize("number", [0, 8, 12])
@pytest.mark.parametrize(
    ("size", "box"),
    [((480, 640), (60, 80, 300, 360)), ((640, 480), (330, 120, 580, 420))],
)
def test_the_garment_is_found_where_it_was_put(encoder, number, size, box):
    located = find_garment(encoder, garment_photo(number, size, box))
    assert located.confidence > 0.3
    assert intersection_over_union(located, box) > 0.6


def test_an_empty_background_and_a_studio_photo_give_the_whole_image(encoder):
    white = Image.new("RGB", (200, 260), (250, 250, 250))
    white.paste((200, 30, 40), (60, 60, 140, 200))
    assert find_garment(encoder, white) == BoundingBox(0, 0, 200, 260, 0.0)
    grey = Image.new("RGB", (120, 90), (90, 90, 90))
    assert find_garment(encoder, grey) == BoundingBox(0, 0, 120, 90, 0.0)


def test_every_garment_of_a_photo_is_found(encoder):
    photo = striped_background((640, 480))
    boxes = [(40, 60, 280, 400), (370, 90, 600, 410)]
    for number, box in zip((14, 40), boxes, strict=True):
        photo.paste(garment_photo(number, photo.size, box).crop(box), box[:2])
    found = find_garments(encoder, photo)
    assert 2 <= len(found) <= 6
    for box in boxes:
        assert max(intersection_over_union(one, box) for one in found) > 0.6
    assert all(one.kind in encoder.garment_kinds.names for one in found)
    assert [one.confidence for one in found] == sorted((f.confidence for f in found), reverse=True)
    assert find_garments(encoder, Image.new("RGB", (120, 90), (90, 90, 90))) == []


@given(width=st.integers(8, 2000), height=st.integers(8, 2000), side=st.integers(2, 30))
def test_unletterbox_cuts_off_the_margins(width, height, side):
    rows, columns = unletterbox(np.zeros((side, side)), (width, height)).shape
    assert max(rows, columns) == side
    expected = max(1, side * min(width, height) / max(width, height))
    assert abs(min(rows, columns) - expected) <= 1


@pytest.mark.parametrize("size", [(8, 8), (9, 700), (700, 12), (20, 2000)])
def test_parts_that_are_too_small_for_a_picture_are_no_garments(encoder, size):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    for one in find_garments(encoder, Image.fromarray(noise)):
        assert min(one.right - one.left, one.bottom - one.top) >= 8


def test_the_kind_of_a_garment_is_that_of_its_part_as_a_photo(encoder, monkeypatch):
    """It is told from the vector of the part with some room around it, and so is how sure it is."""
    photo = striped_background((640, 480))
    for number, box in zip((14, 40), [(40, 60, 280, 400), (370, 90, 600, 410)], strict=True):
        photo.paste(garment_photo(number, photo.size, box).crop(box), box[:2])
    names, seen = encoder.garment_kinds.names, []

    def kinds(adapter, vectors):
        seen.extend(vectors)
        return 0.9 * np.eye(len(names), dtype=np.float32)[[names.index("skirt")]]

    assert {one.kind for one in find_garments(encoder, photo)} != {"skirt"}
    monkeypatch.setattr(QueryAdapter, "kinds", kinds)
    found = find_garments(encoder, photo)
    assert {(one.kind, round(one.confidence, 3)) for one in found} == {("skirt", 0.9)}
    one = found[0]
    x, y = 0.1 * (one.right - one.left), 0.1 * (one.bottom - one.top)
    room = (one.left - x, one.top - y, one.right + x, one.bottom + y)
    part = encoder.encode([photo.crop(tuple(map(round, room)))])[0]
    assert (np.stack(seen) @ part / np.linalg.norm(seen, axis=1)).max() > 0.99


def test_unletterbox_keeps_the_cells_of_the_image():
    square = np.zeros((8, 8))
    square[2:6] = np.arange(1, 5)[:, None]
    np.testing.assert_array_equal(unletterbox(square, (200, 100)), square[2:6])
    np.testing.assert_array_equal(unletterbox(square.T, (100, 200)), square.T[:, 2:6])


def test_unletterbox_keeps_the_cells_of_an_image_in_a_frame_that_is_no_square():
    frame = np.arange(48).reshape(6, 8)
    np.testing.assert_array_equal(unletterbox(frame, (400, 200)), frame[1:5])
    np.testing.assert_array_equal(unletterbox(frame, (300, 300)), frame[:, 1:7])
    np.testing.assert_array_equal(unletterbox(frame, (400, 300)), frame)


@given(width=st.integers(8, 2000), height=st.integers(8, 2000), side=st.integers(2, 30))
def test_the_cells_of_the_image_are_exact(width, height, side):
    rows, columns = unletterbox(np.zeros((side, side)), (width, height)).shape
    left, top, right, bottom = image_cells(side, (width, height))
    assert 0 <= left < right <= columns
    assert 0 <= top < bottom <= rows
    assert right - left <= max(1, side * width / max(width, height)) + 1e-9
    assert bottom - top <= max(1, side * height / max(width, height)) + 1e-9


def test_a_photo_is_located_and_encoded_in_one_forward_pass(encoder, monkeypatch):
    photo = garment_photo(0, (480, 640), (60, 80, 300, 360))
    expected = encoder.encode([photo])[0], find_garment(encoder, photo)
    passes = []
    both = encoder.backend.embed_with_maps
    monkeypatch.setattr(
        encoder.backend, "embed_with_maps", lambda *args: passes.append(args) or both(*args)
    )
    for name in ("embed", "feature_maps"):
        monkeypatch.setattr(encoder.backend, name, lambda *args: pytest.fail("another pass"))
    vector, box = encode_and_locate(encoder, photo)
    assert len(passes) == 1
    np.testing.assert_allclose(vector, expected[0], atol=1e-5)
    assert box == expected[1]


def test_the_mean_of_the_projected_map_is_the_vector(encoder):
    picture = garment_photo(0, (300, 300), (60, 40, 240, 260))
    positions = encoder.projected_map(picture)
    mean = positions.reshape(-1, encoder.dim).mean(axis=0)
    vector = encoder.encode([picture])[0]
    assert mean @ vector / np.linalg.norm(mean) > 0.999


def test_the_maps_of_several_pictures_are_those_of_each(encoder):
    pictures = [striped_background(size, seed) for seed, size in enumerate([(90, 120), (80, 60)])]
    together = encoder.feature_maps_of(pictures)
    for picture, maps in zip(pictures, together, strict=True):
        for one, other in zip(maps, encoder.feature_maps(picture), strict=True):
            np.testing.assert_allclose(one, other, atol=0.02 * np.abs(other).max())
    assert encoder.feature_maps_of([]) == []


def test_a_photo_is_searched_for_garments_without_the_margins_of_a_square(encoder, monkeypatch):
    seen = []
    infer = encoder.backend.feature_maps
    monkeypatch.setattr(
        encoder.backend,
        "feature_maps",
        lambda pixels, stages: seen.append(pixels.shape[1:3]) or infer(pixels, stages),
    )
    for size, shape in (
        ((480, 640), (320, 256)),
        ((900, 300), (128, 320)),
        ((200, 200), (320, 320)),
    ):
        seen.clear()
        box = (size[0] // 4, size[1] // 4, size[0] // 2, size[1] - 20)
        find_garments(encoder, garment_photo(12, size, box))
        assert seen[0] == shape


def test_larger_inputs_and_earlier_stages_give_finer_maps(encoder):
    picture = striped_background((100, 100))
    own = encoder.feature_map(picture)
    fine, early = encoder.feature_map(picture, 320), encoder.feature_map(picture, 320, -2)
    assert len(own) < len(fine) < len(early)
    assert early.shape[2] < fine.shape[2]


def test_invalid_data_is_an_image_error(encoder):
    for function in (find_garment, find_garments, lambda e, p: attribution_maps(e, p, p)):
        with pytest.raises(ImageError):
            function(encoder, b"no picture")


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_model_with_position_embeddings_keeps_its_size(tmp_path, monkeypatch, backend):
    if backend == "openvino":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
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
    vit = Encoder.load(tmp_path, device="cpu", backend=backend)
    for stage in (-1, -2):
        assert vit.feature_map(striped_background((90, 90)), 320, stage).shape == (4, 4, 16)
    heatmap, _ = attribution_maps(vit, striped_background((90, 90)), striped_background((90, 45)))
    assert heatmap.shape == (4, 4)
    assert isinstance(find_garment(vit, striped_background((90, 90))), BoundingBox)
    assert find_garments(vit, striped_background((90, 90))) == [], "no category head, no kinds"
