"""Results of a photo keep its kind and colour, on an index whose right answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.search import Query, run
from tests.unit.search.test_intents import shop, write_model

KINDS = ["hat", "hat", "hat", "hat", "shoe", "shoe"]
# the first axis says how close an item is to the photo, the third its colour
CLOSE = [1.0, 0.98, 0.97, 0.90, 0.93, 0.92]
PHOTO = np.array([1.0, 0.0, 0.0], np.float32)


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model")
    return tmp_path


def opened(folder, colours=(0,) * 6, **columns):
    vectors = [[c, np.sqrt(1 - c**2 - h**2), h] for c, h in zip(CLOSE, colours, strict=True)]
    items = {"id": list("012345"), "title": ["thing"] * 6}
    given = {"vectors": np.array(vectors, np.float32), "items": items | columns}
    # the photo's scales (1, 0, 1) leave the second axis out
    return shop(folder, **given)


def ids(index, **options):
    return [hit.id for hit in run(Query(pictures=(PHOTO,), fold=None, **options), index).hits]


def test_the_kind_of_most_of_the_first_hits_comes_first(folder):
    assert ids(opened(folder)) == ["0", "1", "2", "4", "5", "3"], "by cosine"


def test_the_kind_moves_up_where_the_shop_has_a_column_of_kinds(folder):
    assert ids(opened(folder, kind=KINDS)) == ["0", "1", "2", "3", "4", "5"]


def test_a_column_that_says_nothing_of_kinds_moves_nothing(folder):
    assert ids(opened(folder, brand=KINDS)) == ["0", "1", "2", "4", "5", "3"]


def test_items_without_a_kind_are_still_shown(folder):
    index = opened(folder, kind=[None if kind == "shoe" else kind for kind in KINDS])
    assert sorted(ids(index)) == list("012345")


def test_the_first_hit_stays_even_of_another_kind(folder):
    index = opened(folder, kind=["shoe", "hat", "hat", "hat", "hat", "hat"])
    assert ids(index)[0] == "0"


def test_the_colour_that_the_shop_names_counts_more_than_how_one_photo_looks(folder):
    """Item 3 looks blue, but the shop calls it red, as it does other items that look red."""
    looks = [0.0, 0.05, 0.05, -0.02, -0.05, -0.05]
    index = opened(folder, looks, colour=["red", "red", "red", "red", "blue", "blue"])
    red = np.array([1.0, 0.0, 0.06], np.float32)
    found = [hit.id for hit in run(Query(pictures=(red,), fold=None), index).hits]
    assert found.index("3") < found.index("4")
    unnamed = opened(folder, looks, colour=["red", "red", "red", None, "blue", "blue"])
    found = [hit.id for hit in run(Query(pictures=(red,), fold=None), unnamed).hits]
    assert sorted(found) == list("012345")


def test_filters_and_the_number_of_results_hold(folder):
    index = opened(folder, kind=KINDS)
    assert ids(index, where=("kind=shoe",)) == ["4", "5"]
    assert ids(index, count=3) == ids(index)[:3]
