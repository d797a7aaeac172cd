"""Text embeddings fitted on fixed image vectors."""

from __future__ import annotations

import pytest
import torch

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import LABEL_COLUMNS, MISSING
from lookbook.training.descriptions import Description
from lookbook.training.head_finetuning import PairFeatures
from lookbook.training.model import FEATURES, EmbeddingModel
from lookbook.training.pair_sampler import PairLabels
from lookbook.training.text_fitting import fit_text_embeddings
from tests.tiny_training import tiny_model

WORDS = Vocabulary(("red", "blue", "tee", "cap"), ())


def pair_features(colours: list[str], categories: list[str]) -> PairFeatures:
    """Pairs of a product and the one before it; feature 0 is its colour, feature 1 its category."""
    n = len(colours)
    signs = torch.tensor(
        [[c == "red", k == "tee"] for c, k in zip(colours, categories, strict=True)]
    )
    features = torch.zeros(n, FEATURES)
    features[:, :2] = 2.0 * signs - 1
    numbers = torch.stack([torch.arange(n), torch.arange(n).roll(1)])
    first = [Description(f"{c} {k}") for c, k in zip(colours, categories, strict=True)]
    descriptions = [first, first[-1:] + first[:-1]]
    class_ids = torch.full((2, n, len(LABEL_COLUMNS)), MISSING)
    recoloured = torch.zeros(n, dtype=torch.bool)
    labels = PairLabels(numbers, numbers, class_ids, recoloured, descriptions, None)
    return PairFeatures(features.half(), features.half().roll(1, 0), labels)


def seeded_model() -> EmbeddingModel:
    torch.manual_seed(0)
    return tiny_model(words=len(WORDS))


def embed_text(model: EmbeddingModel, text: str) -> torch.Tensor:
    tokens, offsets = WORDS.embedding_bag_inputs([text])
    return model.embed_text(torch.tensor(tokens), torch.tensor(offsets))[0]


@pytest.mark.parametrize("times", [1, 2])
def test_texts_find_matching_images_whose_vectors_do_not_change(times):
    model = seeded_model()
    features = pair_features(["red", "blue"] * 32, ["tee", "tee", "cap", "cap"] * 16)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = fit_text_embeddings(model, features, WORDS, reset=True)
    assert losses[-1] < losses[0]
    if times > 1:
        fit_text_embeddings(model, features, WORDS)
    moved = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert moved == {"text_embeddings.weight", "logit_scale"}
    vectors = model.eval().embed(features.first[:4].float())
    for text, relevant in (
        ("red", [0, 2]),
        ("blue", [1, 3]),
        ("cap", [2, 3]),
        ("blue tee", [1]),
        ("cap red", [2]),
    ):
        nearest = (vectors @ embed_text(model, text)).topk(len(relevant)).indices
        assert sorted(nearest.tolist()) == relevant, text


def test_without_descriptions_text_embeddings_do_not_change():
    model, features = seeded_model(), pair_features(["red"] * 4, ["tee"] * 4)
    features.labels.descriptions = [[Description()] * 4] * 2
    before = model.text_embeddings.weight.clone()
    assert fit_text_embeddings(model, features, WORDS) == []
    assert torch.equal(model.text_embeddings.weight, before)
    empty = Vocabulary((), ())
    without_text = tiny_model(words=0)
    assert fit_text_embeddings(without_text, pair_features(["red"] * 4, ["tee"] * 4), empty) == []


def test_fitting_continues_unless_reset(monkeypatch):
    monkeypatch.setattr("lookbook.training.text_fitting.STEPS", 0)
    model, features = seeded_model(), pair_features(["red"] * 4, ["tee"] * 4)
    before = model.text_embeddings.weight.detach().clone()
    fit_text_embeddings(model, features, WORDS)
    assert torch.equal(model.text_embeddings.weight, before)
    fit_text_embeddings(model, features, WORDS, reset=True)
    assert model.text_embeddings.weight.norm() < 0.1 * before.norm()


def test_queries_of_unknown_words_only_are_skipped(monkeypatch):
    monkeypatch.setattr("lookbook.training.text_fitting.STEPS", 20)
    model, features = seeded_model(), pair_features(["red"], ["tee"])
    features.labels.descriptions = [[Description("", "grey red")]] * 2
    assert min(fit_text_embeddings(model, features, WORDS)) == 0
