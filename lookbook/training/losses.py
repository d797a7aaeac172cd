"""Loss functions; each is a mean over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.training.data import MISSING

COSINE_SCALE = 16.0  # inverse temperature of the normalized softmax (Zhai & Wu 2019)
MAX_LOGIT_SCALE = 50


def proxy_nca(
    vectors: torch.Tensor, proxies: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.05
) -> torch.Tensor:
    """Normalized softmax of `vectors` (n, d) over class `proxies` (k, d).

    `labels` int64 (n,); rows with a MISSING label are left out.
    """
    known = labels != MISSING
    if not known.any():
        return vectors.sum() * 0
    logits = COSINE_SCALE * vectors[known] @ F.normalize(proxies, dim=1).T
    return F.cross_entropy(logits, labels[known], label_smoothing=smoothing)


def supervised_text_loss(
    text_vectors: torch.Tensor,
    image_vectors: torch.Tensor,
    matching: torch.Tensor,
    log_scale: torch.Tensor,
) -> torch.Tensor:
    """Contrast texts with all images that match them, and images with their own text.

    `text_vectors` and `image_vectors` (n, d), row by row of one product; `matching` bool (n, n):
    whether a text (row) is matched by an image (column), its own always is. Supervised contrastive
    loss (Khosla et al. 2020).
    """
    logits = text_vectors @ image_vectors.T * log_scale.exp().clamp(max=MAX_LOGIT_SCALE)
    to_images = logits.log_softmax(1).masked_fill(~matching, 0).sum(1) / matching.sum(1)
    others = matching & ~torch.eye(len(text_vectors), dtype=torch.bool, device=matching.device)
    to_text = logits.T.masked_fill(others.T, -1e4).log_softmax(1).diagonal()
    return -(to_images.mean() + to_text.mean()) / 2


def nt_xent(
    views: torch.Tensor,
    log_scale: torch.Tensor,
    pairs: torch.Tensor,
    products: torch.Tensor,
    negatives: torch.Tensor | None = None,
) -> torch.Tensor:
    """NT-Xent (Chen et al. 2020) between the two views of each of `pairs`.

    `views` (2n, d): n first views, then their second ones, of `products`, int64 (2n,); `pairs` bool
    (n,). Views of one product are never negatives of each other. `negatives` (m, d) are views of
    other products.
    """
    if not pairs.any():
        return views.sum() * 0
    rows_of_pairs = pairs.repeat(2)
    views, products = views[rows_of_pairs], products[rows_of_pairs]
    candidates = views if negatives is None else torch.cat([views, negatives])
    logits = views @ candidates.T * log_scale.exp().clamp(max=MAX_LOGIT_SCALE)
    rows = torch.arange(len(views), device=views.device)
    target = rows.roll(len(views) // 2)
    same = products[:, None] == products
    same[rows, target] = False
    logits[:, : len(views)].masked_fill_(same, -1e4)
    return F.cross_entropy(logits, target)


def category_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of `logits` (n, k); rows with a MISSING label are left out."""
    known = labels != MISSING
    return F.cross_entropy(logits[known], labels[known]) if known.any() else logits.sum() * 0


def nca(
    vectors: torch.Tensor, labels: torch.Tensor, products: torch.Tensor, scale: float = 20.0
) -> torch.Tensor:
    """Neighbourhood components loss (Goldberger et al. 2004): -log share of the own label.

    Shares are weighed by exp(scale * cosine) of `vectors` (n, d) of L2 norm 1; `labels` and
    `products` int64 (n,). A product is no neighbour of itself. Rows with a MISSING label are left
    out, and as queries those whose label no other product has.
    """
    known = labels != MISSING
    neighbours = known[:, None] & known & (products[:, None] != products)
    logits = (scale * vectors @ vectors.T).masked_fill(~neighbours, -1e4)
    positives = neighbours & (labels[:, None] == labels)
    queries = positives.any(1)
    if not queries.any():
        return vectors.sum() * 0
    log_share = logits.masked_fill(~positives, -1e4).logsumexp(1) - logits.logsumexp(1)
    return -log_share[queries].mean()


def similarity_distillation(
    vectors: torch.Tensor, targets: torch.Tensor, scale: float = 20.0
) -> torch.Tensor:
    """KL divergence of each row's similarities to the other rows from those of a teacher.

    `vectors` and `targets` (n, d) are of the same images; similarities are a softmax of scale *
    cosine (Fang et al. 2021, there with a queue in place of the batch).
    """
    own = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    student, teacher = (
        (scale * rows @ rows.T).masked_fill(own, -1e4).log_softmax(1)
        for rows in (F.normalize(vectors, dim=1), F.normalize(targets, dim=1))
    )
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True)


def soft_label_distillation(
    logits: torch.Tensor, targets: torch.Tensor, temperature: float = 2.0
) -> torch.Tensor:
    """KL divergence of class shares from a teacher's, both by logits (n, k) (Hinton et al. 2015).

    The factor temperature ** 2 keeps the size of the gradients.
    """
    student, teacher = ((rows / temperature).log_softmax(1) for rows in (logits, targets))
    divergence = F.kl_div(student, teacher, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


def distillation(predicted: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """1 - cosine between predictions for augmented views and teacher vectors of clean photos."""
    return (1 - F.cosine_similarity(predicted, teacher, dim=1)).mean()
