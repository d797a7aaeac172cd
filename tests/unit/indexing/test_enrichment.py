"""What a build stores of its own result."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook.index import Generation
from lookbook.indexing.enrichment import enrich
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
    index = Index(Generation.open(catalogue(tmp_path, learn=enrich)))
    assert index.calibration.kind == "category"
    scores = [hit.score for hit in index.similar("0", k=5)]
    assert index.calibration.of(scores[0]).share > 0.9
    assert index.calibration.of(-0.5).share < 0.1
    assert index.map.shape == (40, 2)
    assert index.evaluation["evaluation"]["category"]["P@10"]["value"] > 0.95
    assert [a["column"] for a in index.evaluation["audit"]["attributes"]] == ["season"]


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
    index = Index(Generation.open(write_tiny(tmp_path, count=count, learn=enrich)))
    assert index.evaluation["audit"] is None
    assert index.evaluation["notes"]
    assert (index.calibration is None) == (count == 1)
    assert index.map.shape == (count, 2)
