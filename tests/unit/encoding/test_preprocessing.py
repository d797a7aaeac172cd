"""Preprocessing of a model, and its hash."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.encoding.errors import EncoderError
from lookbook.encoding.preprocessing import Preprocessing
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
