"""The queries that an engine is tuned on, made of pictures and texts of the catalogue."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lookbook.catalog import Item
from lookbook.encoding.encoder import Encoder
from lookbook.index.normalization import unit_vectors
from lookbook.indexing.tuning_queries import item_queries, photo_queries, text_queries, texts_of

COLOURS = ((180, 30, 40), (30, 60, 160), (40, 140, 60), (220, 200, 60))


def picture(number: int) -> bytes:
    image = Image.new("RGB", (120, 160), "white")
    image.paste(COLOURS[number], (30 + 5 * number, 20, 90, 140))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(precision="float32", device="cpu")


def test_photos_are_simulated_encoded_and_adapted_and_stay_near_their_pictures(encoder):
    pictures = [picture(number) for number in range(4)]
    rows = encoder.encode(pictures)
    photos = photo_queries(encoder, pictures, None)
    assert photos is not None
    assert photos.shape == rows.shape
    assert np.allclose(np.linalg.norm(photos, axis=1), 1, atol=1e-3)
    cosines = (photos * encoder.as_query(rows, "photo")).sum(1)
    assert (cosines < 0.99).all(), "a photo is not the picture that it is made of"
    assert np.array_equal(photos, photo_queries(encoder, pictures, None))


def test_items_are_adapted_as_the_site_adapts_them(encoder):
    rows = unit_vectors(np.random.default_rng(0).normal(size=(3, encoder.dim)))
    assert np.array_equal(item_queries(encoder, rows, None), encoder.as_query(rows, "item"))
    mean, matrix = rows.mean(0), np.eye(encoder.dim, 2, dtype=np.float32)
    projected = item_queries(encoder, rows, (mean, matrix))
    assert np.allclose(projected, unit_vectors((rows - mean) @ matrix), atol=1e-6)


def test_texts_are_those_that_the_encoder_knows_once_each(encoder):
    texts = text_queries(encoder, ["red dress", "red dress", "blue shirt", "¤¤¤"], None, 3.0)
    assert texts is not None
    expected = encoder.as_query(encoder.encode_text(["red dress", "blue shirt"]), "text")
    assert np.allclose(texts, 3 * expected, atol=1e-5)
    assert text_queries(encoder, ["¤¤¤"], None) is None


def test_a_picture_that_cannot_be_read_and_another_encoder_give_no_photos(encoder):
    assert photo_queries(encoder, [picture(0), b"no picture"], None) is None
    assert photo_queries(encoder, [], None) is None
    other: Encoder = object()  # type: ignore[assignment]
    assert photo_queries(other, [picture(0)], None) is None
    assert text_queries(other, ["red dress"], None) is None


def test_titles_and_attributes_take_turns():
    items = [
        Item(id=str(n), title=f"Title {n}", image=b"", attributes={"colour": "red", "price": 3.0})
        for n in range(3)
    ]
    assert texts_of(items) == ["Title 0", "red", "Title 2"]
