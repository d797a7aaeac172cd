"""The product heads in closed form, on features whose right directions are known."""

from __future__ import annotations

import functools
import json
import shutil
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from lookbook.catalog import Item
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.heads import HEADS_FILE
from lookbook.encoding.hub import revision
from lookbook.encoding.query_adapter import NETWORKS_FILE
from lookbook.training import product_heads, query_adapting
from lookbook.training.product_heads import PhotoFeatures, colourway_pairs, fit, other_colour
from lookbook.training.query_adapting import FittingData, Queries

COUNT, SHAPE, COLOUR, LIGHT = 400, slice(0, 4), slice(4, 6), slice(6, 8)
RECOLOURED = 5


def photos(seed: int = 0) -> tuple[PhotoFeatures, list[tuple[str, str]]]:
    """Products of a shape and a colour each, 8 features: street photos change the light.

    Products 2i and 2i + 1 have one shape in two colours. Recoloured photos change feature 5 only.
    """
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(COUNT, 8))
    rows[1::2, SHAPE] = rows[::2, SHAPE]
    rows[:, LIGHT] *= 0.1
    street = rows.copy()
    street[:, LIGHT] = 3 * draw.normal(size=(COUNT, 2))
    recoloured = rows.copy()
    recoloured[:, RECOLOURED] = 3 * draw.normal(size=COUNT)
    ids = [str(number) for number in range(COUNT)]
    pairs = [(ids[n], ids[n + 1]) for n in range(0, COUNT, 2)]
    by_id = (dict(zip(ids, kind, strict=True)) for kind in (rows, street, recoloured))
    return PhotoFeatures(*by_id), pairs


def energy(weights: np.ndarray, columns: slice, rows: int) -> float:
    """Share of the leading `rows` of weights that reads `columns`."""
    leading = weights[:rows].astype(np.float64)
    leading /= np.linalg.norm(leading, axis=1, keepdims=True)
    return float(np.square(leading[:, columns]).sum() / rows)


def test_both_heads_ignore_the_light_and_only_one_ignores_the_colour():
    heads = fit(*photos())
    assert energy(heads["instance"], LIGHT, 6) < 0.01
    assert energy(heads["instance"], COLOUR, 6) > 0.25
    assert energy(heads["design"], SHAPE, 4) > 0.95


def test_heads_without_products_in_two_colours_are_refused():
    with pytest.raises(ValueError, match="found 400 and 0"):
        fit(photos()[0], [])


def test_a_feature_that_recolouring_changes_is_left_out_of_design():
    """Products in two colours that look alike in it do not show that it is one of colour."""
    (studio, street, recoloured), pairs = photos()
    for first, second in pairs:
        studio[second][RECOLOURED] = studio[first][RECOLOURED]
        street[second][RECOLOURED] = street[first][RECOLOURED]
    same = fit(PhotoFeatures(studio, street, studio), pairs)["design"]
    assert energy(same, slice(RECOLOURED, RECOLOURED + 1), 5) > 0.15
    changed = fit(PhotoFeatures(studio, street, recoloured), pairs)["design"]
    assert energy(changed, slice(RECOLOURED, RECOLOURED + 1), 4) < 0.01


def test_another_colour_keeps_the_background_and_the_size_of_what_stands_on_it():
    picture = Image.new("RGB", (60, 80), "white")
    picture.paste((200, 30, 30), (20, 20, 40, 60))
    for seed in range(20):
        changed = np.asarray(other_colour(picture, seed)).astype(int)
        assert all(0.85 * s - 1 <= c <= s for c, s in zip(changed.shape, (80, 60), strict=False))
        background = (changed > 250).all(2).mean()
        assert 0.7 < background < 0.9  # 0.83 of the picture, cropped to 0.85 and more
    assert np.array_equal(other_colour(picture, 3), other_colour(picture, 3))
    assert not np.array_equal(other_colour(picture, 3), other_colour(picture, 4))


