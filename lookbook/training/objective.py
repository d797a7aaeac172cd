"""Everything the embedding is asked for at once, and what each question weighs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training import losses
from lookbook.training.cross_batch_memory import Memory
from lookbook.training.data import EXACTLY
from lookbook.training.descriptions import Description, answers
from lookbook.training.model import AVERAGES, KIND, EmbeddingModel
from lookbook.training.pair_sampler import Truth

WEIGHTS: Mapping[str, float] = {
    "articleType": 1.5,
    "gender": 0.6,
    "baseColour": 1.2,
    "usage": 0.25,
    "season": 0.25,
    "label": 1.5,
    EXACTLY: 1.5,
    "kind": 1.0,
    "views": 1.0,
    "cut": 0.7,
    "vector views": 1.0,
    "vector colours": 0.25,
    "vector kind": 1.0,
    "vector exactly": 0.5,
    "words": 0.4,
    "teacher": 3.0,
}


def asked(
    student: EmbeddingModel,
    words: Vocabulary | None,
    features: torch.Tensor,
    truth: Truth,
    memory: Memory | None = None,
) -> dict[str, torch.Tensor]:
    """Losses by name, unweighted, of `features` (2n, 5120): n first views, then their second ones.

    Without `words` nothing is asked of them. With a `memory` the views are told apart from those of
    earlier batches too, and join them.
    """
    whole, cut, told = student.sides(features)
    vectors = student.vector(whole, cut.detach(), told)  # cut learns by two colours alone
    whole, cut = F.normalize(whole, dim=1), F.normalize(cut, dim=1)
    parts = _labels_losses(student, whole, told, truth)
    parts |= _views_losses(student, whole, cut, truth, memory)
    parts |= _vectors_losses(student, vectors, truth)
    if words is not None:
        parts["words"] = words_loss(student, words, vectors, truth.said)
    if student.teach is not None:
        teacher = truth.teacher.flatten(0, 1)
        parts["teacher"] = losses.distillation(student.teach(features[:, :AVERAGES]), teacher)
    return parts


def _labels_losses(
    student: EmbeddingModel, whole: torch.Tensor, told: torch.Tensor, truth: Truth
) -> dict[str, torch.Tensor]:
    """What the labels ask of the whole, and of the side for kinds."""
    found = {
        head: losses.proxy_nca(whole, proxies, truth.labels_of(head))
        for head, proxies in student.heads.items()
        if len(proxies)
    }
    return found | {"kind": losses.category_cross_entropy(told, truth.labels_of(KIND))}


def _views_losses(
    student: EmbeddingModel,
    whole: torch.Tensor,
    cut: torch.Tensor,
    truth: Truth,
    memory: Memory | None,
) -> dict[str, torch.Tensor]:
    """Pairs in one colour find each other by the whole, pairs in two colours by cut and print.

    A pair in one colour would let the side for cut find it by that colour.
    """
    shown, designs = truth.products.flatten(), truth.designs.flatten()
    others = memory.without(designs) if memory else (None, None)
    same, other = student.sharpness[0], student.sharpness[2]
    found = {
        "views": losses.nt_xent(whole, same, truth.single_colour, shown, others[0]),
        "cut": losses.nt_xent(cut, other, truth.recoloured, designs, others[1]),
    }
    if memory:
        memory.add(designs, (whole, cut))
    return found


def _vectors_losses(
    student: EmbeddingModel, vectors: torch.Tensor, truth: Truth
) -> dict[str, torch.Tensor]:
    """What is asked of all sides together: to make up for each other's mistakes.

    Neighbours are asked for where a gallery is like that: among photos of strangers, or, where
    there are none, among all views.
    """
    shown, designs = truth.products.flatten(), truth.designs.flatten()
    sharp, alone = student.sharpness[3], truth.strangers.repeat(2)
    asking = alone if alone.any() else torch.ones_like(alone)
    found = {
        "vector views": losses.nt_xent(vectors, sharp, truth.single_colour, shown),
        "vector colours": losses.nt_xent(vectors, sharp, truth.recoloured, designs),
    }
    for name, head in (("vector kind", KIND), ("vector exactly", EXACTLY)):
        labels = truth.labels_of(head)[asking]
        found[name] = losses.nca(vectors[asking], labels, shown[asking])
    return found


def words_loss(
    student: EmbeddingModel, words: Vocabulary, vectors: torch.Tensor, said: Sequence[Description]
) -> torch.Tensor:
    """Vectors (n, dim) and what somebody may type who looks for what is `said` of each."""
    draw = random.Random(int(torch.randint(2**31, ())))
    texts = [description.typed(draw) for description in said]
    rows = [row for row, text in enumerate(texts) if words.tokens(text)]
    if not rows:
        return vectors.sum() * 0
    texts, said = [texts[row] for row in rows], [said[row] for row in rows]
    flat, offsets = words.embedding_bag_inputs(texts)
    read = student.read(torch.tensor(flat), torch.tensor(offsets))
    return losses.supervised_text_loss(
        read, vectors[rows], answers(texts, said), student.sharpness[1]
    )


def weighed(parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The sum of all losses by their weights."""
    return sum(WEIGHTS[name] * value for name, value in parts.items())
