"""Fine-tune everything above the backbone on features computed once.

While the backbone is trained, a step takes a second and sees a few dozen products. With the
backbone frozen, its features are computed once, and heads and proxies are trained on a thousand
products at a time (decoupled training, Kang et al. 2020): far more negatives, many more steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import MISSING
from lookbook.training.device import mixed_precision
from lookbook.training.model import (
    AVG_FEATURES,
    CATEGORY_PREFIX,
    CATEGORY_WEIGHT_DECAY,
    EmbeddingModel,
)
from lookbook.training.objective import compute_losses, weighted_sum
from lookbook.training.pair_sampler import Batch, PairLabels

WEIGHT_DECAY = 1e-4


@dataclass
class PairFeatures:
    """Features of n pairs of views by the frozen backbone, with their labels."""

    first: torch.Tensor  # float16 (n, 5120)
    second: torch.Tensor  # float16 (n, 5120)
    labels: PairLabels

    def __len__(self) -> int:
        return len(self.labels)

    def both(self) -> torch.Tensor:
        """Return (2n, 5120): all first views, then all second ones, as `class_ids_of` has them."""
        return torch.cat([self.first, self.second])

    def take(self, rows: torch.Tensor) -> PairFeatures:
        """Return the pairs at `rows`."""
        return PairFeatures(self.first[rows], self.second[rows], self.labels.take(rows))

    @classmethod
    def concatenate(cls, parts: Sequence[PairFeatures]) -> PairFeatures:
        """Join the pairs of all `parts`."""
        return cls(
            torch.cat([p.first for p in parts]),
            torch.cat([p.second for p in parts]),
            PairLabels.concatenate([p.labels for p in parts]),
        )


@torch.no_grad()
def extract_features(model: EmbeddingModel, batches: Iterator[Batch], count: int) -> PairFeatures:
    """Compute features of at least `count` pairs of views, the backbone in eval mode."""
    model.eval()
    parts: list[PairFeatures] = []
    while sum(map(len, parts)) < count:
        batch = next(batches)
        with mixed_precision(model.device):
            first, second = model.features(batch.images).half().chunk(2)
        parts.append(PairFeatures(first, second, batch.labels))
    return PairFeatures.concatenate(parts)


@torch.no_grad()
def init_proxies(model: EmbeddingModel, features: PairFeatures) -> None:
    """Set each class proxy to the mean of its images, for a model that came without heads."""
    average = features.both()[:, :AVG_FEATURES].float()
    vectors = F.normalize(model.projection(average), dim=1)
    for column, proxies in model.proxies.items():
        class_ids = features.labels.class_ids_of(column)
        known = class_ids != MISSING
        sums = torch.zeros_like(proxies).index_add_(0, class_ids[known], vectors[known])
        present = sums.norm(dim=1) > 0
        # the norm of a random proxy, so that it changes direction at the same rate
        proxies[present] = F.normalize(sums[present], dim=1) * proxies.shape[1] ** 0.5


def finetune_heads(
    model: EmbeddingModel,
    features: PairFeatures,
    *,
    epochs: int,
    batch: int,
    lr: float,
    category_lr: float | None = None,
    frozen: tuple[str, ...] = (),
    vocabulary: Vocabulary | None = None,
) -> list[float]:
    """Train all parameters above the backbone; return the mean loss of each epoch.

    Parameters whose names start with one of `frozen` are not trained, nor are the text embeddings
    without a `vocabulary`. `category_lr` is the learning rate of the category head, by default
    `lr`.
    """
    model.train()
    frozen = ("backbone.", *frozen) if vocabulary else ("backbone.", "text_embeddings.", *frozen)
    optimizer = torch.optim.AdamW(_parameter_groups(model, frozen, lr, category_lr or lr))
    steps = max(1, len(features) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    means = []
    for _ in range(epochs):
        order, mean = torch.randperm(len(features)), 0.0
        for step in range(steps):
            part = features.take(order[step * batch : (step + 1) * batch])
            loss = weighted_sum(compute_losses(model, vocabulary, part.both().float(), part.labels))
            optimizer_step(loss, optimizer)
            schedule.step()
            mean += loss.item() / steps
        means.append(mean)
    return means


def optimizer_step(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Take one step down the gradient of `loss`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _parameter_groups(
    model: EmbeddingModel, frozen: tuple[str, ...], lr: float, category_lr: float
) -> list[dict]:
    category: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not name.startswith(frozen):
            (category if name.startswith(CATEGORY_PREFIX) else others).append(parameter)
    return [
        {"params": category, "lr": category_lr, "weight_decay": CATEGORY_WEIGHT_DECAY},
        {"params": others, "lr": lr, "weight_decay": WEIGHT_DECAY},
    ]
