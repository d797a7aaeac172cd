"""The side for kinds in the last step, from features that stand still."""

from __future__ import annotations

import torch

from lookbook.training.data import MISSING
from lookbook.training.head_finetuning import Features, descend
from lookbook.training.losses import category_cross_entropy
from lookbook.training.model import KIND, KINDS_DECAY, EmbeddingModel

STEPS, BATCH, RATE = 1200, 512, 1e-3
SOME = 16_384  # pictures say how features usually are
FLOOR = 0.01  # of the mean variance: a feature that never moved must not shout when it does


def fit_category_head(student: EmbeddingModel, features: Features) -> list[float]:
    """Learn `student.kind` and `student.kinds` anew; the loss at each of `STEPS`.

    Multinomial logistic regression of a low rank on features made alike in mean and variance.
    Without a labelled picture nothing is changed.
    """
    seen, labels = features.both(), features.truth.labels_of(KIND)
    known = (labels != MISSING).nonzero().flatten()
    if not len(known):
        return []
    standardize_features(student, seen)
    sides = (student.kind, student.kinds)
    for side in sides:
        side.reset_parameters()
    moving = [parameter for side in sides for parameter in side.parameters()]
    optimiser = torch.optim.AdamW(moving, lr=RATE, weight_decay=KINDS_DECAY)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, STEPS)
    student.train()
    found = []
    for _ in range(STEPS):
        rows = known[torch.randint(len(known), (min(BATCH, len(known)),))]
        loss = category_cross_entropy(student.told(seen[rows].float()), labels[rows])
        descend(loss, optimiser)
        falling.step()
        found.append(loss.item())
    return found


@torch.no_grad()
def standardize_features(student: EmbeddingModel, seen: torch.Tensor) -> None:
    """Note how features (n, 5120) usually are; what speaks for each kind stays the same."""
    some = seen[:: -(-len(seen) // SOME)].float()
    variance = some.var(0, correction=0)
    variance = variance.clamp_min(max(FLOOR * float(variance.mean()), 1e-6))
    usual, (mean, deviation) = torch.stack([some.mean(0), variance.sqrt()]), student.usual
    read = student.kind.weight / deviation
    student.kinds.bias.add_(student.kinds.weight @ read @ (usual[0] - mean))
    student.kind.weight.copy_(read * usual[1])
    student.usual.copy_(usual)
