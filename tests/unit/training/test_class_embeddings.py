"""Embeddings of classes."""

from __future__ import annotations

import torch

from lookbook.training.class_embeddings import grassmannian_frame


def test_class_embeddings_are_orthogonal_or_nearly_so():
    torch.testing.assert_close(grassmannian_frame(3, 5) @ grassmannian_frame(3, 5).T, torch.eye(3))
    many = grassmannian_frame(20, 8)
    torch.testing.assert_close(many.norm(dim=1), torch.ones(20))
    cosines = (many @ many.T).fill_diagonal_(0).abs().max()
    welch = ((20 - 8) / (8 * 19)) ** 0.5
    assert welch - 1e-6 <= cosines < 1.4 * welch
    torch.testing.assert_close(many, grassmannian_frame(20, 8))
    assert grassmannian_frame(0, 8).shape == (0, 8)