def test_products_in_two_colours_are_told_by_their_titles():
    items = [
        Item(id=id, title=title, image="", attributes={"baseColour": colour, "articleType": kind})
        for id, title, colour, kind in (
            ("a", "Meadow linen dress red", "Red", "Dresses"),
            ("b", "Meadow linen shirt red", "Red", "Shirts"),
            ("c", "Meadow linen dress blue", "Blue", "Dresses"),
        )
    ]
    assert colourway_pairs(items) == [("a", "c")]


def test_the_command_keeps_the_other_heads_and_what_is_said_of_them(tmp_path, monkeypatch):
    save_file({"projection": np.eye(3, dtype=np.float16)}, tmp_path / HEADS_FILE, {"sides": "[3]"})
    monkeypatch.setattr(product_heads.Encoder, "load", lambda model: None)
    monkeypatch.setattr(product_heads, "read_features", lambda args, encoder: photos())
    product_heads.main(["--data", "a", "--larger", "b", "--output", str(tmp_path)])
    arrays = load_file(tmp_path / HEADS_FILE)
    assert set(arrays) == {"projection", "design", "instance"}
    np.testing.assert_array_equal(arrays["projection"], np.eye(3))
    with safe_open(tmp_path / HEADS_FILE, "numpy") as file:
        assert file.metadata() == {"sides": "[3]"}


OLD_SCALES = {"photo": [1.3, 0.7, 0.8], "colourway": [1.0, 1.0, 0.5]}


