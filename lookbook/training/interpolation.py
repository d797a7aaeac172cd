"""Between two networks of which one learnt on from the other: what each knows (Wortsman 2022).

A backbone that learns clothes forgets some of what ImageNet taught it, which other shops and larger
pictures need. On the straight line between the two lie networks that know most of both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import ResNetConfig

from lookbook.training.model import EmbeddingModel, mixed_precision
from lookbook.training.pair_sampler import Batch

MEASURED = 30  # batches whose means and variances say what the normalisation goes by
# arrays of one shape are of one network only if these agree too
ALIKE = (
    *("depths", "hidden_sizes", "embedding_size", "layer_type", "hidden_act"),
    *("downsample_in_first_stage", "downsample_in_bottleneck"),
)


@torch.no_grad()
def blend(backbone: nn.Module, folder: Path, share: float) -> None:
    """Give `backbone` that `share` of the weights in `folder`, the rest stays its own.

    Its normalisation fits neither afterwards: see `measure`. Raises ValueError when the two
    networks are not built alike, or the share is not within 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share of 0 to 1, found {share}")
    here, other = _built(backbone.config), _built(ResNetConfig.from_pretrained(folder))
    for name in ALIKE:
        if (wanted := here[name]) != (found := other[name]):
            raise ValueError(f"{folder}: expected a backbone of {name} {wanted}, found {found}")
    there = load_file(folder / "model.safetensors")
    for name, array in backbone.state_dict().items():
        if array.is_floating_point():
            array.lerp_(there[name].to(array.dtype), share)


def _built(config: ResNetConfig) -> dict[str, object]:
    """How a backbone is built, as a file says it: lists where a fresh configuration has tuples."""
    return json.loads(config.to_json_string(use_diff=False))


@torch.no_grad()
def measure(student: EmbeddingModel, batches: Iterator[Batch], count: int = MEASURED) -> None:
    """Normalise by the mean of what `count` batches show, in the stages that stand still too."""
    norms = [m for m in student.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # all batches alike
    student.backbone.train()
    for _ in range(count):
        pictures = next(batches).pictures  # drawn outside: augmentation is not for half precision
        with mixed_precision():
            student.features(pictures)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    student.train()
