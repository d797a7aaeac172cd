"""Negatives from earlier batches."""

from __future__ import annotations

import torch

from lookbook.training.cross_batch_memory import CrossBatchMemory


def test_memory_keeps_the_latest_views_of_other_products():
    memory = CrossBatchMemory(5)
    assert memory.without(torch.tensor([1])) == (None, None)
    for product in (1, 2, 3):
        memory.add(torch.tensor([product, product]), (torch.full((2, 4), float(product)),) * 2)
    general, detail = memory.without(torch.tensor([3, 9]))
    assert general[:, 0].tolist() == [1, 2, 2], "of six views the first is dropped"
    assert detail.shape == (3, 4)
    memory.add(torch.full((9,), 4), (torch.ones(9, 4),) * 2)
    assert len(memory.without(torch.tensor([3]))[0]) == 5, (
        "at most its size, however many are added"
    )
