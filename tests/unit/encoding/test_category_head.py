"""The category head: class embeddings weighed by class probabilities."""

from __future__ import annotations

import pytest
import torch

from lookbook.encoding.category_head import CategoryHead

EMBEDDINGS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
HEAD = CategoryHead(torch.eye(2), 20 * torch.eye(2), torch.zeros(2), EMBEDDINGS)  # the larger wins


def test_a_confident_image_lies_on_its_class_embedding_an_uncertain_one_is_shorter():
    confident, other, uncertain = HEAD(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
    torch.testing.assert_close(confident, EMBEDDINGS[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(other, EMBEDDINGS[1], atol=1e-6, rtol=0)
    assert uncertain.norm() == pytest.approx(0.5**0.5)


def test_contributions_of_positions_average_to_the_embedding():
    torch.manual_seed(0)
    head = CategoryHead(torch.randn(3, 5), torch.randn(4, 3), torch.randn(4), torch.randn(4, 2))
    positions = torch.randn(6, 5)
    contributions = head.spatial_embeddings(positions)
    torch.testing.assert_close(contributions.mean(0), head(positions.mean(0)))
    # the derivative towards one position is its contribution relative to the mean
    mean, step = positions.mean(0), 1e-3
    derivative = (head(mean + step * (positions[2] - mean)) - head(mean)) / step
    expected = contributions[2] - contributions.mean(0)
    torch.testing.assert_close(derivative, expected, atol=0.02, rtol=0.02)


def test_stored_arrays_are_read_again_and_checked():
    again = CategoryHead.from_arrays(HEAD.arrays() | {"projection": torch.eye(2)})
    assert again is not None
    torch.testing.assert_close(again.arrays(), HEAD.arrays())
    assert CategoryHead.from_arrays({"projection": torch.eye(2)}) is None
    with pytest.raises(ValueError, match=r"expected kinds\.read, .* found only kinds\.read"):
        CategoryHead.from_arrays({"kinds.read": torch.eye(2)})
    with pytest.raises(
        ValueError, match=r"expected arrays of one class count and rank, found .*\(2,\)"
    ):
        CategoryHead.from_arrays(HEAD.arrays() | {"kinds.read": torch.zeros(2)})
    with pytest.raises(
        ValueError, match=r"expected arrays of one class count and rank, found .*\(3,\)"
    ):
        CategoryHead.from_arrays(HEAD.arrays() | {"kinds.bias": torch.zeros(3)})
