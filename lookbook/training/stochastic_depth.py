"""Stochastic depth: residual branches that are left out at random while a network is trained."""

from __future__ import annotations

from typing import Any

from torch import nn

from lookbook.training.model import EmbeddingModel


class StochasticDepth(nn.Dropout3d):
    """Drop residual branches (n, c, h, w) of samples at rate p; scale the others by 1 / (1 - p).

    To `Dropout3d` this is one volume of n channels, of which it drops whole ones.
    """


def add_stochastic_depth(model: EmbeddingModel, rate: float) -> None:
    """Drop the branch of block l of L at rate l / L * `rate` in training mode (Huang et al. 2016).

    What is added has no weights, so the state dict stays as it is. Frozen stages are left alone,
    and with a `rate` of 0 all blocks are.
    """
    stages: Any = model.backbone.encoder.stages
    depth, count = 0, sum(len(stage.layers) for stage in stages)
    for stage in stages:
        for block in stage.layers:
            depth += 1
            if rate and stage not in model.frozen_stages:
                block.layer.append(StochasticDepth(rate * depth / count))
