"""The network for photos and their turns, on data whose right answer is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from lookbook.catalog.items import Item
from lookbook.encoding.query_adapter import ColourHeads, ShiftNetwork
from lookbook.training import query_adapting
from lookbook.training.data import MISSING
from lookbook.training.query_adapting import (
    FittingData,
    Queries,
    _fitting_data,
    fit_colour_heads,
    fit_garment_kinds,
    fit_photo_network,
    fit_softmax,
    fit_turns,
    neighbour_loss,
)

DIM, PRODUCTS = 12, 60


@pytest.fixture
def data():
    """Three categories along three axes; phone photos show the same with the axes exchanged.

    A fourth axis marks the phone, so that a network can tell both domains apart.
    """
    torch.manual_seed(0)
    category = torch.arange(PRODUCTS) % 3
    noise = 0.3 * torch.randn(PRODUCTS, DIM)
    gallery = F.normalize(F.one_hot(category, DIM) + noise * (torch.arange(DIM) > 3), dim=1)
    shown = torch.arange(90) % 3
    phone = F.one_hot((shown + 1) % 3, DIM) + F.one_hot(torch.tensor(3), DIM)
    phone = F.normalize(phone + 0.05 * torch.randn(90, DIM), dim=1)
    products = Queries(gallery, torch.arange(PRODUCTS))
    allowed = category[None] == shown[:, None]
    unseen = torch.ones(PRODUCTS, dtype=torch.bool)
    return FittingData(
        *(gallery, category, category, category, unseen, products, products),
        *(Queries(phone, allowed), category),
    )


def test_phone_photos_find_their_category_and_products_stay_where_they_are(data):
    model = fit_photo_network(data, torch.ones(DIM), torch.ones(DIM), steps=150)
    with torch.no_grad():
        nearest = (data.phone.vectors @ data.gallery.T).argmax(1)
        assert not data.phone.rows[torch.arange(90), nearest].any(), "wrong before"
        nearest = (model(data.phone.vectors)[0] @ data.gallery.T).argmax(1)
        assert data.phone.rows[torch.arange(90), nearest].float().mean() > 0.95
        moved = model(data.gallery)[0]
    assert (moved * data.gallery).sum(1).min() > 0.97


def test_the_exported_arrays_are_the_same_function(data):
    model = fit_photo_network(data, torch.full((DIM,), 1.5), torch.ones(DIM), steps=5)
    network = ShiftNetwork(**{k: v.astype(np.float32) for k, v in model.arrays().items()})
    vectors = data.phone.vectors
    with torch.no_grad():
        expected = model(vectors)[1].numpy()
    np.testing.assert_allclose(network(vectors.numpy()), expected, atol=2e-3)


def test_the_loss_is_the_share_of_what_is_relevant():
    similarity = torch.log(torch.tensor([[1.0, 2.0, 1.0]]))
    relevant = torch.tensor([[False, True, True]])
    assert neighbour_loss(similarity, relevant, 1.0).item() == pytest.approx(-np.log(0.75))
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    assert neighbour_loss(similarity, nothing, 1.0).item() == 50


def test_the_turn_of_a_photo_is_told():
    draw = np.random.default_rng(0)
    turned = 0.5 * np.eye(4, 6)[None] + draw.normal(0, 0.05, (40, 4, 6))
    arrays = fit_turns(turned.astype(np.float32))
    logits = turned @ arrays["turn.weight"].T.astype(np.float32) + arrays["turn.bias"]
    assert (logits.argmax(axis=2) == np.arange(4)).all()


def test_colours_of_photos_and_items_are_told(data):
    arrays = fit_colour_heads(data)
    heads = ColourHeads(**{name: array.astype(np.float32) for name, array in arrays.items()})
    items = data.gallery.numpy()
    shown = heads.probabilities(items[:1], photo=True)[0]
    agreement = np.log(heads.probabilities(items, photo=False) @ shown)
    same = data.family.numpy() == data.family[0].item()
    assert agreement[same].min() > agreement[~same].max()
    assert agreement[same].min() > np.log(0.5)


def test_products_in_training_follow_those_that_were_not_and_name_no_colours_of_items():
    """60 unseen items, red and blue, and 60 in training, all green; a phone photo shows a skirt."""
    ids = [str(n) for n in range(120)]
    items = [
        {"id": id, "articleType": "Shirts" if n % 2 else "Skirts", "baseColour": colour}
        for n, (id, colour) in enumerate(
            zip(ids, ["Red", "Blue"] * 30 + ["Green"] * 60, strict=True)
        )
    ]
    vectors = np.eye(120, dtype=np.float32)
    shown = [items[3], items[70], {"id": "gone"}]
    photos = (vectors[[3, 70, 0]], shown)
    phone = (vectors[:2], [{"label": "Skirt"}, {"label": "no such label"}])
    kinds = {"Shirts": "top", "Perfume": None, "Skirts": "skirt"}
    data = _fitting_data((vectors, items), 60, photos, photos, phone, kinds)
    assert data.garment.tolist() == [n % 2 for n in range(120)], "skirt, top"
    data = _fitting_data((vectors, items), 60, photos, photos, phone, {"Shirts": "top"})
    assert data.garment.tolist() == [(MISSING, 0)[n % 2] for n in range(120)]
    assert data.unseen.tolist() == [True] * 60 + [False] * 60
    assert data.street.rows.tolist() == [3, 70], "each by its own item, without what is not there"
    families = data.family[data.unseen]
    assert families.unique().tolist() == [0, 1]
    assert (data.family[~data.unseen] == MISSING).all(), "green is no colour of unseen items"
    assert data.phone.rows.shape == (1, 120)
    assert data.phone.rows[0].tolist() == [n % 2 == 0 for n in range(120)]


def test_the_colours_of_items_are_learnt_from_unseen_products_only(data):
    unseen = torch.arange(PRODUCTS) < 30
    wrong = torch.where(unseen, data.family, (data.family + 1) % 3)
    expected = fit_colour_heads(replace(data, unseen=unseen))
    found = fit_colour_heads(replace(data, family=wrong, unseen=unseen))
    np.testing.assert_array_equal(found["item_weight"], expected["item_weight"])
    assert not np.array_equal(found["photo_weight"], expected["photo_weight"])


def test_the_kind_of_a_photo_is_told_by_phone_as_in_the_studio(data):
    """Photos by phone lie along other axes; what may be one of two kinds is known by the others."""
    shown = torch.arange(90) % 3
    vectors = F.one_hot(shown + 5, DIM) + 0.05 * torch.randn(90, DIM)
    allowed = data.category[None] == shown[:, None]
    allowed[::9] |= data.category[None] == ((shown[::9] + 1) % 3)[:, None]
    garment = torch.where(data.category == 2, MISSING, data.category)
    for kinds, known in ((data.category, shown >= 0), (garment, shown < 2)):
        given = replace(data, phone=Queries(F.normalize(vectors, dim=1), allowed), garment=kinds)
        arrays = fit_garment_kinds(given, 4)  # the last of which no photo shows
        weight, bias = arrays["weight"].astype(np.float32), arrays["bias"].astype(np.float32)
        assert len(bias) == 4 and np.isfinite(bias).all()
        told = (given.phone.vectors.numpy() @ weight.T + bias).argmax(1)
        assert (told == shown.numpy())[known.numpy()].mean() > 0.95
        told = (data.gallery.numpy() @ weight.T + bias).argmax(1)
        assert (told == kinds.numpy())[kinds.numpy() != MISSING].mean() > 0.95


def test_what_a_photo_may_show_counts_together():
    vectors = torch.eye(3).repeat(5, 1)
    allowed = torch.eye(3, dtype=torch.bool).repeat(5, 1)
    allowed[0] = torch.tensor([True, True, False])
    allowed[3] = False  # nothing: left out
    weight, bias = fit_softmax(vectors, allowed, 1e-3)
    assert (np.eye(3) @ weight.T + bias).argmax(1).tolist() == [0, 1, 2]
    single = fit_softmax(vectors, torch.arange(3).repeat(5), 1e-3)
    every = fit_softmax(vectors, torch.eye(3, dtype=torch.bool).repeat(5, 1), 1e-3)
    np.testing.assert_allclose(single[0], every[0], atol=1e-6)


def test_a_missing_class_is_left_out():
    vectors = torch.eye(3).repeat(5, 1)
    weight, bias = fit_softmax(vectors, torch.tensor([0, 1, MISSING] * 5), 1e-3)
    assert weight.shape == (2, 3)
    assert (np.eye(3) @ weight.T + bias)[:2].argmax(1).tolist() == [0, 1]
    np.testing.assert_allclose(weight[:, 2], 0, atol=1e-6)


def test_drawn_photos_are_encoded_again_with_another_seed_or_count(tmp_path, monkeypatch):
    """Each photo of every other source is the same grey, so that only the drawn ones matter."""
    grey = Item("0", b"", "", {}), Image.new("RGB", (40, 30), "grey")
    for name in ("_products", "_people", "_street"):
        monkeypatch.setattr(query_adapting, name, lambda *args, **options: iter([grey]))
    monkeypatch.setattr(query_adapting, "street_shot", lambda product, number: grey[1])
    drawn = []
    monkeypatch.setattr(
        query_adapting, "drawn_products", lambda *asked: drawn.append(asked) or range(asked[0])
    )
    seen = np.ones(4, np.float32)
    encoder = SimpleNamespace(
        revision="r", dim=4, encode=lambda images: np.stack([seen] * len(images))
    )
    args = SimpleNamespace(larger=str(tmp_path), phone_photos=str(tmp_path), work=tmp_path / "work")

    def photos(count, seed):
        monkeypatch.setattr(query_adapting, "_DRAWN", count)
        monkeypatch.setattr(query_adapting, "_DRAWN_SEED", seed)
        return len(query_adapting.read_turns(args, encoder))

    assert [photos(2, 1), photos(2, 1), photos(3, 1), photos(3, 2), photos(2, 1)] == [6, 6, 7, 7, 6]
    assert drawn == [(2, 1), (3, 1), (3, 2)]
