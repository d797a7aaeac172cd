"""The detail head in closed form."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import normalize

from lookbook.training.data import LABEL_COLUMNS
from lookbook.training.descriptions import Description
from lookbook.training.fisher_lda import discriminants, enough_products, fit_detail_head
from lookbook.training.head_finetuning import PairFeatures
from lookbook.training.model import AVG_FEATURES, FEATURES
from lookbook.training.pair_sampler import PairLabels
from tests.tiny_training import tiny_model

COUNT = 600  # products, whose own features are the first four


def pair_features(*changing: int, recoloured: bool, count: int = COUNT) -> PairFeatures:
    """Two of each product that differ much in the max-pooled features `changing`."""
    numbers = torch.arange(count).repeat(2, 1)
    torch.manual_seed(0)
    own = torch.randn(count, 4)
    views = [torch.zeros(count, FEATURES) for _ in range(2)]
    torch.manual_seed(1 + sum(changing))
    for view in views:
        view[:, AVG_FEATURES : AVG_FEATURES + 4] = own
        view[:, [AVG_FEATURES + c for c in changing]] += 5 * torch.randn(count, len(changing))
    class_ids = torch.zeros(2, count, len(LABEL_COLUMNS), dtype=torch.int64)
    colours = torch.full((count,), recoloured)
    descriptions = [[Description()] * count] * 2
    labels = PairLabels(numbers, numbers, class_ids, colours, descriptions, None)
    return PairFeatures(*views, labels)


def recall(one: torch.Tensor, other: torch.Tensor) -> float:
    nearest = (normalize(one, dim=1) @ normalize(other, dim=1).T).argmax(dim=1)
    return float((nearest == torch.arange(len(one))).float().mean())


def test_products_are_found_by_features_that_stay_constant():
    model = tiny_model().eval()
    augmented, photos = pair_features(4, 5, recoloured=False), pair_features(6, recoloured=False)
    colourways = pair_features(7, 8, recoloured=True)
    fit_detail_head(model, augmented, [photos, colourways])
    for part in (augmented, photos, colourways):
        assert recall(*(model.head_outputs(view)[1] for view in (part.first, part.second))) > 0.95
        assert recall(part.first, part.second) < 0.5


def test_fewer_products_than_dimensions_are_not_enough():
    model = tiny_model()
    assert model.detail_head.out_features == 6
    assert not enough_products(model, [])
    assert not enough_products(model, [pair_features(5, recoloured=True, count=6)])
    assert enough_products(model, [pair_features(5, recoloured=True, count=7)])


def test_discriminants_are_sorted_and_have_variance_one_within():
    within = torch.diag(torch.tensor([1.0, 4.0, 1.0]))
    between = torch.diag(torch.tensor([2.0, 4.0, 3.0]))
    first, second = discriminants(between, within, 2)
    assert np.abs(first).argmax() == 2 and np.abs(second).argmax() == 0
    noise = within.numpy() + 0.01 * 2 * np.eye(3)
    np.testing.assert_allclose([first @ noise @ first, second @ noise @ second], 1, rtol=1e-5)
