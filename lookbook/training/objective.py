"""The training objective: all losses and their weights."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training import losses
from lookbook.training.cross_batch_memory import CrossBatchMemory
from lookbook.training.data import COMBINED_LABEL
from lookbook.training.descriptions import Description, matches
from lookbook.training.model import (
    AVG_FEATURES,
    CATEGORY_COLUMN,
    EmbeddingModel,
    HeadOutputs,
    TextModel,
)
from lookbook.training.pair_sampler import PairLabels

WEIGHTS: Mapping[str, float] = {
    # proxies of each label column, general head
    "articleType": 1.5,
    "gender": 0.6,
    "baseColour": 1.2,
    "usage": 0.25,
    "season": 0.25,
    "label": 1.5,
    COMBINED_LABEL: 1.5,
    # the heads one by one
    "category": 1.0,
    "views": 1.0,
    "detail": 0.7,
    # the whole embedding
    "vector views": 1.0,
    "vector colourways": 0.25,
    "vector category": 1.0,
    "vector combined": 0.5,
    "text": 0.4,
    "teacher": 3.0,
    # the heads one by one, by those of the averaged model; times --distill-weight
    "ema general": 1.0,
    "ema detail": 0.7,
    "ema category": 1.0,
}


def compute_losses(
    model: EmbeddingModel,
    vocabulary: Vocabulary | None,
    features: torch.Tensor,
    labels: PairLabels,
    memory: CrossBatchMemory | None = None,
    targets: HeadOutputs | None = None,
) -> dict[str, torch.Tensor]:
    """Return unweighted losses by name of `features` (2n, 5120): n first, then n second views.

    Without a `vocabulary` there is no text loss. The views of a `memory` are further negatives, and
    these views are added to it. `targets` are what the averaged model makes of the same images.
    """
    general, detail, logits = model.head_outputs(features)
    # the detail head is trained by pairs in two colours only
    vectors = model.combine(general, detail.detach(), logits)
    general, detail = F.normalize(general, dim=1), F.normalize(detail, dim=1)
    parts = _label_losses(model, general, logits, labels)
    parts |= _view_losses(model, general, detail, labels, memory)
    parts |= _vector_losses(model, vectors, labels)
    if vocabulary is not None:
        parts["text"] = text_loss(model, vocabulary, vectors, labels.all_descriptions)
    if model.teacher_head is not None and labels.teacher is not None:
        predicted = model.teacher_head(features[:, :AVG_FEATURES])
        parts["teacher"] = losses.distillation(predicted, labels.teacher.flatten(0, 1))
    return parts | _ema_losses((general, detail, logits), targets)


def compute_mixed_losses(
    model: EmbeddingModel,
    features: torch.Tensor,
    labels: PairLabels,
    partners: torch.Tensor,
    share: float,
    targets: HeadOutputs | None = None,
) -> dict[str, torch.Tensor]:
    """Return the losses of labels of mixed images: of both labels, by their shares.

    `features` (2n, 5120) are of images that hold `share` of the image at `partners`, int64 (2n,).
    A mixed image shows two products, so the losses between views and of texts are not defined.
    `targets` are as for `compute_losses`.
    """
    general, detail, logits = model.head_outputs(features)
    general = F.normalize(general, dim=1)
    own = _label_losses(model, general, logits, labels)
    others = _label_losses(model, general, logits, labels, partners)
    parts = {name: own[name].lerp(others[name], share) for name in own}
    return parts | _ema_losses((general, detail, logits), targets)


def _ema_losses(outputs: HeadOutputs, targets: HeadOutputs | None) -> dict[str, torch.Tensor]:
    """Train each head by that of the averaged model (mean teacher, Tarvainen & Valpola 2017).

    Both see the same views, mixed ones too (Beyer et al. 2022).
    """
    if targets is None:
        return {}
    return {
        "ema general": losses.similarity_distillation(outputs[0], targets[0]),
        "ema detail": losses.similarity_distillation(outputs[1], targets[1]),
        "ema category": losses.soft_label_distillation(outputs[2], targets[2]),
    }


def _label_losses(
    model: EmbeddingModel,
    general: torch.Tensor,
    logits: torch.Tensor,
    labels: PairLabels,
    rows: torch.Tensor | slice = slice(None),
) -> dict[str, torch.Tensor]:
    """Train the general head by class proxies and the category head by cross-entropy.

    The labels are those at `rows`, one an image.
    """
    parts = {
        column: losses.proxy_nca(general, proxies, labels.class_ids_of(column)[rows])
        for column, proxies in model.proxies.items()
        if len(proxies)
    }
    categories = labels.class_ids_of(CATEGORY_COLUMN)[rows]
    return parts | {"category": losses.category_cross_entropy(logits, categories)}


def _view_losses(
    model: EmbeddingModel,
    general: torch.Tensor,
    detail: torch.Tensor,
    labels: PairLabels,
    memory: CrossBatchMemory | None,
) -> dict[str, torch.Tensor]:
    """Train the general head by pairs in one colour, the detail head by pairs in two.

    By pairs in one colour the detail head would learn colours.
    """
    products, designs = labels.products.flatten(), labels.designs.flatten()
    negatives = memory.without(designs) if memory else (None, None)
    scale, detail_scale = model.logit_scale[0], model.logit_scale[2]
    parts = {
        "views": losses.nt_xent(general, scale, labels.single_colour, products, negatives[0]),
        "detail": losses.nt_xent(detail, detail_scale, labels.recoloured, designs, negatives[1]),
    }
    if memory:
        memory.add(designs, (general, detail))
    return parts


def _vector_losses(
    model: EmbeddingModel, vectors: torch.Tensor, labels: PairLabels
) -> dict[str, torch.Tensor]:
    """Train the whole embedding, so that its heads correct each other's mistakes.

    Neighbours are compared among unrelated photos, which resemble a gallery; where there are none,
    among all views.
    """
    products, designs = labels.products.flatten(), labels.designs.flatten()
    scale, unrelated = model.logit_scale[3], labels.unrelated.repeat(2)
    rows = unrelated if unrelated.any() else torch.ones_like(unrelated)
    parts = {
        "vector views": losses.nt_xent(vectors, scale, labels.single_colour, products),
        "vector colourways": losses.nt_xent(vectors, scale, labels.recoloured, designs),
    }
    for name, column in (
        ("vector category", CATEGORY_COLUMN),
        ("vector combined", COMBINED_LABEL),
    ):
        class_ids = labels.class_ids_of(column)[rows]
        parts[name] = losses.nca(vectors[rows], class_ids, products[rows])
    return parts


def text_loss(
    model: TextModel,
    vocabulary: Vocabulary,
    vectors: torch.Tensor,
    descriptions: Sequence[Description],
) -> torch.Tensor:
    """Contrast image vectors (n, dim) with a query drawn from the description of each."""
    draw = random.Random(int(torch.randint(2**31, ())))
    texts = [description.sample_query(draw) for description in descriptions]
    rows = [row for row, text in enumerate(texts) if vocabulary.tokens(text)]
    if not rows:
        return vectors.sum() * 0
    texts, descriptions = [texts[row] for row in rows], [descriptions[row] for row in rows]
    tokens, offsets = vocabulary.embedding_bag_inputs(texts)
    device = vectors.device
    text_vectors = model.embed_text(
        torch.tensor(tokens, device=device), torch.tensor(offsets, device=device)
    )
    matching = matches(texts, descriptions).to(device)
    return losses.supervised_text_loss(text_vectors, vectors[rows], matching, model.logit_scale[1])


def weighted_sum(parts: Mapping[str, torch.Tensor], ema_weight: float = 0.0) -> torch.Tensor:
    """Return the total loss by WEIGHTS; those by the averaged model count `ema_weight` times."""
    weights = {n: WEIGHTS[n] * (ema_weight if n.startswith("ema ") else 1) for n in parts}
    return sum((weights[name] * value for name, value in parts.items()), torch.zeros(()))
