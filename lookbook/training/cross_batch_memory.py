"""Vectors of earlier batches, to be told apart from those of this one."""

from __future__ import annotations

from collections.abc import Sequence

import torch


class Memory:
    """The latest `most` views, as further wrong answers for a small batch.

    Cross-batch memory (Wang et al. 2020): a network changes slowly, so what it said some dozens of
    steps ago is nearly what it would say now, and costs nothing.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.products = torch.empty(0, dtype=torch.int64)
        self.sides: list[torch.Tensor] = []

    def add(self, products: torch.Tensor, sides: Sequence[torch.Tensor]) -> None:
        """Note views: `products` int64 (m,) and for each side of the vector float32 (m, d)."""
        fresh = [side.detach() for side in sides]
        kept = self.sides or [side[:0] for side in fresh]
        self.sides = [torch.cat(pair)[-self.most :] for pair in zip(kept, fresh, strict=True)]
        self.products = torch.cat([self.products, products])[-self.most :]

    def without(self, products: torch.Tensor) -> Sequence[torch.Tensor | None]:
        """Both sides of all views but those of `products`; None while there are none."""
        rows = ~torch.isin(self.products, products)
        return [side[rows] for side in self.sides] or (None, None)
