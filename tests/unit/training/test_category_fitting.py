"""The category head fitted on fixed features."""

from __future__ import annotations

import torch

from lookbook.encoding.category_head import CategoryHead
from lookbook.training.category_fitting import fit_category_head, standardize_features
from lookbook.training.data import LABEL_COLUMNS, MISSING
from lookbook.training.descriptions import Description
from lookbook.training.head_finetuning import PairFeatures
from lookbook.training.model import CATEGORY_SCALE, FEATURES
from lookbook.training.pair_sampler import PairLabels
from tests.tiny_training import tiny_model


def labelled_features(categories: torch.Tensor) -> PairFeatures:
    """Two categories that differ in one feature; others vary more, most are constant."""
    torch.manual_seed(0)
    features = torch.ones(2 * len(categories), FEATURES)
    features[:, 20:24] += 3 * torch.randn(2 * len(categories), 4)
    features[:, 7] = torch.cat([categories, categories]) + 0.1 * torch.randn(2 * len(categories))
    class_ids = torch.full((2, len(categories), len(LABEL_COLUMNS)), MISSING)
    class_ids[:, :, LABEL_COLUMNS.index("articleType")] = categories
    numbers = torch.arange(2 * len(categories)).view(2, -1)
    recoloured = torch.zeros(len(categories), dtype=torch.bool)
    descriptions = [[Description()] * len(categories)] * 2
    labels = PairLabels(numbers, numbers, class_ids, recoloured, descriptions, None)
    return PairFeatures(*features.half().chunk(2), labels)


def test_categories_are_learned_whatever_the_scale_of_features(monkeypatch):
    monkeypatch.setattr("lookbook.training.category_fitting.STEPS", 300)
    model = tiny_model()
    categories = torch.arange(1000) % 2
    losses = fit_category_head(model, labelled_features(categories))
    assert len(losses) == 300 and losses[-1] < losses[0]
    # the same noise, the other categories
    features = labelled_features(1 - categories).first.float()
    with torch.inference_mode():
        logits = model.eval().category_head(features)
        assert (logits.argmax(1) == 1 - categories).float().mean() > 0.9
        # the exported weights contain the feature statistics
        expected = CATEGORY_SCALE * logits.softmax(1) @ model.category_head.class_embeddings
        torch.testing.assert_close(
            CategoryHead.from_arrays(model.head_arrays())(features), expected, atol=1e-3, rtol=0
        )
        # a feature that was constant in training is not amplified
        features[:, 100] += 0.1
        assert (model.category_head(features) - logits).abs().max() < 1


def test_standardizing_does_not_change_the_logits():
    model = tiny_model().eval()
    features = 5 + 3 * torch.randn(50, FEATURES)
    with torch.inference_mode():
        before = model.category_head(features)
        standardize_features(model, features)
        torch.testing.assert_close(model.category_head(features), before, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.category_head.feature_stats[0], features.mean(0))


def test_without_labels_nothing_changes():
    model = tiny_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert fit_category_head(model, labelled_features(torch.full((40,), MISSING))) == []
    torch.testing.assert_close(model.state_dict(), before)
