"""Mutations of what visitors and catalogues send: an answer or one sentence, never anything else.

`LOOKBOOK_FUZZ=100 pytest tests/fuzz` tries a hundred times as many: some half an hour.
"""

from __future__ import annotations

import io
import json
import os
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lookbook.images.loading import ImageError, Limits, load_rgb
from lookbook.index.errors import IndexCorrupt
from lookbook.index.manifest import Manifest, add_checksum
from lookbook.schema.filters import FilterError, parse_where
from lookbook.search.index import Index
from lookbook.search.permalinks import from_params, to_params
from lookbook.search.query import Query, run
from lookbook.search.query_text import parse_negation
from lookbook.search.understanding import understand
from tests.shapes import draw_shape
from tests.tiny_index import publish_tiny

TIMES = int(os.environ.get("LOOKBOOK_FUZZ", "1"))
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
SMALL = Limits(max_bytes=1 << 20, max_pixels=1 << 20)


def many(examples: int):
    return settings(
        max_examples=5 * examples * TIMES,
        deadline=5000,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@cache
def picture(format: str) -> bytes:
    out = io.BytesIO()
    draw_shape("red", 1, (24, 32)).convert("P" if format == "GIF" else "RGB").save(out, format)
    return out.getvalue()


@st.composite
def mutations(draw, contents):
    """A content with a few bytes changed, cut out, repeated or put in, and perhaps its end cut."""
    data = bytearray(draw(contents))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 16))
        change = draw(st.sampled_from(("set", "cut", "repeat", "insert", "end")))
        if change == "set":
            data[at : at + length] = draw(st.binary(min_size=length, max_size=length))
        elif change == "cut":
            del data[at : at + length]
        elif change == "repeat":
            data[at:at] = data[at : at + length] * 4
        elif change == "insert":
            data[at:at] = draw(st.binary(max_size=length))
        else:
            del data[at:]
    return bytes(data)


@many(400)
@given(mutations(st.sampled_from([picture(name) for name in FORMATS])))
def test_a_mutated_picture_is_pixels_or_a_sentence(data):
    try:
        found = load_rgb(data, limits=SMALL)
    except ImageError as error:
        assert str(error)
        return
    assert isinstance(found, Image.Image) and found.mode == "RGB"
    assert found.width * found.height <= 1 << 20


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    publish_tiny(folder)
    return Index.open(folder)


@cache
def manifest() -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return (publish_tiny(Path(folder)) / "manifest.json").read_bytes()


def test_a_mutated_manifest_is_refused_or_the_same():
    right = Manifest.from_json(json.loads(manifest()))

    @many(300)
    @given(mutations(st.just(manifest())), st.booleans())
    def check(data, vouched):
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return
        try:
            read = Manifest.from_json(
                add_checksum(value) if vouched and isinstance(value, dict) else value
            )
        except IndexCorrupt as error:
            assert str(error)
            return
        assert vouched or "checksum" not in value or read == right

    check()


texts = st.text(max_size=40) | st.sampled_from(
    ["price<=", "colour=red|blue", "colour!=", "=", "a=b=c", "price>=1e999", "price<=NaN", "with,"]
)
words = st.lists(
    st.sampled_from(["red", "shirt", "without", "under", "€", "40", "blau", "not", "-", ",", "no"])
    | st.text(max_size=8),
    max_size=8,
).map(" ".join)


@many(400)
@given(st.lists(texts, max_size=4))
def test_any_filters_are_read_or_refused(shop, where):
    try:
        conditions = parse_where(where)
        allowed = shop.matching(conditions)
    except FilterError as error:
        assert str(error)
        return
    assert allowed.shape == (len(shop),)
    assert run(Query(where=conditions, count=5), shop).total_searched <= len(shop)


@many(300)
@given(words)
def test_any_words_are_understood_or_said_to_be_unknown(shop, text):
    wanted, unwanted = parse_negation(text)
    understand(wanted, unwanted, shop)


PARAMETERS = ("item", "words", "more", "less", "where", "n", "variety", "fold", "sort", "picture")


@many(400)
@given(st.dictionaries(st.sampled_from(PARAMETERS) | st.text(max_size=6), texts | st.integers()))
def test_any_link_opens_and_gives_a_link_that_opens_the_same(shop, params):
    query, _ = from_params(params, shop)
    again, warnings = from_params(to_params(query, index=shop), shop)
    assert to_params(again, index=shop) == to_params(query, index=shop)
    assert len(again.pictures) == len(query.pictures) and not warnings
