"""Everything the embedding is asked for at once, and what each question weighs."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lookbook.training import losses
from lookbook.training.batches import Truth
from lookbook.training.data import EXACTLY, HEADS
from lookbook.training.memory import Memory
from lookbook.training.model import AVERAGES, KINDS, Student
from lookbook.words import Vocabulary

WEIGHTS: Mapping[str, float] = {
    "articleType": 1.0,
    "gender": 0.4,
    "baseColour": 0.8,
    "usage": 0.15,
    "season": 0.15,
    "label": 1.0,
    EXACTLY: 1.0,
    "kind articleType": 1.5,
    "kind label": 1.0,
    "views": 1.0,
    "cut": 0.7,
    "words": 0.4,
    "teacher": 3.0,
}


def asked(
    student: Student,
    words: Vocabulary,
    features: torch.Tensor,
    truth: Truth,
    memory: Memory | None = None,
) -> dict[str, torch.Tensor]:
    """Losses by name, unweighted, of `features` (2n, 5120): n first views, then their second ones.

    With a `memory` the views are told apart from those of earlier batches too, and join them.
    """
    whole, kind, cut = student.sides(features)
    parts = _labels_losses(student, whole, kind, truth.labels.flatten(0, 1))
    parts |= _views_losses(student, whole, cut, truth, memory)
    named = [i for i, name in enumerate(truth.names) if words.tokens(name)]
    if named:
        parts["words"] = _words_loss(student, words, features, truth, named)
    if student.teach is not None:
        teacher = truth.teacher.flatten(0, 1)
        parts["teacher"] = losses.teacher_loss(student.teach(features[:, :AVERAGES]), teacher)
    return parts


def _labels_losses(
    student: Student, whole: torch.Tensor, kind: torch.Tensor, labels: torch.Tensor
) -> dict[str, torch.Tensor]:
    """What the labels ask of each side that has proxies."""
    asking = [(head, whole, head, student.heads[head]) for head in HEADS]
    asking += [(f"kind {head}", kind, head, student.kinds[head]) for head in KINDS]
    return {
        name: losses.proxy_loss(vectors, proxies, labels[:, HEADS.index(head)])
        for name, vectors, head, proxies in asking
        if len(proxies)
    }


def _views_losses(
    student: Student, whole: torch.Tensor, cut: torch.Tensor, truth: Truth, memory: Memory | None
) -> dict[str, torch.Tensor]:
    """Pairs in one colour find each other by all there is, pairs in two colours by cut and print.

    A pair in one colour would let the side for cut find it by that colour.
    """
    shown, designs = truth.products.flatten(), truth.designs.repeat(2)
    others = memory.without(designs) if memory else (None, None)
    same, other = student.sharpness[0], student.sharpness[2]
    found = {
        "views": losses.views_loss(whole, same, ~truth.recoloured, shown, others[0]),
        "cut": losses.views_loss(cut, other, truth.recoloured, designs, others[1]),
    }
    if memory:
        memory.add(designs, (whole, cut))
    return found


def _words_loss(
    student: Student, words: Vocabulary, features: torch.Tensor, truth: Truth, named: list[int]
) -> torch.Tensor:
    """A view of each of the `named` products and its name; no view in another colour."""
    flat, offsets = words.bags([truth.names[i] for i in named])
    said = student.read(torch.tensor(flat), torch.tensor(offsets))
    second = (torch.rand(len(named)) < 0.5) & ~truth.recoloured[named]
    seen = features[torch.tensor(named) + second * len(truth)]
    return losses.pair_loss(student.embed(seen), said, student.sharpness[1])


def weighed(parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The sum of all losses by their weights."""
    return sum(WEIGHTS[name] * value for name, value in parts.items())
