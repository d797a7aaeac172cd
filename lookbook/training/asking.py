"""Everything the embedding is asked for at once, and what each question weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from lookbook.training import losses
from lookbook.training.data import HEADS
from lookbook.training.model import KINDS, Student
from lookbook.words import Vocabulary

WEIGHTS: Mapping[str, float] = {
    "articleType": 1.0,
    "gender": 0.4,
    "baseColour": 0.6,
    "usage": 0.15,
    "season": 0.15,
    "label": 1.0,
    "kind articleType": 1.0,
    "kind label": 1.0,
    "views": 1.0,
    "words": 0.4,
    "teacher": 3.0,
}


def asked(
    student: Student,
    words: Vocabulary,
    features: torch.Tensor,
    labels: torch.Tensor,
    names: Sequence[str],
) -> dict[str, torch.Tensor]:
    """Losses by name, unweighted, of `features` (2n, 2048): n first views, then their second ones.

    `labels` (2n, heads); `names` of the first views, "" or missing for a photo without a name.
    """
    (vectors, kinds), n = student.sides(features), len(features) // 2
    parts = {
        head: losses.proxy_loss(vectors, student.heads[head], labels[:, i])
        for i, head in enumerate(HEADS)
        if len(student.heads[head])
    }
    for head in KINDS:
        if len(student.kinds[head]):
            found = losses.proxy_loss(kinds, student.kinds[head], labels[:, HEADS.index(head)])
            parts[f"kind {head}"] = found
    parts["views"] = losses.views_loss(vectors[:n], vectors[n:], student.sharpness[0])
    named = [i for i, name in enumerate(names) if words.tokens(name)]
    if named:
        flat, offsets = words.bags([names[i] for i in named])
        said = student.read(torch.tensor(flat), torch.tensor(offsets))
        rows = torch.tensor(named) + (0 if torch.rand(1) < 0.5 else n)
        parts["words"] = losses.pair_loss(student.embed(features[rows]), said, student.sharpness[1])
    return parts


def weighed(parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The sum of all losses by their weights."""
    return sum(WEIGHTS[name] * value for name, value in parts.items())
