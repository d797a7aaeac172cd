"""Loss functions on vectors whose right value is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookbook.training import losses
from lookbook.training.data import MISSING
from tests.tiny_training import unit


def test_nt_xent_is_lower_for_similar_pairs():
    left, scale, pairs = unit(8, 16), torch.tensor(2.3), torch.ones(8, dtype=torch.bool)
    each = torch.arange(8).repeat(2)
    apart = left.roll(1, 0)
    same, other = torch.cat([left, left]), torch.cat([left, apart])
    assert losses.nt_xent(same, scale, pairs, each) < losses.nt_xent(other, scale, pairs, each)


def test_nt_xent_counts_the_selected_pairs_only():
    left, scale, each = unit(4, 16), torch.tensor(2.3), torch.arange(4).repeat(2)
    right = left.clone()
    right[3] = -left[3]
    some = torch.tensor([True, True, False, False])
    views = torch.cat([left, right])
    assert losses.nt_xent(views, scale, some, each) < losses.nt_xent(views, scale, ~some, each)
    assert losses.nt_xent(views, scale, torch.zeros(4, dtype=torch.bool), each) == 0


def test_nt_xent_grows_with_negatives():
    left, scale, pairs = unit(4, 16), torch.tensor(2.3), torch.ones(4, dtype=torch.bool)
    views, each = torch.cat([left, left]), torch.arange(4).repeat(2)
    without = losses.nt_xent(views, scale, pairs, each)
    assert losses.nt_xent(views, scale, pairs, each, unit(64, 16)) > without
    assert losses.nt_xent(views, scale, pairs, each, -views) > without


def test_nt_xent_has_no_negatives_of_the_same_product():
    scale, both = torch.tensor(2.3), torch.ones(2, dtype=torch.bool)
    views = unit(1, 16).expand(4, 16)
    assert losses.nt_xent(views, scale, both, torch.tensor([7, 7, 7, 7])) < 1e-4
    assert losses.nt_xent(views, scale, both, torch.tensor([7, 8, 7, 8])) > 1
    apart = losses.nt_xent(views, scale, both, torch.tensor([7, 8, 8, 9]))
    assert 0 < apart < losses.nt_xent(views, scale, both, torch.tensor([6, 7, 8, 9]))


def test_nca_is_zero_where_the_nearest_have_the_same_label():
    vectors, labels = torch.eye(4)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1])
    each = torch.arange(4)
    assert losses.nca(vectors, labels, each) < 1e-4
    assert losses.nca(vectors, torch.tensor([0, 1, 0, 1]), each) > 10
    # queries need a label, and another product with the same one
    assert losses.nca(vectors, torch.tensor([0, MISSING, MISSING, 1]), each) == 0
    assert losses.nca(vectors, labels, torch.tensor([0, 0, 1, 1])) == 0
    # an unlabelled neighbour is no negative
    alike = torch.eye(4)[[0, 0, 0]]
    assert losses.nca(alike, torch.tensor([0, 0, MISSING]), torch.arange(3)) < 1e-4


def test_category_cross_entropy_ignores_missing_labels():
    logits = torch.tensor([[9.0, 0.0], [0.0, 9.0]], requires_grad=True)
    assert losses.category_cross_entropy(logits, torch.tensor([0, 1])) < 1e-3
    assert losses.category_cross_entropy(logits, torch.tensor([0, MISSING])) < 1e-3
    none = losses.category_cross_entropy(logits, torch.tensor([MISSING, MISSING]))
    none.backward()
    assert none == 0 and not logits.grad.any()


def test_proxy_nca_ignores_missing_labels():
    vectors, proxies = torch.nn.functional.normalize(torch.randn(4, 8), dim=1), torch.randn(3, 8)
    labels = torch.tensor([0, MISSING, 2, MISSING])
    some = losses.proxy_nca(vectors, proxies, labels)
    assert torch.isclose(some, losses.proxy_nca(vectors[[0, 2]], proxies, labels[[0, 2]]))
    assert losses.proxy_nca(vectors, proxies, torch.full((4,), MISSING)) == 0


def test_distillation_compares_directions():
    teacher = torch.randn(4, 8)
    assert losses.distillation(3 * teacher, teacher) < 1e-6
    assert losses.distillation(-teacher, teacher) == pytest.approx(2)


def test_similarities_are_distilled_whatever_the_axes():
    torch.manual_seed(0)
    targets, turn = torch.randn(6, 8), torch.linalg.qr(torch.randn(8, 8)).Q
    assert losses.similarity_distillation(3 * targets @ turn, targets) == pytest.approx(0, abs=1e-5)
    noise = torch.randn(6, 8)
    grown = [
        float(losses.similarity_distillation(targets + scale * noise, targets))
        for scale in (0, 0.1, 0.3, 1)
    ]
    assert grown == sorted(grown) and grown[0] == 0 and grown[1] > 1e-3
    two_alike, apart = torch.eye(3)[[0, 0, 1]], torch.eye(3)
    nearer = 1 / (1 + np.exp(-5))  # the twin's share of the similarities of one of two alike
    divergence = nearer * np.log(2 * nearer) + (1 - nearer) * np.log(2 * (1 - nearer))
    distilled = losses.similarity_distillation(apart, two_alike, scale=5)
    assert float(distilled) == pytest.approx(2 / 3 * divergence), "the third has no nearer one"


def test_targets_are_compared_where_they_lie():
    far = torch.randn(4, 8, device="meta")  # a device that refuses tensors of another one
    for loss in (losses.similarity_distillation, losses.soft_label_distillation):
        assert loss(far, far).device.type == "meta"


def test_soft_labels_are_distilled_by_their_shares():
    targets = torch.tensor([[2 * np.log(3), 0.0]])  # at a temperature of 2: shares of 3/4 and 1/4
    assert losses.soft_label_distillation(targets + 5, targets) == pytest.approx(0, abs=1e-6)
    divergence = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    equal = losses.soft_label_distillation(torch.zeros(1, 2), targets)
    assert float(equal) == pytest.approx(4 * divergence)
    assert losses.soft_label_distillation(-targets, targets) > equal
    assert losses.soft_label_distillation(torch.zeros(3, 0), torch.zeros(3, 0)) == 0, "no classes"


def test_supervised_text_loss_is_low_for_all_matching_images():
    scale, axes = torch.tensor(3.0), torch.eye(3)
    own, both = torch.eye(3, dtype=torch.bool), torch.eye(3, dtype=torch.bool)
    both[0, 1] = both[1, 0] = True  # two texts of one meaning
    assert losses.supervised_text_loss(axes, axes, own, scale) < 0.01
    assert losses.supervised_text_loss(axes, axes.roll(1, 0), own, scale) > 10
    alike = axes[[0, 0, 2]]
    right = losses.supervised_text_loss(alike, alike, both, scale)
    assert right == pytest.approx(np.log(2) / 3, abs=0.01), (
        "the probability is shared by two images"
    )
    assert losses.supervised_text_loss(alike, alike, own, scale) > right + 0.2
