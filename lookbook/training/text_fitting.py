"""Fit the text embeddings on fixed image vectors."""

from __future__ import annotations

import torch
from torch import nn

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.head_finetuning import WEIGHT_DECAY, PairFeatures, optimizer_step
from lookbook.training.model import EmbeddingModel
from lookbook.training.objective import text_loss

STEPS, BATCH, LR = 180, 2048, 2e-3  # more steps help on held-out photos, harm on drawn ones
RESET_SCALE = 0.05  # of the usual initial norm, so that rare words do not outweigh others


def fit_text_embeddings(
    model: EmbeddingModel, features: PairFeatures, vocabulary: Vocabulary, reset: bool = False
) -> list[float]:
    """Train `model.text_embeddings` on the vectors of `features`; return the loss of each of STEPS.

    `reset` starts from new random embeddings. The image vectors do not change. Without an image
    whose description has a word of the `vocabulary` nothing is changed.
    """
    descriptions = features.labels.all_descriptions
    described = [row for row, d in enumerate(descriptions) if vocabulary.tokens(d.text)]
    if not described or model.text_embeddings is None:
        return []
    rows_with_text = torch.tensor(described)
    vectors = _vectors(model, features)
    if reset:
        std = RESET_SCALE * model.text_embeddings.embedding_dim**-0.5
        nn.init.normal_(model.text_embeddings.weight, std=std)
    parameters = [*model.text_embeddings.parameters(), model.logit_scale]
    optimizer = torch.optim.AdamW(parameters, lr=LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    history = []
    for _ in range(STEPS):
        rows = rows_with_text[torch.randperm(len(rows_with_text))[:BATCH]]
        texts = [descriptions[row] for row in rows.tolist()]
        loss = text_loss(model, vocabulary, vectors[rows], texts)
        if loss.requires_grad:  # False if all drawn queries are of out-of-vocabulary words
            optimizer_step(loss, optimizer)
        schedule.step()
        history.append(loss.item())
    return history


@torch.no_grad()
def _vectors(model: EmbeddingModel, features: PairFeatures) -> torch.Tensor:
    """Return (2n, dim): of all first views, then of all second ones, in eval mode."""
    model.eval()
    parts = [*features.first.split(4096), *features.second.split(4096)]
    return torch.cat([model.embed(part.float()) for part in parts])
