"""The side for cut and print: what of a product's details stays while it changes."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import normalize

from lookbook.training.data import HEADS
from lookbook.training.descriptions import Description
from lookbook.training.fisher_lda import directions, discriminate, enough
from lookbook.training.head_finetuning import Features
from lookbook.training.model import AVERAGES, DETAILS, EmbeddingModel
from lookbook.training.pair_sampler import Truth

COUNT = 600  # products, whose own details are the first four


def pairs(*changing: int, recoloured: bool, count: int = COUNT) -> Features:
    """Two of each product that differ much in the details `changing`."""
    numbers = torch.arange(count).repeat(2, 1)
    torch.manual_seed(0)
    own = torch.randn(count, 4)
    views = [torch.zeros(count, AVERAGES + DETAILS) for _ in range(2)]
    torch.manual_seed(1 + sum(changing))
    for view in views:
        view[:, AVERAGES : AVERAGES + 4] = own
        view[:, [AVERAGES + c for c in changing]] += 5 * torch.randn(count, len(changing))
    labels = torch.zeros(2, count, len(HEADS), dtype=torch.int64)
    colours = torch.full((count,), recoloured)
    said = [[Description()] * count] * 2
    return Features(*views, Truth(numbers, numbers, labels, colours, said, None))


def found(one: torch.Tensor, other: torch.Tensor) -> float:
    nearest = (normalize(one, dim=1) @ normalize(other, dim=1).T).argmax(dim=1)
    return float((nearest == torch.arange(len(one))).float().mean())


def test_products_are_found_by_what_stays_and_not_by_what_changes():
    student = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2).eval()
    views, plain = pairs(4, 5, recoloured=False), pairs(6, recoloured=False)
    sold = pairs(7, 8, recoloured=True)
    discriminate(student, views, [plain, sold])
    for part in (views, plain, sold):
        assert found(*(student.sides(view)[1] for view in (part.first, part.second))) > 0.95
        assert found(part.first, part.second) < 0.5


def test_a_few_products_are_too_few_to_tell_directions_from_noise():
    student = EmbeddingModel({head: ["a", "b"] for head in HEADS}, 20, 0, 2)
    assert student.cut.out_features == 6
    assert not enough(student, [])
    assert not enough(student, [pairs(5, recoloured=True, count=6)])
    assert enough(student, [pairs(5, recoloured=True, count=7)])


def test_directions_come_best_first_and_with_one_length_within():
    within = torch.diag(torch.tensor([1.0, 4.0, 1.0]))
    between = torch.diag(torch.tensor([2.0, 4.0, 3.0]))
    first, second = directions(between, within, 2)
    assert np.abs(first).argmax() == 2 and np.abs(second).argmax() == 0
    noise = within.numpy() + 0.01 * 2 * np.eye(3)
    np.testing.assert_allclose([first @ noise @ first, second @ noise @ second], 1, rtol=1e-5)
