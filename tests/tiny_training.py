"""Small models, labels and batches for the tests of training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import LABEL_COLUMNS
from lookbook.training.descriptions import Description
from lookbook.training.model import EmbeddingModel
from lookbook.training.pair_sampler import Batch, PairLabels
from lookbook.training.trainer import Trainer

VOCABULARY = Vocabulary(("red", "shirt"), ())


def tiny_model(
    classes: tuple[str, ...] = ("a", "b"), words: int = 2, teacher_dim: int = 0, **changes
) -> EmbeddingModel:
    """A model of 20 dimensions, (12, 6, 2) of its heads, with the same classes in each column."""
    columns = {column: list(classes) for column in LABEL_COLUMNS}
    return EmbeddingModel(columns, 20, teacher_dim, words, **changes)


def pair_labels(class_ids: torch.Tensor, titles: list[str], recoloured: bool = False) -> PairLabels:
    """Labels of as many products as there are `titles`, each seen twice."""
    numbers = torch.arange(len(titles)).repeat(2, 1)
    descriptions = [[Description(title) for title in titles]] * 2
    colours = torch.full((len(titles),), recoloured)
    return PairLabels(numbers, numbers, class_ids, colours, descriptions, None)


def tiny_batch() -> Batch:
    """Four views of two labelled products in red and blue."""
    colours = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]).repeat(2, 1)
    images = colours[:, :, None, None] + 0.1 * torch.randn(4, 3, 64, 64)
    class_ids = torch.tensor([0, 1])[None, :, None].repeat(2, 1, len(LABEL_COLUMNS))
    return Batch(images, pair_labels(class_ids, ["red", "shirt"]))


def tiny_trainer(work: Path, **changes) -> Trainer:
    """A trainer of a `tiny_model` with the given options."""
    options = {"work": work, "start_from": None, "dim": 20, "size": 64, "freeze_stages": 0}
    options |= {"memory_size": 0, "lr": 1e-2, "backbone_lr_scale": 0.5, "warmup": 10}
    options |= {"cooldown": 0.5, "ema_decay": 0.9, "device": "cpu", "mix_share": 0.0}
    options |= {"stochastic_depth": 0.0, "distill_weight": 0.0} | changes
    classes = {column: ["a", "b"] for column in LABEL_COLUMNS}
    return Trainer(SimpleNamespace(**options), classes, VOCABULARY, 0)


def unit(*shape: int) -> torch.Tensor:
    """Random rows of L2 norm 1."""
    return normalized(torch.randn(*shape))


def normalized(rows: torch.Tensor) -> torch.Tensor:
    """Rows at L2 norm 1."""
    return torch.nn.functional.normalize(rows, dim=-1)
