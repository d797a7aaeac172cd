"""What the student is asked for; each loss is a mean over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.training.data import MISSING

COSINE_SCALE = 16.0  # inverse temperature of the normalised softmax (Zhai & Wu 2019)


def proxy_nca(
    vectors: torch.Tensor, proxies: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.05
) -> torch.Tensor:
    """Normalised softmax over class proxies; rows with a MISSING label do not count."""
    known = labels != MISSING
    if not known.any():
        return vectors.sum() * 0
    logits = COSINE_SCALE * vectors[known] @ F.normalize(proxies, dim=1).T
    return F.cross_entropy(logits, labels[known], label_smoothing=smoothing)


def supervised_text_loss(
    said: torch.Tensor, seen: torch.Tensor, answers: torch.Tensor, log_scale: torch.Tensor
) -> torch.Tensor:
    """A text finds all pictures that answer it, a picture finds its own text.

    `said` and `seen` (n, d), row by row of one product; `answers` bool (n, n): whether a text (row)
    is answered by a picture (column), its own always is. Supervised contrast (Khosla et al. 2020).
    """
    logits = said @ seen.T * log_scale.exp().clamp(max=50)
    found = logits.log_softmax(1).masked_fill(~answers, 0).sum(1) / answers.sum(1)
    others = answers & ~torch.eye(len(said), dtype=torch.bool)
    named = logits.T.masked_fill(others.T, -1e4).log_softmax(1).diagonal()
    return -(found.mean() + named.mean()) / 2


def nt_xent(
    views: torch.Tensor,
    log_scale: torch.Tensor,
    pairs: torch.Tensor,
    products: torch.Tensor,
    others: torch.Tensor | None = None,
) -> torch.Tensor:
    """Two views of each product find each other among all views of such `pairs` (NT-Xent).

    `views` (2n, d): n first views, then their second ones, of `products`, int64 (2n,); `pairs` bool
    (n,). A product that comes twice is not told apart from itself. `others` (m, d) are views of
    other products, to be told apart.
    """
    if not pairs.any():
        return views.sum() * 0
    asking = pairs.repeat(2)
    views, products = views[asking], products[asking]
    there = views if others is None else torch.cat([views, others])
    logits = views @ there.T * log_scale.exp().clamp(max=50)
    rows = torch.arange(len(views))
    target = rows.roll(len(views) // 2)
    same = products[:, None] == products
    same[rows, target] = False
    logits[:, : len(views)].masked_fill_(same, -1e4)
    return F.cross_entropy(logits, target)


def category_cross_entropy(told: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Softmax over what speaks for each kind; rows with a MISSING label do not count."""
    known = labels != MISSING
    return F.cross_entropy(told[known], labels[known]) if known.any() else told.sum() * 0


def nca(
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


def distillation(guess: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """1 - cosine of what the student says of a changed picture and the teacher of the clean."""
    return (1 - F.cosine_similarity(guess, teacher, dim=1)).mean()
