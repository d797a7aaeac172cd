"""Results to take away."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from lookbook.search.export import as_csv, contact_sheet
from lookbook.search.index import Hit, Index, IndexItem
from tests.tiny_index import publish_tiny

SHADES = [(200, 30, 40), (40, 150, 60), (40, 60, 190), (230, 200, 40), (25, 25, 25)]


def thumb(shade, size=(120, 160)):
    out = io.BytesIO()
    Image.new("RGB", size, shade).save(out, "WEBP", lossless=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    items = {"id": list("abcde"), "title": ["", "Süß " * 40, "x" * 500, "two\nlines", "Ordinary"]}
    publish_tiny(root, count=5, items=items, thumbs=[thumb(s) for s in SHADES])
    return Index.open(root)


def hits_of(index):
    return [Hit(item.id, 0.5, item, row) for row, item in enumerate(index.items)]


def test_a_sheet_shows_every_picture_in_its_order(shop):
    sheet = Image.open(io.BytesIO(contact_sheet(shop, hits_of(shop))))
    assert sheet.format == "JPEG"
    assert sheet.size == (4 * 256 + 16, 2 * (320 + 44 + 16) + 16)
    for n, shade in enumerate(SHADES):
        middle = (16 + n % 4 * 256 + 120, 16 + n // 4 * 380 + 160)
        assert np.abs(np.subtract(sheet.getpixel(middle), shade)).max() < 12
    assert min(sheet.getpixel((1000, 700))) > 250


def test_titles_stay_on_their_own_card(shop):
    one = hits_of(shop)[2:3]
    sheet = Image.open(io.BytesIO(contact_sheet(shop, one))).convert("L")
    assert sheet.size == (272, 396)
    assert np.asarray(sheet)[340:, 258:].min() > 200
    assert np.asarray(sheet)[340:, 16:256].min() < 120


def test_no_results_make_no_sheet(shop):
    with pytest.raises(ValueError, match="found none"):
        contact_sheet(shop, [])
    many = hits_of(shop) * 40
    assert Image.open(io.BytesIO(contact_sheet(shop, many))).height == 24 * 380 + 16


values = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)


@given(title=st.text(max_size=30), attributes=st.dictionaries(st.text(max_size=8), values))
def test_no_cell_is_a_formula_and_nothing_is_lost(title, attributes):
    texts = [text for text in (title, *attributes, *attributes.values()) if isinstance(text, str)]
    assume(not any(re.search(r"[;,\t\r\n]\s*[=+\-@|%＝＋－＠｜％]", text) for text in texts))
    hit = Hit("-7", 0.25, IndexItem("-7", title, attributes), 0)
    head, row = csv.reader(io.StringIO(as_csv([hit]), newline=""))
    assert head[:4] == ["rank", "id", "title", "score"]
    assert len(head) == len(row) == 4 + len(attributes)
    assert row[:2] == ["1", "'-7"] and row[3] == "0.2500"
    assert row[2].removeprefix("'") == title.removeprefix("'")
    texts = [v for v in (title, *attributes.values()) if isinstance(v, str)]
    cells = [row[2], *(c for c, v in zip(row[4:], attributes.values(), strict=True)
                       if isinstance(v, str))]  # fmt: skip
    assert len(cells) == len(texts)
    assert not any(cell.strip()[:1] in ("=", "+", "-", "@") for cell in cells if cell.strip())


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1+2", "@SUM(A1)", "\t=1", "  =1"])
def test_formulas_are_taken_for_text(text):
    row = as_csv([Hit("1", 1.0, IndexItem("1", text, {"price": -3}), 0)]).splitlines()[1]
    assert next(csv.reader([row]))[2] == "'" + text
    assert row.endswith(",-3")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Bag;=1+1", "Bag;'=1+1"),
        ("Bag\t@SUM(A1)", "Bag\t'@SUM(A1)"),
        ("Bag\n =1", "Bag\n '=1"),
        ("＝1+1", "'＝1+1"),
        ("Bag; ＋1", "Bag; '＋1"),
        ("Tote; black, 50-60 cm", "Tote; black, 50-60 cm"),
    ],
)
def test_formulas_after_another_separator_and_full_width_ones_are_text(text, cell):
    row = as_csv([Hit("1", 1.0, IndexItem("1", text, {}), 0)]).split("\r\n", 1)[1]
    assert next(csv.reader(io.StringIO(row, newline="")))[2] == cell


def test_no_results_are_a_head_alone():
    assert as_csv([]) == "rank,id,title,score\r\n"


def test_an_attribute_named_like_a_column_of_ours_keeps_its_own_column():
    item = IndexItem("a", "A", {"score": 7, "rank": "first"})
    rows = list(csv.DictReader(io.StringIO(as_csv([Hit("a", 0.5, item, 0)]))))
    assert (rows[0]["score"], rows[0]["score_"]) == ("0.5000", "7")
    assert (rows[0]["rank"], rows[0]["rank_"]) == ("1", "first")
