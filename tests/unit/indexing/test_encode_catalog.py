"""Pictures are decoded as their encoder and their detail need them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import load_rgb
from lookbook.indexing.encode_catalog import _decoded


def picture(size: tuple[int, int], file_format: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize(size).save(out, file_format)
    return out.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "size", [(300, 500), (639, 900), (640, 640), (1010, 1000), (1300, 1279), (2600, 2100)]
)
@pytest.mark.parametrize("detail_size", [200, 400, 500, 640, 1024])
def test_the_encoder_and_the_detail_get_the_pixels_that_each_would_decode(
    tiny_model, file_format, size, detail_size
):
    encoder, file = Encoder.load(tiny_model, precision="float32"), picture(size, file_format)
    image, larger = _decoded(file, encoder, detail_size)
    np.testing.assert_array_equal(image, encoder.preprocessing.open(file))
    side = max(detail_size, encoder.preprocessing.decode_side)
    np.testing.assert_array_equal(larger, load_rgb(file, min_side_hint=side))


@pytest.mark.parametrize(("side", "times"), [(400, 1), (1500, 2)])
def test_a_picture_that_nobody_reduces_is_decoded_once(tiny_model, monkeypatch, side, times):
    encoder, opened = Encoder.load(tiny_model, precision="float32"), []
    load = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: opened.append(1) or load(*a, **k))
    _decoded(picture((side, side), "JPEG"), encoder, 1024)
    assert len(opened) == times
