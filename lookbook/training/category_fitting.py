"""Fit the category head on fixed features: low-rank multinomial logistic regression."""

from __future__ import annotations

import torch

from lookbook.training.data import MISSING
from lookbook.training.head_finetuning import PairFeatures, optimizer_step
from lookbook.training.losses import category_cross_entropy
from lookbook.training.model import CATEGORY_COLUMN, CATEGORY_WEIGHT_DECAY, EmbeddingModel

STEPS, BATCH, LR = 1200, 512, 1e-3
STATS_SAMPLE = 16_384  # images that the feature statistics are taken of
VARIANCE_FLOOR = 0.01  # of the mean variance: keeps near-constant features from being amplified


def fit_category_head(model: EmbeddingModel, features: PairFeatures) -> list[float]:
    """Fit `model.category_head` from scratch; return the loss of each of STEPS.

    Features are standardized first. Without a labelled image the model is not changed.
    """
    inputs, labels = features.both(), features.labels.class_ids_of(CATEGORY_COLUMN)
    labelled = (labels != MISSING).nonzero().flatten()
    if not len(labelled):
        return []
    standardize_features(model, inputs)
    head = model.category_head
    head.reset_parameters()
    optimizer = torch.optim.AdamW(head.parameters(), lr=LR, weight_decay=CATEGORY_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    model.train()
    history = []
    for _ in range(STEPS):
        rows = labelled[torch.randint(len(labelled), (min(BATCH, len(labelled)),))]
        loss = category_cross_entropy(head(inputs[rows].float()), labels[rows])
        optimizer_step(loss, optimizer)
        schedule.step()
        history.append(loss.item())
    return history


@torch.no_grad()
def standardize_features(model: EmbeddingModel, features: torch.Tensor) -> None:
    """Set the category head's statistics to those of `features` (n, 5120); logits stay the same."""
    head = model.category_head
    sample = features[:: -(-len(features) // STATS_SAMPLE)].float()
    variance = sample.var(0, correction=0)
    variance = variance.clamp_min(max(VARIANCE_FLOOR * float(variance.mean()), 1e-6))
    stats = torch.stack([sample.mean(0), variance.sqrt()])
    old_mean, old_deviation = head.feature_stats
    weight = head.bottleneck.weight / old_deviation
    head.classifier.bias.add_(head.classifier.weight @ weight @ (stats[0] - old_mean))
    head.bottleneck.weight.copy_(weight * stats[1])
    head.feature_stats.copy_(stats)