@pytest.fixture
def folder(tiny_model, tmp_path):
    """A model of three heads (3, 2, 2) without product heads, and settings that fit them."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    draw = np.random.default_rng(0)
    shapes = {"projection": (3, 32), "detail": (2, 48)}
    shapes |= {"kinds.read": (2, 80), "kinds.tell": (4, 2), "kinds.bias": (4,)}
    arrays = {name: draw.normal(size=shape) for name, shape in shapes.items()}
    arrays["kinds.codes"] = draw.normal(size=(4, 2))
    save_file({k: v.astype(np.float16) for k, v in arrays.items()}, folder / HEADS_FILE)
    kinds = {"Tops": "top", "Été": "dress", "Books": None, "Shoes": "shoes"}
    files = {
        "query.json": {"head_dims": [3, 2, 2], "scales": OLD_SCALES, "match": {"shape": [0, 1, 1]}},
        "garments.json": {"kinds": kinds},
    }
    for name, values in files.items():
        text = json.dumps({"revision": revision(folder)} | values)
        (folder / name).write_text(text, encoding="utf-8")
    save_turns(folder, 7)
    assert Encoder.load(folder, precision="float32").query_adapter.turn_weight is not None
    return folder


def save_turns(folder, dim: int) -> None:
    weight, bias = np.ones((4, dim), np.float32), np.ones(4, np.float32)
    save_file({"turn.weight": weight, "turn.bias": bias}, folder / NETWORKS_FILE)


def add_heads(folder, monkeypatch, seed: int = 0) -> Encoder:
    """Run the command on features that are drawn; return the encoder, which loads unwarned."""
    draw = np.random.default_rng(seed)
    rows = [{str(n): row for n, row in enumerate(draw.normal(size=(200, 48)))} for _ in range(3)]
    photos, pairs = PhotoFeatures(*rows), [(str(n), str(n + 1)) for n in range(0, 200, 2)]
    monkeypatch.setattr(product_heads, "read_features", lambda args, encoder: (photos, pairs))
    monkeypatch.setattr(product_heads, "DIM", 4)
    model = ["--model", str(folder), "--output", str(folder)]
    product_heads.main(["--data", "a", "--larger", "b", *model])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Encoder.load(folder, precision="float32", backend="torch")


def test_the_settings_of_the_folder_fit_its_new_heads(folder, monkeypatch):
    encoder = add_heads(folder, monkeypatch)
    adapter = encoder.query_adapter
    assert adapter.head_dims == encoder.heads.head_dims == (3, 2, 2, 4, 4)
    assert adapter.revision == encoder.garment_kinds.revision == encoder.revision
    assert adapter.scales == {
        "photo": (1.3, 0.7, 0.8, 0, 2.8),
        "item": (1, 1, 1, 0, 0),
        "colourway": (0, 0, 0, 1, 0),
        "text": (1, 1, 1, 0, 0),
    }
    assert adapter.match_scales == {"shape": (0, 1, 1, 0, 0)}
    assert encoder.garment_kinds.names == ("dress", "shoes", "top")
    assert list(json.loads((folder / "garments.json").read_text())["kinds"])[1] == "Été"
    assert not (folder / NETWORKS_FILE).exists(), "it was made for vectors of seven columns"
    assert encoder.dim == 15


def test_what_still_fits_is_kept_when_the_heads_are_fitted_again(folder, monkeypatch):
    first = add_heads(folder, monkeypatch)
    values = json.loads((folder / "query.json").read_text())
    values["scales"]["photo"] = [1, 1, 1, 0.5, 0.5]
    (folder / "query.json").write_text(json.dumps(values))
    save_turns(folder, 15)
    again = add_heads(folder, monkeypatch, seed=1)
    assert again.revision == again.query_adapter.revision != first.revision
    assert again.query_adapter.scales["photo"] == (1, 1, 1, 0.5, 0.5)
    assert again.query_adapter.turn_weight is not None


def test_a_folder_without_settings_gets_those_of_queries(folder, monkeypatch):
    for name in ("query.json", "garments.json", NETWORKS_FILE):
        (folder / name).unlink()
    encoder = add_heads(folder, monkeypatch)
    assert encoder.query_adapter.scales["photo"] == (1, 1, 1, 0, 2.8)
    assert encoder.garment_kinds is None
    assert not (folder / "garments.json").exists()


def test_queries_are_adapted_after_the_heads_as_documented(folder, monkeypatch):
    encoder = add_heads(folder, monkeypatch)
    torch.manual_seed(0)
    vectors, rows = F.normalize(torch.randn(40, 7), dim=1), torch.arange(40)
    classes, products = rows % 4, Queries(vectors, rows)
    phone = Queries(vectors, classes[None] == classes[:, None])
    unseen = torch.ones(40, dtype=torch.bool)
    data = FittingData(
        *(vectors, classes, classes, classes, unseen, products, products, phone), classes
    )
    turned = F.normalize(torch.randn(40, 4, 15), dim=2).numpy()
    monkeypatch.setattr(query_adapting, "read_data", lambda args, encoder: data)
    monkeypatch.setattr(query_adapting, "read_turns", lambda args, encoder: turned)
    few = functools.partial(query_adapting.fit_photo_network, steps=3)
    monkeypatch.setattr(query_adapting, "fit_photo_network", few)
    sources = ["--data", "a", "--larger", "b", "--phone-photos", "c"]
    query_adapting.main([*sources, "--model", str(folder), "--output", str(folder)])
    adapted = Encoder.load(folder, precision="float32", backend="torch").query_adapter
    assert set(adapted.networks) == {"photo"}
    assert adapted.turn_weight.shape == (4, encoder.dim)
    assert adapted.revision == encoder.revision, "indexes of these weights stay"
    monkeypatch.setattr(query_adapting, "read_turns", lambda args, encoder: turned[:, ::-1].copy())
    options = ["--turns-only", "--model", str(folder), "--output", str(folder)]
    query_adapting.main([*sources, *options])
    again = Encoder.load(folder, precision="float32", backend="torch").query_adapter
    kept = adapted.networks["photo"].output_weight
    np.testing.assert_array_equal(again.networks["photo"].output_weight, kept)
    assert np.abs(again.turn_weight - adapted.turn_weight).max() > 0.01
