"""What a build stores of its own result."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.index import Generation
from lookbook.indexing.enrichment import enrich
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.index import Index
from tests.tiny_index import random_vectors, write_tiny


def catalogue(tmp_path, **options):
    """40 items of two colours that lie apart."""
    count = 40
    side = np.arange(count) % 2
    items = {
        "id": [str(n) for n in range(count)],
        "title": ["x"] * count,
        "category": ["bag" if s else "shoe" for s in side],
        "season": ["Summer", "Summer", "Winter", "Winter"] * 10,
    }
    vectors = (6 * np.eye(2, 8)[side] + random_vectors(count, 8)).astype(np.float32)
    thumbs = [b""] * count
    return write_tiny(tmp_path, vectors=vectors, items=items, thumbs=thumbs, count=count, **options)


def test_a_generation_learns_what_it_is_worth(tmp_path):
    index = Index(Generation.open(catalogue(tmp_path, enrich=enrich)))
    assert calibration(index).kind == "category"
    scores = [hit.score for hit in index.similar("0", k=5)]
    assert calibration(index).of(scores[0]).probability > 0.9
    assert calibration(index).of(-0.5).probability < 0.1
    assert projection_2d(index).shape == (40, 2)
    assert evaluation(index)["evaluation"]["category"]["P@10"]["value"] > 0.95
    assert [a["column"] for a in evaluation(index)["audit"]["attributes"]] == ["season"]


def test_the_map_can_be_left_out_and_all_follows_from_the_seed(tmp_path):
    files = [
        enrich(Generation.open(catalogue(tmp_path / str(n))), draw_map=not n, seed=3)
        for n in range(2)
    ]
    assert set(files[0]) - set(files[1]) == {"map.npy"}
    assert all(files[0][name] == files[1][name] for name in files[1])
    again = enrich(Generation.open(catalogue(tmp_path / "2")), seed=3)
    np.testing.assert_array_equal(files[0]["map.npy"], again["map.npy"])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_items_teach_little_and_break_nothing(tmp_path, count):
    index = Index(Generation.open(write_tiny(tmp_path, count=count, enrich=enrich)))
    assert evaluation(index)["audit"] is None
    assert evaluation(index)["notes"]
    assert (calibration(index) is None) == (count == 1)
    assert projection_2d(index).shape == (count, 2)
