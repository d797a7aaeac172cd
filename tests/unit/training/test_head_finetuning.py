"""Fine-tuning on fixed features."""

from __future__ import annotations

import torch

from lookbook.training.data import LABEL_COLUMNS
from lookbook.training.head_finetuning import PairFeatures, finetune_heads, init_proxies
from lookbook.training.model import FEATURES
from tests.tiny_training import VOCABULARY, normalized, pair_labels, tiny_model


def test_proxies_start_at_the_mean_of_their_images():
    model = tiny_model()
    numbers = torch.arange(40) % 2
    features = ((2 * numbers - 1)[:, None] * torch.ones(FEATURES)).half()
    class_ids = numbers[None, :, None].repeat(2, 1, len(LABEL_COLUMNS))
    labels = pair_labels(class_ids, [""] * 40)
    init_proxies(model, PairFeatures(features, features, labels))
    general = normalized(model.head_outputs(features.float())[0])
    cosines = normalized(model.proxies["gender"]) @ general.T
    assert (cosines[0, numbers == 0] > 0.99).all()
    assert (cosines[1, numbers == 1] > 0.99).all()
    assert (cosines[0, numbers == 1] < -0.99).all()


def test_fine_tuning_changes_all_but_the_frozen_parameters():
    model = tiny_model()
    features = torch.randn(2, 16, FEATURES).half()
    class_ids = torch.arange(16)[None, :, None].repeat(2, 1, len(LABEL_COLUMNS)) % 2
    pairs = PairFeatures(*features, pair_labels(class_ids, ["red", "shirt"] * 8))
    before = {name: value.clone() for name, value in model.named_parameters()}
    finetune_heads(model, pairs, epochs=2, batch=8, lr=1e-2, frozen=("detail_head.",))
    moved = {n.split(".")[0] for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert {"projection", "proxies", "category_head"} <= moved
    assert not moved & {"backbone", "detail_head", "text_embeddings"}
    heads = ("detail_head.", "category_head.")
    before = {name: value.clone() for name, value in model.named_parameters()}
    finetune_heads(model, pairs, epochs=1, batch=8, lr=1e-2, frozen=heads, vocabulary=VOCABULARY)
    moved = {n.split(".")[0] for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert {"projection", "text_embeddings"} <= moved
    assert not moved & {"backbone", "detail_head", "category_head"}
