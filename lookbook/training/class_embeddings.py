"""Where kinds lie on their side of a vector: as near to right angles as there is room."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

STEPS = 300


def spread(count: int, dim: int) -> torch.Tensor:
    """float32 (count, dim): rows of L2 norm 1, at right angles or, where that cannot be, nearly.

    The largest cosine between two rows, of either sign, is pushed down from a random start
    (Grassmannian frames: Strohmer & Heath 2003; its floor is Welch's bound, 1974). Always the same
    rows for the same numbers.
    """
    if count <= dim:
        return torch.eye(count, dim)
    rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimiser = torch.optim.Adam([rows], 0.05)
    with torch.enable_grad():
        for _ in range(STEPS):
            unit = F.normalize(rows, dim=1)
            others = (unit @ unit.T).fill_diagonal_(0).abs()
            optimiser.zero_grad()
            torch.logsumexp(20 * others, 1).mean().backward()
            optimiser.step()
    return F.normalize(rows.detach(), dim=1)
