"""The last step of training: projection, proxies and words once more, on features that stand still.

While the backbone learns, a step costs a second and sees a few dozen products. Once it is frozen,
its features can be computed once and everything above it trained on a thousand products at a time
(decoupled training, Kang et al. 2020): far more negatives, hundreds of times the steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lookbook.training.batches import Batch
from lookbook.training.model import Student


@dataclass
class Features:
    """What the frozen backbone says of n pairs of views, and what belongs to them."""

    first: torch.Tensor  # float16 (n, 2048)
    second: torch.Tensor  # float16 (n, 2048)
    labels: torch.Tensor  # int64 (n, heads)
    names: list[str]  # "" for a photo that has no name

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: torch.Tensor) -> Features:
        """The pairs at `rows`."""
        names = [self.names[r] for r in rows.tolist()]
        return Features(self.first[rows], self.second[rows], self.labels[rows], names)


@torch.no_grad()
def collect(student: Student, batches: Iterator[Batch], count: int) -> Features:
    """Features of at least `count` pairs of views, the backbone in eval mode."""
    student.eval()
    first, second, labels, names = [], [], [], []
    while sum(map(len, first)) < count:
        batch = next(batches)
        n = len(batch.pictures) // 2
        with torch.autocast("cpu", torch.bfloat16):
            features = student.features(batch.pictures).half()
        first.append(features[:n])
        second.append(features[n:])
        labels.append(batch.labels[:n])
        names += batch.names + [""] * (n - len(batch.names))
    return Features(torch.cat(first), torch.cat(second), torch.cat(labels), names)


def finish(
    student: Student, features: Features, loss: object, *, epochs: int, batch: int, rate: float
) -> list[float]:
    """Train all but the backbone on `features`; returns the mean loss of each epoch.

    `loss(student, features, names, labels)` gives the total for first and second views stacked.
    """
    student.train()
    for parameter in student.backbone.parameters():
        parameter.requires_grad_(False)
    moving = [p for p in student.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(moving, lr=rate, weight_decay=1e-4)
    steps = epochs * max(1, len(features) // batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * min(1, step / steps)))
    )
    means = []
    for _ in range(epochs):
        order, total = torch.randperm(len(features)), 0.0
        rounds = max(1, len(order) // batch)
        for part in range(rounds):
            rows = order[part * batch : (part + 1) * batch]
            value = loss(student, features.take(rows))
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()
            schedule.step()
            total += value.item() / rounds
        means.append(total)
    return means
