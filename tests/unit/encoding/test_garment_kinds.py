"""Garment kinds by region, and the file that names them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lookbook.encoding import localization
from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.garment_kinds import GarmentKinds, class_kinds

KINDS = {"Boots": "shoes", "Heels": "shoes", "Shirts": "top", "Soap": None}


def write(folder, content):
    (folder / "garments.json").write_text(content, encoding="utf-8")


def test_a_region_has_the_kinds_of_the_cells_inside_it(tmp_path):
    write(tmp_path, json.dumps({"revision": "1", "kinds": KINDS}))
    kinds = GarmentKinds.load(tmp_path)
    assert kinds.names == ("shoes", "top")
    # the head reads the mean of the last map: feature 0 is of boots, feature 1 of shirts
    weights = np.zeros((4, 8), np.float32)
    weights[0, 0] = weights[2, 1] = 20.0
    head = CategoryHead(np.eye(8), weights, np.zeros(4), np.eye(4))
    last = np.zeros((4, 4, 2), np.float32)
    last[:2, :, 0], last[2:, :, 1] = 1, 1
    maps = (np.zeros((8, 8, 4), np.float32), last)
    upper = kinds.probabilities(head, maps, (0, 0, 1, 0.5))
    lower = kinds.probabilities(head, maps, (0, 0.5, 1, 1))
    np.testing.assert_allclose((upper, lower), [(1, 0), (0, 1)], atol=1e-6)
    everywhere = kinds.probabilities(head, maps, (0, 0, 1, 1))
    np.testing.assert_allclose(everywhere, [0.5, 0.5], atol=1e-3)
    assert kinds.probabilities(head, maps, (0.99, 0.99, 1, 1)).shape == (2,)


def test_without_the_file_there_are_no_kinds(tmp_path):
    assert GarmentKinds.load(tmp_path) is None
    assert class_kinds(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"revision": "1", "kinds": {}}', '{"revision": "1", "kinds": {"Shirts": 1}}'],
)
def test_a_damaged_file_says_what_was_expected(tmp_path, content):
    write(tmp_path, content)
    with pytest.raises(EncoderError, match=r"garments\.json: expected a revision, and kinds"):
        GarmentKinds.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"revision": "another"}, "fitted to weights of revision another"),
        ({"kinds": {"Shirts": "top"}}, "names 1 classes .* these weights have 117"),
    ],
)
def test_kinds_of_other_weights_are_not_used(tmp_path, change, found):
    folder = tmp_path / "model"
    shutil.copytree(DEFAULT_MODEL, folder)
    settings = json.loads((folder / "garments.json").read_text()) | change
    write(folder, json.dumps(settings))
    with pytest.warns(UserWarning, match=f"{found}.*garments have no kinds"):
        encoder = Encoder.load(folder, device="cpu", backend="torch")
    assert encoder.garment_kinds is None


def test_a_classifier_of_photos_for_other_kinds_is_told_and_not_used(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(DEFAULT_MODEL, folder)
    settings = json.loads((folder / "garments.json").read_text())
    kinds = {name: None if kind == "skirt" else kind for name, kind in settings["kinds"].items()}
    write(folder, json.dumps(settings | {"kinds": kinds}))
    with pytest.warns(UserWarning, match="tells 9 kinds of garments, garments.json names 8"):
        encoder = Encoder.load(folder, device="cpu", backend="torch")
    assert localization._photo_kinds(encoder) is None


def test_kinds_of_no_class_are_refused(tmp_path):
    write(tmp_path, json.dumps({"revision": "a", "kinds": {"Shirts": None}}))
    with pytest.raises(EncoderError, match="no class has a kind"):
        GarmentKinds.load(tmp_path)


def test_the_shipped_kinds_name_every_class():
    kinds = GarmentKinds.load(Path(DEFAULT_MODEL))
    assert len(kinds.membership) == len(class_kinds(Path(DEFAULT_MODEL))) == 117
    assert {"top", "trousers", "shoes", "dress", "bag"} <= set(kinds.names)
