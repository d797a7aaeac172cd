"""The table of words in the last step, for vectors that stand still."""

from __future__ import annotations

import torch
from torch import nn

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.head_finetuning import Features, descend
from lookbook.training.model import EmbeddingModel
from lookbook.training.objective import words_loss

STEPS, BATCH, RATE = 180, 2048, 2e-3  # more is better on held-out photos, worse on drawn ones
FAINT = 0.05  # of the usual length of a first row: a word met seldom must not outweigh others


def fit_text_embeddings(
    student: EmbeddingModel, features: Features, words: Vocabulary, anew: bool = False
) -> list[float]:
    """Learn `student.words` on the vectors of `features`, or `anew`; the loss at each of `STEPS`.

    Words follow pictures here and do not move them. Without a picture that is described by any of
    the `words` nothing is changed.
    """
    said = features.truth.said
    described = torch.tensor([row for row, text in enumerate(said) if words.tokens(text.text)])
    if not len(described):
        return []
    vectors = _vectors(student, features)
    if anew:
        nn.init.normal_(student.words.weight, std=FAINT * student.words.embedding_dim**-0.5)
    moving = [*student.words.parameters(), student.sharpness]
    optimiser = torch.optim.AdamW(moving, lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    found = []
    for _ in range(STEPS):
        rows = described[torch.randperm(len(described))[:BATCH]]
        loss = words_loss(student, words, vectors[rows], [said[row] for row in rows.tolist()])
        if loss.requires_grad:  # not where all texts happened to be of other words
            descend(loss, optimiser)
        schedule.step()
        found.append(loss.item())
    return found


@torch.no_grad()
def _vectors(student: EmbeddingModel, features: Features) -> torch.Tensor:
    """(2n, dim): of all first views, then of all second ones, as an encoder gives them."""
    student.eval()
    parts = [*features.first.split(4096), *features.second.split(4096)]
    return torch.cat([student.embed(part.float()) for part in parts])
