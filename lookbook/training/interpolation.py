"""Interpolate between a fine-tuned backbone and the one it started from (Wortsman et al. 2022).

A backbone fine-tuned on clothes forgets some of what it learned on ImageNet, which helps on other
shops and larger images. Networks on the straight line between both keep most of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import PreTrainedConfig, PreTrainedModel, ResNetConfig

from lookbook.training.device import mixed_precision
from lookbook.training.model import EmbeddingModel
from lookbook.training.pair_sampler import Batch

STATS_BATCHES = 30  # that batch norm statistics are estimated on
# arrays of the same shapes belong to the same architecture only if these agree, too
ARCHITECTURE_FIELDS = (
    *("depths", "hidden_sizes", "embedding_size", "layer_type", "hidden_act"),
    *("downsample_in_first_stage", "downsample_in_bottleneck"),
)


@torch.no_grad()
def interpolate_weights(backbone: PreTrainedModel, folder: Path, share: float) -> None:
    """Move the weights of `backbone` by `share` towards those in `folder`.

    Its batch norm statistics fit neither network afterwards: see `estimate_batch_norms`. Raises
    ValueError when the architectures differ or `share` is not within 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share of 0 to 1, found {share}")
    expected = _plain_config(backbone.config)
    actual = _plain_config(ResNetConfig.from_pretrained(folder))
    for name in ARCHITECTURE_FIELDS:
        if expected[name] != actual[name]:
            raise ValueError(
                f"{folder}: expected a backbone of {name} {expected[name]}, found {actual[name]}"
            )
    other = load_file(folder / "model.safetensors")
    for name, array in backbone.state_dict().items():
        if array.is_floating_point():
            array.lerp_(other[name].to(array.dtype), share)


def _plain_config(config: PreTrainedConfig) -> dict[str, object]:
    """Return a config as JSON has it: lists where a new configuration has tuples."""
    return json.loads(config.to_json_string(use_diff=False))


@torch.no_grad()
def estimate_batch_norms(
    model: EmbeddingModel, batches: Iterator[Batch], count: int = STATS_BATCHES
) -> None:
    """Set all batch norm statistics to the mean over `count` batches, in frozen stages, too."""
    norms = [m for m in model.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    model.eval()  # with all residual branches, whatever `stochastic_depth` drops in training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    for _ in range(count):
        images = next(batches).images  # outside of autocast: augmentation needs full precision
        with mixed_precision(model.device):
            model.features(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train()
