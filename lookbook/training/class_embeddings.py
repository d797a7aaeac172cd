"""Fixed embeddings of classes: orthogonal, or as nearly so as the dimensions allow."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

STEPS = 300


def grassmannian_frame(count: int, dim: int) -> torch.Tensor:
    """Return float32 (count, dim): rows of L2 norm 1 with small mutual cosines.

    The largest absolute cosine between two rows is minimized from a random start (Grassmannian
    frames: Strohmer & Heath 2003; its lower bound: Welch 1974). Deterministic.
    """
    if count <= dim:
        return torch.eye(count, dim)
    rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimizer = torch.optim.Adam([rows], 0.05)
    with torch.enable_grad():
        for _ in range(STEPS):
            unit = F.normalize(rows, dim=1)
            cosines = (unit @ unit.T).fill_diagonal_(0).abs()
            optimizer.zero_grad()
            torch.logsumexp(20 * cosines, 1).mean().backward()
            optimizer.step()
    return F.normalize(rows.detach(), dim=1)
