"""The product heads in closed form, on features whose right directions are known."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from lookbook.catalog import Item
from lookbook.encoding.heads import HEADS_FILE
from lookbook.training import product_heads
from lookbook.training.product_heads import colourway_pairs, fit

COUNT, SHAPE, COLOUR, LIGHT = 400, slice(0, 4), slice(4, 6), slice(6, 8)


def photos(seed: int = 0) -> tuple[dict, dict, list[tuple[str, str]]]:
    """Products of a shape and a colour each, 8 features: street photos change the light.

    Products 2i and 2i + 1 have one shape in two colours.
    """
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(COUNT, 8))
    rows[1::2, SHAPE] = rows[::2, SHAPE]
    rows[:, LIGHT] *= 0.1
    street = rows.copy()
    street[:, LIGHT] = 3 * draw.normal(size=(COUNT, 2))
    ids = [str(number) for number in range(COUNT)]
    pairs = [(ids[n], ids[n + 1]) for n in range(0, COUNT, 2)]
    return dict(zip(ids, rows, strict=True)), dict(zip(ids, street, strict=True)), pairs


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
    studio, street, _ = photos()
    with pytest.raises(ValueError, match="found 400 and 0"):
        fit(studio, street, [])


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
