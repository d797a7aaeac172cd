"""What the student is asked for; each loss is a mean over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.training.data import MISSING

COSINE_SCALE = 16.0  # inverse temperature of the normalised softmax (Zhai & Wu 2019)


def proxy_loss(
    vectors: torch.Tensor, proxies: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.05
) -> torch.Tensor:
    """Normalised softmax over class proxies; rows with a MISSING label do not count."""
    known = labels != MISSING
    if not known.any():
        return vectors.sum() * 0
    logits = COSINE_SCALE * vectors[known] @ F.normalize(proxies, dim=1).T
    return F.cross_entropy(logits, labels[known], label_smoothing=smoothing)


def pair_loss(left: torch.Tensor, right: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """Row i of `left` belongs to row i of `right` and to no other, both ways (InfoNCE)."""
    logits = left @ right.T * log_scale.exp().clamp(max=50)
    target = torch.arange(len(left))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def views_loss(
    views: torch.Tensor,
    log_scale: torch.Tensor,
    pairs: torch.Tensor,
    products: torch.Tensor,
    others: torch.Tensor | None = None,
) -> torch.Tensor:
    """Two views of each product find each other among all views there are (NT-Xent).

    `views` (2n, d): n first views, then their second ones, of `products`, int64 (2n,); only
    `pairs`, bool (n,), are to find each other. A product that comes twice is not told apart from
    itself. `others` (m, d) are views of other products, to be told apart.
    """
    if not pairs.any():
        return views.sum() * 0
    n, asking = len(pairs), pairs.repeat(2)
    there = views if others is None else torch.cat([views, others])
    logits = views @ there.T * log_scale.exp().clamp(max=50)
    target = torch.arange(2 * n).roll(n)
    same = products[:, None] == products
    same[torch.arange(2 * n), target] = False
    logits[:, : 2 * n].masked_fill_(same, -1e4)
    return F.cross_entropy(logits[asking], target[asking])


def kind_loss(told: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Softmax over what speaks for each kind; rows with a MISSING label do not count."""
    known = labels != MISSING
    return F.cross_entropy(told[known], labels[known]) if known.any() else told.sum() * 0


def neighbours_loss(
    vectors: torch.Tensor, labels: torch.Tensor, products: torch.Tensor, scale: float = 20.0
) -> torch.Tensor:
    """Those of one label are near: -log of their share of all, weighed by exp(scale * cosine).

    Neighbourhood components (Goldberger et al. 2004) of `vectors` (n, d) of L2 norm 1, `labels` and
    `products` int64 (n,). A product is no neighbour of itself; who has a MISSING label neither asks
    nor answers, and who has no other of theirs does not ask.
    """
    known = labels != MISSING
    there = known[:, None] & known & (products[:, None] != products)
    near = (scale * vectors @ vectors.T).masked_fill(~there, -1e4)
    right = there & (labels[:, None] == labels)
    asking = right.any(1)
    if not asking.any():
        return vectors.sum() * 0
    found = near.masked_fill(~right, -1e4).logsumexp(1) - near.logsumexp(1)
    return -found[asking].mean()


def teacher_loss(guess: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """1 - cosine of what the student says of a changed picture and the teacher of the clean."""
    return (1 - F.cosine_similarity(guess, teacher, dim=1)).mean()
