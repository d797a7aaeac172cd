"""Words in the last step: what may be typed, what answers it, and vectors that stand still."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import HEADS, MISSING
from lookbook.training.descriptions import Description, answers
from lookbook.training.head_finetuning import Features
from lookbook.training.losses import supervised_text_loss
from lookbook.training.model import AVERAGES, DETAILS, EmbeddingModel
from lookbook.training.pair_sampler import Truth
from lookbook.training.text_fitting import fit_text_embeddings

WORDS = Vocabulary(("red", "blue", "tee", "cap"), ())


def seen(colours: list[str], kinds: list[str]) -> Features:
    """Pairs of a product and its forerunner; feature 0 tells a colour and feature 1 a kind."""
    n = len(colours)
    signs = torch.tensor([[c == "red", k == "tee"] for c, k in zip(colours, kinds, strict=True)])
    features = torch.zeros(n, AVERAGES + DETAILS)
    features[:, :2] = 2.0 * signs - 1
    numbers = torch.stack([torch.arange(n), torch.arange(n).roll(1)])
    first = [Description(f"{c} {k}") for c, k in zip(colours, kinds, strict=True)]
    said = [first, first[-1:] + first[:-1]]
    labels = torch.full((2, n, len(HEADS)), MISSING)
    truth = Truth(numbers, numbers, labels, torch.zeros(n, dtype=torch.bool), said, None)
    return Features(features.half(), features.half().roll(1, 0), truth)


def student() -> EmbeddingModel:
    torch.manual_seed(0)
    return EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, len(WORDS))


def read(made: EmbeddingModel, text: str) -> torch.Tensor:
    flat, offsets = WORDS.embedding_bag_inputs([text])
    return made.read(torch.tensor(flat), torch.tensor(offsets))[0]


@pytest.mark.parametrize("times", [1, 2])
def test_words_find_what_they_say_and_leave_pictures_where_they_are(times):
    made, features = student(), seen(["red", "blue"] * 32, ["tee", "tee", "cap", "cap"] * 16)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    losses = fit_text_embeddings(made, features, WORDS, anew=True)
    assert losses[-1] < losses[0]
    if times > 1:
        fit_text_embeddings(made, features, WORDS)
    moved = {n for n, value in made.state_dict().items() if not torch.equal(value, before[n])}
    assert moved == {"words.weight", "sharpness"}
    vectors = made.eval().embed(features.first[:4].float())
    for text, right in (
        ("red", [0, 2]),
        ("blue", [1, 3]),
        ("cap", [2, 3]),
        ("blue tee", [1]),
        ("cap red", [2]),
    ):
        found = (vectors @ read(made, text)).topk(len(right)).indices
        assert sorted(found.tolist()) == right, text


def test_without_descriptions_words_stay_as_they_are():
    made, features = student(), seen(["red"] * 4, ["tee"] * 4)
    features.truth.descriptions = [[Description()] * 4] * 2
    before = made.words.weight.clone()
    assert fit_text_embeddings(made, features, WORDS) == []
    assert torch.equal(made.words.weight, before)
    none = Vocabulary((), ())
    mute = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, len(none))
    assert fit_text_embeddings(mute, seen(["red"] * 4, ["tee"] * 4), none) == []


def test_what_was_learnt_before_is_the_beginning_unless_words_are_learnt_anew(monkeypatch):
    monkeypatch.setattr("lookbook.training.text_fitting.STEPS", 0)
    made, features = student(), seen(["red"] * 4, ["tee"] * 4)
    before = made.words.weight.detach().clone()
    fit_text_embeddings(made, features, WORDS)
    assert torch.equal(made.words.weight, before)
    fit_text_embeddings(made, features, WORDS, anew=True)
    assert made.words.weight.norm() < 0.1 * before.norm()


def test_a_text_of_other_words_alone_teaches_nothing_and_harms_nothing(monkeypatch):
    monkeypatch.setattr("lookbook.training.text_fitting.STEPS", 20)
    made, features = student(), seen(["red"], ["tee"])
    features.truth.descriptions = [[Description("", "grey red")]] * 2
    assert min(fit_text_embeddings(made, features, WORDS)) == 0


def test_what_is_typed_is_a_name_or_attributes_in_full_or_a_few_words_of_them():
    product, draw = Description("Oak Slim Fit Cotton Tee", "Tshirts Men Navy Blue"), Random(1)
    typed = [product.typed(draw) for _ in range(200)]
    assert {"oak slim fit cotton tee", "tshirts men navy blue", "navy", "tee"} <= set(typed)
    assert all(set(text.split()) <= product.words for text in typed)
    lengths = {len(text.split()) for text in typed}
    assert lengths == {1, 2, 3, 4, 5}, "four at most, or the whole name of five"
    assert Description().typed(draw) == ""
    assert Description("", "Men").typed(draw) == "men" == Description("Men").typed(draw)


def test_a_text_is_answered_by_products_that_have_all_its_words():
    products = [Description("Oak Tee", "Tshirts Red"), Description("Elm Tee"), Description()]
    found = answers(["red tee", "TEE", "oak elm", "tee tee"], products)
    expected = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0]]
    assert found.int().tolist() == expected


def test_a_text_finds_all_that_answer_it_and_a_picture_its_own_text():
    scale, axes = torch.tensor(3.0), torch.eye(3)
    own, both = torch.eye(3, dtype=torch.bool), torch.eye(3, dtype=torch.bool)
    both[0, 1] = both[1, 0] = True  # two texts of one meaning
    assert supervised_text_loss(axes, axes, own, scale) < 0.01
    assert supervised_text_loss(axes, axes.roll(1, 0), own, scale) > 10
    alike = axes[[0, 0, 2]]
    right = supervised_text_loss(alike, alike, both, scale)
    assert right == pytest.approx(np.log(2) / 3, abs=0.01), "as well as two pictures can share"
    assert supervised_text_loss(alike, alike, own, scale) > right + 0.2
