"""Preprocessing of a model, and its hash."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.preprocessing import PROCESSOR_FILE, Preprocessing, read_processor
from tests.shapes import draw_shape

SHIPPED = Preprocessing(160, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_hash_is_that_of_indexes_already_built():
    assert SHIPPED.hash == "6d34501f5f9a40ee"  # in the manifest of the shipped index


def test_every_field_changes_the_hash():
    changes = [
        {"size": 161},
        {"scale": 1.0},
        {"mean": (0.0, 0.456, 0.406)},
        {"std": (1.0, 0.224, 0.225)},
        {"denoise": True},
        {"min_decode_side": 321},
    ]
    hashes = {replace(SHIPPED, **change).hash for change in changes}
    assert len(hashes | {SHIPPED.hash}) == 7


def test_preprocess_is_open_then_resize():
    image = draw_shape("red", 1)
    pixels = SHIPPED.preprocess(image)
    assert (pixels.shape, pixels.dtype) == ((160, 160, 3), np.uint8)
    np.testing.assert_array_equal(pixels, SHIPPED.resize(SHIPPED.open(image)))
    assert SHIPPED.resize(image, 96).shape == (96, 96, 3)


def test_a_processor_without_a_size_is_rejected():
    processor = SimpleNamespace(size={"longest": 7})
    with pytest.raises(EncoderError, match=r"expected a height or an edge .* found .*longest"):
        Preprocessing.of(processor)


PLAIN = {
    "image_processor_type": "ConvNextImageProcessor",
    "size": {"shortest_edge": 96},
    "do_rescale": True,
    "rescale_factor": 0.00392156862745098,
    "do_normalize": True,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_normalize": False},
        {"do_rescale": False},
        {"size": {"shortest_edge": 160}, "crop_pct": 1.0, "resample": 3},
    ],
)
def test_a_plain_processor_is_read_as_transformers_reads_it(tmp_path, settings):
    from transformers import AutoImageProcessor

    (tmp_path / PROCESSOR_FILE).write_text(json.dumps(PLAIN | settings))
    theirs = Preprocessing.of(AutoImageProcessor.from_pretrained(tmp_path, backend="pil"))
    assert Preprocessing.of(read_processor(tmp_path)) == theirs


def test_the_shipped_processor_is_plain():
    assert Preprocessing.of(read_processor(DEFAULT_MODEL)) == SHIPPED


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps(PLAIN | {"image_processor_type": "CLIPImageProcessor"}),  # crops
        json.dumps({name: value for name, value in PLAIN.items() if name != "image_std"}),
        json.dumps(PLAIN | {"image_mean": [0.5]}),
        json.dumps(PLAIN | {"size": 96}),
        json.dumps(PLAIN | {"rescale_factor": "1/255"}),
    ],
)
def test_any_other_processor_is_left_to_transformers(tmp_path, content):
    assert read_processor(tmp_path) is None
    (tmp_path / PROCESSOR_FILE).write_text(content)
    assert read_processor(tmp_path) is None
