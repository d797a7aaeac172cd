"""The last step of training: sides and proxies once more, on features that stand still.

While the backbone learns, a step costs a second and sees a few dozen products. Once it is frozen,
its features can be computed once and everything above it trained on a thousand products at a time
(decoupled training, Kang et al. 2020): far more negatives, hundreds of times the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import MISSING
from lookbook.training.model import (
    AVERAGES,
    KINDS_DECAY,
    KINDS_SIDE,
    EmbeddingModel,
    mixed_precision,
)
from lookbook.training.objective import asked, weighed
from lookbook.training.pair_sampler import Batch, Truth


@dataclass
class Features:
    """What the frozen backbone says of n pairs of views, and what is known of them."""

    first: torch.Tensor  # float16 (n, 5120)
    second: torch.Tensor  # float16 (n, 5120)
    truth: Truth

    def __len__(self) -> int:
        return len(self.truth)

    def both(self) -> torch.Tensor:
        """(2n, 5120): all first views, then all second ones, as `Truth.labels_of` goes."""
        return torch.cat([self.first, self.second])

    def take(self, rows: torch.Tensor) -> Features:
        """The pairs at `rows`."""
        return Features(self.first[rows], self.second[rows], self.truth.take(rows))

    @classmethod
    def of(cls, parts: Sequence[Features]) -> Features:
        """One after another."""
        return cls(
            torch.cat([p.first for p in parts]),
            torch.cat([p.second for p in parts]),
            Truth.of([p.truth for p in parts]),
        )


@torch.no_grad()
def collect(student: EmbeddingModel, batches: Iterator[Batch], count: int) -> Features:
    """Features of at least `count` pairs of views, the backbone in eval mode."""
    student.eval()
    first, second, truths = [], [], []
    while sum(map(len, first)) < count:
        batch = next(batches)
        with mixed_precision():
            features = student.features(batch.pictures).half()
        one, other = features.chunk(2)
        first.append(one)
        second.append(other)
        truths.append(batch.truth)
    return Features(torch.cat(first), torch.cat(second), Truth.of(truths))


@torch.no_grad()
def init_proxies(student: EmbeddingModel, features: Features) -> None:
    """Each class where its pictures are: a student that came without heads need not search."""
    averaged = features.both()[:, :AVERAGES].float()
    vectors = F.normalize(student.projection(averaged), dim=1)
    for head, proxies in student.heads.items():
        numbers = features.truth.labels_of(head)
        known = numbers != MISSING
        sums = torch.zeros_like(proxies).index_add_(0, numbers[known], vectors[known])
        seen = sums.norm(dim=1) > 0
        # as long as a proxy drawn at random, so that it turns at the same speed
        proxies[seen] = F.normalize(sums[seen], dim=1) * proxies.shape[1] ** 0.5


def finish(
    student: EmbeddingModel,
    features: Features,
    *,
    epochs: int,
    batch: int,
    rate: float,
    kinds_rate: float | None = None,
    still: tuple[str, ...] = (),
    words: Vocabulary | None = None,
) -> list[float]:
    """Train all above the backbone but what begins like one of `still`; each epoch's mean loss.

    Without `words` they stand still too. Kinds learn at `kinds_rate`, or at `rate` like all else.
    """
    student.train()
    still = ("backbone.", *still) if words else ("backbone.", "words.", *still)
    optimiser = torch.optim.AdamW(_moving(student, still, rate, kinds_rate or rate))
    rounds = max(1, len(features) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * rounds)
    means = []
    for _ in range(epochs):
        order, total = torch.randperm(len(features)), 0.0
        for part in range(rounds):
            some = features.take(order[part * batch : (part + 1) * batch])
            value = weighed(asked(student, words, some.both().float(), some.truth))
            descend(value, optimiser)
            schedule.step()
            total += value.item() / rounds
        means.append(total)
    return means


def descend(loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
    """One step of the optimiser, down a loss of its own."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def _moving(
    student: EmbeddingModel, still: tuple[str, ...], rate: float, kinds_rate: float
) -> list[dict]:
    """Groups of parameters for AdamW."""
    kinds, others = [], []
    for name, parameter in student.named_parameters():
        if not name.startswith(still):
            (kinds if name.startswith(KINDS_SIDE) else others).append(parameter)
    return [
        {"params": kinds, "lr": kinds_rate, "weight_decay": KINDS_DECAY},
        {"params": others, "lr": rate, "weight_decay": 1e-4},
    ]
