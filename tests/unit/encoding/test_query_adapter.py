"""Queries adapted to their intent: scales of heads and networks that are known by construction."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError, ModelUnusable
from lookbook.encoding.heads import HEADS_FILE, EmbeddingHeads
from lookbook.encoding.hub import revision
from lookbook.encoding.query_adapter import INTENTS, ColourHeads, QueryAdapter, check_query
from tests.tensors import write_tensor

DIMS = (2, 1)
SETTINGS = {"revision": "r", "head_dims": DIMS, "scales": {"item": (2, 0.5), "text": (1, 0)}}


def write(folder, settings=SETTINGS, arrays=None):
    (folder / "query.json").write_text(json.dumps(settings), encoding="utf-8")
    if arrays is not None:
        save_file(
            {name: np.array(value, np.float16) for name, value in arrays.items()}, file(folder)
        )
    return folder


def file(folder):
    return folder / "query.safetensors"


# one hidden cell, open for what points along the first axis, which it moves along the third
NETWORK = {
    "photo.hidden_weight": [[1, 0, 0]],
    "photo.hidden_bias": [-0.5],
    "photo.output_weight": [[0], [0], [2]],
    "photo.output_bias": [0, 0, 0],
}


def test_heads_are_scaled_and_the_norm_is_one(tmp_path):
    adapter = QueryAdapter.load(write(tmp_path))
    vectors = np.array([[3, 0, 4], [0, 1, 0]], np.float64)
    np.testing.assert_allclose(
        adapter(vectors, "item")[0], np.array([6, 0, 2]) / 40**0.5, rtol=1e-6
    )
    np.testing.assert_allclose(adapter(vectors, "text"), [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert adapter(vectors, "item").dtype == np.float32
    assert adapter(vectors[:0], "item").shape == (0, 3)


def test_an_intent_without_scales_leaves_the_vector(tmp_path):
    adapter = QueryAdapter.load(write(tmp_path))
    np.testing.assert_allclose(adapter([[3, 0, 4]], "colourway"), [[0.6, 0, 0.8]], rtol=1e-6)


def test_a_network_moves_the_vectors_that_open_its_cell(tmp_path):
    adapter = QueryAdapter.load(write(tmp_path, arrays=NETWORK))
    open_, closed = adapter([[1, 0, 0], [0, 1, 0]], "photo")
    np.testing.assert_allclose(open_, [0.5**0.5, 0, 0.5**0.5], rtol=1e-3)
    np.testing.assert_allclose(closed, [0, 1, 0])
    np.testing.assert_allclose(adapter([[1, 0, 0]], "colourway"), [[1, 0, 0]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head_dims": DIMS, "scales": {}}, "revision"),
        (SETTINGS | {"scales": {"hat": (1, 1)}}, "hat"),
        (SETTINGS | {"scales": {"item": (1, 1, 1)}}, "2 scales"),
        (SETTINGS | {"scales": {"item": (1, -1)}}, r"item: expected 2 scales of 0 .*\[1, -1\]"),
        (SETTINGS | {"scales": {"item": (0, 0)}}, "above 0, found .0, 0."),
        (SETTINGS | {"scales": {"item": (1e39, 1)}}, "0 to 1000, .* found .1e"),
        (SETTINGS | {"scales": {"item": (10**400, 1)}}, "0 to 1000"),
        (SETTINGS | {"scales": {"item": (float("nan"), 1)}}, "found .nan, 1."),
        (SETTINGS | {"scales": {"item": (float("inf"), 1)}}, "found .inf, 1."),
        (SETTINGS | {"scales": {"item": (True, 1)}}, "found .True, 1."),
        (SETTINGS | {"scales": {"item": ("1", 1)}}, "found .'1', 1."),
        (SETTINGS | {"scales": {"photo": "12"}}, "photo: expected 2 scales .* found '12'"),
        (SETTINGS | {"scales": []}, r"scales: expected lists by photo, .* found \[\]"),
        (SETTINGS | {"match": {"shape": (1e30, 1)}}, "match: shape: expected 2 scales"),
        (SETTINGS | {"match": None}, "match: expected lists by shape, .* found None"),
        (SETTINGS | {"head_dims": (2, 2, -1)}, r"head_dims: .* 1 and more, found \[2, 2, -1\]"),
        (SETTINGS | {"head_dims": (2, 0)}, "head_dims"),
        (SETTINGS | {"head_dims": (2, 1.9)}, "whole numbers .* found .2, 1.9."),
        (SETTINGS | {"head_dims": "21"}, "head_dims: .* found '21'"),
        (SETTINGS | {"head_dims": ()}, "head_dims"),
        (SETTINGS | {"revision": None}, "revision: expected a text, found None"),
        (SETTINGS | {"revision": ""}, "revision"),
        ([], "head_dims"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path, settings, message):
    with pytest.raises(EncoderError, match=message):
        QueryAdapter.load(write(tmp_path, settings))


def test_networks_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(EncoderError, match="output_bias for vectors of 3"):
        QueryAdapter.load(write(tmp_path, arrays=NETWORK | {"photo.output_bias": [0, 0]}))
    file(tmp_path).write_bytes(b"no tensors")
    with pytest.raises(EncoderError, match="whole safetensors"):
        QueryAdapter.load(tmp_path)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "BOOL", "F7"])
@pytest.mark.parametrize("name", ["query.safetensors", HEADS_FILE])
def test_numbers_that_numpy_does_not_know_are_refused(tmp_path, name, dtype):
    write(tmp_path)
    write_tensor(tmp_path / name, "turn.bias", dtype, size=2 if dtype == "BF16" else 1)
    known = f"turn.bias: expected one of F64, .* found {dtype}$"
    message = "expected a whole safetensors file" if dtype == "F7" else known
    load = EmbeddingHeads.load if name == HEADS_FILE else QueryAdapter.load
    with pytest.raises(ModelUnusable, match=f"{name}: {message}"):
        load(tmp_path)


def test_turns_are_a_softmax_of_the_direction_of_the_vector(tmp_path):
    arrays = NETWORK | {"turn.weight": np.eye(4, 3), "turn.bias": [0, 0, 0, 1]}
    adapter = QueryAdapter.load(write(tmp_path, arrays=arrays))
    shares = np.exp(adapter.turns([[2, 0, 0], [0, 3, 0]]))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-3)
    np.testing.assert_allclose(shares[0] / shares[0, 1], [np.e, 1, 1, np.e], rtol=1e-3)
    np.testing.assert_allclose(shares[1] / shares[1, 0], [1, np.e, 1, np.e], rtol=1e-3)


@pytest.mark.parametrize("earlier", [{}, {"upright.weight": [1, -1, 0], "upright.bias": [0.5]}])
def test_a_model_without_turns_tells_none(tmp_path, earlier):
    adapter = QueryAdapter.load(write(tmp_path, arrays=NETWORK | earlier))
    assert adapter.turns([[2, 0, 0]]) is None


def test_kinds_are_a_softmax_of_the_direction_of_the_vector(tmp_path):
    arrays = NETWORK | {"kind.weight": np.eye(2, 3), "kind.bias": [0, 1]}
    adapter = QueryAdapter.load(write(tmp_path, arrays=arrays))
    shares = adapter.kinds([[2, 0, 0], [0, 3, 0], [0, 0, 1]])
    odds = shares[:, 1] / shares[:, 0]
    np.testing.assert_allclose(odds, [1, np.e**2, np.e], rtol=1e-3)
    assert QueryAdapter.load(write(tmp_path, arrays=NETWORK)).kinds([[1, 0, 0]]) is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"kind.bias": [1, 0]}, r"kind: expected weight \(k, 3\) .* found None and \(2,\)"),
        ({"kind.weight": np.eye(3), "kind.bias": [1, 0]}, r"found \(3, 3\) and \(2,\)"),
        ({"turn.weight": [1, 0]}, r"turn: expected weight \(4, 3\) .* found \(2,\) and None"),
        ({"turn.weight": np.eye(3, 4), "turn.bias": np.ones(4)}, r"found \(3, 4\) and \(4,\)"),
        ({"colour.photo_bias": 1.0}, r"colour: expected .* found \[\(\)\]"),
    ],
)
def test_classifiers_of_another_shape_are_refused(tmp_path, arrays, message):
    with pytest.raises(EncoderError, match=message):
        QueryAdapter.load(write(tmp_path, arrays=arrays))


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["turn.bias", "photo.output_bias"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, name, number):
    arrays = NETWORK | {"turn.weight": np.eye(4, 3), "turn.bias": np.zeros(4)}
    arrays[name] = [*np.zeros(len(arrays[name]) - 1), number]
    with pytest.raises(EncoderError, match=f"expected finite numbers, found others in {name}"):
        QueryAdapter.load(write(tmp_path, arrays=arrays))


def test_an_unknown_intent_and_a_wrong_shape_are_refused(tmp_path):
    adapter = QueryAdapter.load(write(tmp_path))
    with pytest.raises(ValueError, match="photo, item, colourway, text, found 'hat'"):
        adapter(np.ones((1, 3)), "hat")
    with pytest.raises(ValueError, match="length 3, found 4"):
        adapter(np.ones((1, 4)), "item")
    with pytest.raises(ValueError, match="found an array of shape"):
        check_query(np.ones(3), "item")


def test_a_model_without_settings_is_the_identity(tiny_model):
    encoder = Encoder.load(tiny_model, precision="float32")
    assert QueryAdapter.load(tiny_model) is None
    vectors = np.random.default_rng(0).normal(size=(4, encoder.dim))
    for intent in INTENTS:
        adapted = encoder.as_query(vectors, intent)
        expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        np.testing.assert_allclose(adapted, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="intent"):
        encoder.as_query(vectors, "hat")


def test_what_adapts_queries_changes_no_revision(tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    write(copy, arrays=NETWORK)
    assert revision(copy) == revision(tiny_model)


def test_the_shipped_encoder_adapts_queries():
    encoder = Encoder.load()
    assert encoder.query_adapter is not None
    assert encoder.query_adapter.dim == encoder.dim
    vectors = np.random.default_rng(0).normal(size=(5, encoder.dim)).astype(np.float32)
    for intent in INTENTS:
        adapted = encoder.as_query(vectors, intent)
        assert adapted.shape == vectors.shape
        assert adapted.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(adapted, axis=1), 1, atol=1e-5)
    unchanged = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert not np.allclose(encoder.as_query(vectors, "photo"), unchanged, atol=1e-3)


def test_heads_that_items_do_not_read_are_left_out_between_items():
    adapter = QueryAdapter("a", (2, 1, 3), {"item": (1.0, 0.0, 0.5)})
    vectors = np.arange(12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(adapter.between_items(vectors), vectors[:, [0, 1, 3, 4, 5]])
    np.testing.assert_array_equal(QueryAdapter("a", (2, 4)).between_items(vectors), vectors)


def test_settings_of_other_weights_are_ignored_with_a_warning(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    save_file({"projection": np.eye(32, dtype=np.float32)}, folder / HEADS_FILE)
    write(folder, SETTINGS | {"revision": "another"})
    with pytest.warns(UserWarning, match="fitted to weights of revision another"):
        assert Encoder.load(folder).query_adapter is None


def test_colours_of_photos_and_items_are_probabilities(tmp_path):
    """Two colours: the sign of the first axis for photos, of the second for items."""
    arrays = {
        "colour.photo_weight": [[9, 0, 0], [-9, 0, 0]],
        "colour.photo_bias": [0, 0],
        "colour.item_weight": [[0, 9, 0], [0, -9, 0]],
        "colour.item_bias": [0, 0],
    }
    colours = QueryAdapter.load(write(tmp_path, arrays=arrays)).colours
    items = np.array([[0, 1, 0], [0, -1, 0], [0, 0, 1]], np.float32)
    photo = np.array([5, 0, 0], np.float32)
    np.testing.assert_allclose(colours.probabilities(photo[None], photo=True), [[1, 0]], atol=1e-3)
    of_items = colours.probabilities(items, photo=False)
    np.testing.assert_allclose(of_items, [[1, 0], [0, 1], [0.5, 0.5]], atol=1e-3)
    with pytest.raises(EncoderError, match="colour: expected photo_weight"):
        QueryAdapter.load(write(tmp_path, arrays=arrays | {"colour.item_bias": [0]}))


def test_turns_kinds_and_colours_of_one_classifier_are_the_same_numbers():
    draw = np.random.default_rng(0)
    weight, bias = draw.normal(size=(4, 6)).astype(np.float32), np.arange(4, dtype=np.float32)
    adapter = QueryAdapter(
        *("r", (6,)),
        **{"turn_weight": weight, "turn_bias": bias, "kind_weight": weight, "kind_bias": bias},
        colours=ColourHeads(weight, bias, weight, bias),
    )
    vectors = np.concatenate([draw.normal(size=(9, 6)), np.zeros((1, 6))]).astype(np.float32)
    kinds = adapter.kinds(vectors)
    for photo in (True, False):
        assert adapter.colours.probabilities(vectors, photo).tobytes() == kinds.tobytes()
    assert adapter.turns(vectors).tobytes() == np.log(np.maximum(kinds, 1e-12)).tobytes()
    np.testing.assert_allclose(kinds[-1], np.exp(bias) / np.exp(bias).sum(), rtol=1e-6)
