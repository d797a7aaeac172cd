"""The probability of results for photos; the features follow from how they are made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.errors import EncoderError, ModelUnusable
from lookbook.encoding.query_adapter import QueryAdapter
from lookbook.schema.filters import parse_where
from lookbook.search import Index, Query, run
from lookbook.search.calibration import Calibration
from lookbook.search.photo_calibration import (
    FEATURES,
    FILE,
    PhotoCalibration,
    features,
    kind_probabilities,
    photo_calibration,
    read_photo_calibration,
)
from lookbook.ui.services.search import derive_all
from tests.tiny_index import publish_tiny, small_extras

CURVE = Calibration("colour", (0.0, 1.0), (0.0, 1.0), 9)
VALUES = {
    "revision": "f00d",
    "head_dims": [1, 1, 1],
    "weights": {"kind_share": 1.0, "best": 0.0, "first_head": 0.0, "third_head": 0.0},
    "intercept": 0.0,
}


def feature(photo, scores, kinds, shown):
    arrays = np.array(list(kinds), object), np.array(list(shown), object)
    return features(np.array(photo, float), (1, 1, 1), np.array(scores), *arrays, CURVE)


def test_features_follow_from_their_definition():
    found = feature([0.2, 0.4, 0.8], [0.75, 0.75, 0.75, 0.75], "aaab", "abc")
    shares = 1 / (1 + np.exp(-found[:, 0]))
    assert shares == pytest.approx([0.75, 0.25, 0.005])
    assert found[:, 1] == pytest.approx([np.log(3)] * 3)
    assert found[:, 2] == pytest.approx([np.log(0.5)] * 3, abs=1e-4)
    assert found[:, 3] == pytest.approx([np.log(2)] * 3, abs=1e-4)


def test_nearer_pieces_count_more():
    (share,) = feature([1, 1, 1], [0.9, 0.8], "ab", "a")[:, 0]
    assert share == pytest.approx(1.0)  # the logit of e / (1 + e)


def test_heads_that_are_added_behind_change_nothing():
    short = feature([0.2, 0.4, 0.8], [0.5], "a", "a")
    longer = feature(0.5 * np.array([0.2, 0.4, 0.8, 9, 9]), [0.5], "a", "a")
    assert short == pytest.approx(longer, abs=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        *({"weights": {}}, {"head_dims": [1, 1]}, {"head_dims": [1, 1, 1e999]}),
        *(
            {"head_dims": dims}
            for dims in ([1, 0, 1], [1, -1, 1], [True, 1, 1], [1, 1, 1, 1], "111")
        ),
        *({"revision": value} for value in ("", None, 5)),
        *({"intercept": value} for value in ("x", "1", None, True, 1e999, 10**400, 1e300, -101)),
        *({"weights": VALUES["weights"] | {"best": w}} for w in (-0.1, float("nan"), 1e9, "1")),
        *({"weights": VALUES["weights"] | {"kind_share": w}} for w in (-1, float("inf"), 101)),
        *({"weights": VALUES["weights"] | {"third_head": w}} for w in (float("nan"), -1e9)),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path, change):
    (tmp_path / FILE).write_text(json.dumps(VALUES | change))
    with pytest.raises(ModelUnusable, match=FILE) as refused:
        PhotoCalibration.load(tmp_path)
    assert "found" in str(refused.value) or "KeyError" in str(refused.value)
    assert "put the file of the model there again, or remove it" in str(refused.value)


def test_what_is_written_is_read(tmp_path):
    assert PhotoCalibration.load(tmp_path) is None
    written = PhotoCalibration("f00d", (2, 3, 4), (0.1, 0.2, 0.3, 0.4), -1.0)
    (tmp_path / FILE).write_text(json.dumps(written.to_json()))
    assert PhotoCalibration.load(tmp_path) == written
    assert len(written.weights) == len(FEATURES)


@pytest.fixture
def index(tmp_path):
    """Nine red pieces beside the first axis, three blue ones a little further from it."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "query.json").write_text(
        json.dumps({"revision": "f00d", "head_dims": [1, 1, 1], "scales": {}})
    )
    (model / FILE).write_text(json.dumps(VALUES))
    angles = np.r_[np.linspace(0.01, 0.09, 9), np.linspace(0.11, 0.13, 3)]
    vectors = np.stack([np.cos(angles), np.sin(angles), np.zeros(12)], axis=1).astype(np.float32)
    encoder = {"id": "tiny", "revision": "f00d", "pooling": "avg", "model": str(model)}
    colours = ["red"] * 9 + ["blue"] * 3
    items = {"id": [str(n) for n in range(12)], "title": ["a"] * 12, "colour": colours}
    publish_tiny(
        tmp_path / "index", vectors=vectors, items=items, thumbs=[b""] * 12, encoder=encoder,
        enrich=small_extras,
    )  # fmt: skip
    return Index.open(tmp_path / "index", engine="exact")


def test_results_have_the_probability_of_their_kind(index, monkeypatch):
    for module in ("photo_calibration", "query"):
        monkeypatch.setattr(
            f"lookbook.search.{module}.calibrations", lambda index: {"photo": CURVE}
        )
    photo = np.array([1.0, 0, 0], np.float32)
    red, few = run(Query(pictures=(photo,), count=12), index), Query(pictures=(photo,), count=2)
    by_kind = {hit.item.attributes["colour"]: hit.same_kind for hit in red.hits}
    assert by_kind["red"] == pytest.approx(0.75, abs=0.03)
    assert by_kind["red"] + by_kind["blue"] == pytest.approx(1)
    assert run(few, index).hits[0].same_kind == by_kind["red"], "whatever number is asked for"

    blue = Query(pictures=(photo,), where=parse_where(["colour=blue"]))
    assert run(blue, index).hits[0].same_kind == by_kind["blue"], "whatever filters hold"
    for other in (Query(item="0"), Query(pictures=(photo,), item="0"), Query()):
        assert all(hit.same_kind is None for hit in run(other, index).hits)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(VALUES | {"revision": "0ther"}), "fitted to weights of revision 0ther"),
        (json.dumps({k: v for k, v in VALUES.items() if k != "revision"}), "expected a revision"),
        ("{", "expected a revision"),
        ("[" * 100_000, "expected a revision"),
    ],
)
def test_a_file_that_does_not_fit_is_told_once_at_the_start_and_left_out(
    index, tmp_path, content, said, caplog
):
    (tmp_path / "model" / FILE).write_text(content)
    with pytest.raises(EncoderError, match=said):
        read_photo_calibration(index)
    derive_all(index)  # what the site does when it starts
    assert [said in record.getMessage() for record in caplog.records] == [True]
    (hit,) = run(Query(pictures=(np.array([1.0, 0, 0], np.float32),), count=1), index).hits
    assert hit.same_kind is None and len(caplog.records) == 1


def test_the_shipped_file_belongs_to_the_shipped_weights():
    shipped, adapter = PhotoCalibration.load(DEFAULT_MODEL), QueryAdapter.load(DEFAULT_MODEL)
    assert shipped.revision == adapter.revision
    assert shipped.head_dims == adapter.head_dims[:3]


def test_without_a_fitted_model_nothing_is_said(tmp_path):
    publish_tiny(tmp_path / "index")
    plain = Index.open(tmp_path / "index")
    assert photo_calibration(plain) is None
    hits = run(Query(item=plain.items[0].id), plain).hits
    assert kind_probabilities(np.ones(8, np.float32), hits, plain) is None
