"""Embeddings of earlier batches as additional negatives (Wang et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class CrossBatchMemory:
    """The latest `size` views, as negatives for a small batch.

    Weights change slowly, so embeddings of some dozen steps ago are still good negatives and cost
    nothing.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.products = torch.empty(0, dtype=torch.int64)
        self.heads: list[torch.Tensor] = []

    def add(self, products: torch.Tensor, heads: Sequence[torch.Tensor]) -> None:
        """Store views: `products` int64 (m,) and for each head float32 (m, d)."""
        new = [head.detach() for head in heads]
        old = self.heads or [head[:0] for head in new]
        self.heads = [torch.cat(pair)[-self.size :] for pair in zip(old, new, strict=True)]
        self.products = torch.cat([self.products.to(products.device), products])[-self.size :]

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` reads."""
        return {"products": self.products, "heads": self.heads}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Continue with the views of a saved memory, on `device`."""
        self.products = state["products"].to(device)
        self.heads = [head.to(device) for head in state["heads"]]

    def without(self, products: torch.Tensor) -> Sequence[torch.Tensor | None]:
        """Return each head's embeddings of other views than `products`; (None, None) if empty."""
        rows = ~torch.isin(self.products.to(products.device), products)
        return [head[rows] for head in self.heads] or (None, None)
