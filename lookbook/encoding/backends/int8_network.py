"""A ResNet whose convolutions OpenVINO computes in int8: weights and activations are rounded.

Rounding is written as fake quantization (Jacob et al. 2018), which OpenVINO turns into integer
kernels. Weights have a step for each output channel, activations one for all channels; channels are
rescaled before, so that none is far larger than the others (cross-layer equalization: Nagel et al.
2019). The stem, the first stage, the last activation and the heads stay in floating point: rounded,
they cost most of the accuracy and save little time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from lookbook.encoding.backends.torch_backend import Network
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.int8 import Int8Calibration

if TYPE_CHECKING:
    import numpy as np

FIRST_STAGE = 1  # of those whose convolutions are rounded
WEIGHT_LEVELS, ACTIVATION_LEVELS = 127, 255  # steps to each side of 0; above 0


@dataclass(frozen=True)
class Block:
    """A residual block: its name, its stage, its convolutions in order, and its shortcut's."""

    name: str
    stage: int
    module: Any  # of transformers, as are the others
    layers: tuple[Any, ...]  # each with .convolution and .activation
    shortcut: Any | None  # with .convolution

    @property
    def convolutions(self) -> list[Any]:
        """Modules with a .convolution, the shortcut's last."""
        return [*self.layers, *([] if self.shortcut is None else [self.shortcut])]

    def inner_names(self) -> list[str]:
        """Names of the activations inside the block, between its convolutions."""
        return [f"{self.name}.layer.{k}" for k in range(len(self.layers) - 1)]


@dataclass(frozen=True)
class RescaledNetwork(Network):
    """A network whose maps are divided by scales (channels,) of their stage, put right again."""

    map_scales: dict[int, torch.Tensor] = field(default_factory=dict)

    def feature_maps(self, x: torch.Tensor, stages: Sequence[int]) -> list[torch.Tensor]:
        """Return the maps of the network before its channels were rescaled."""
        maps = super().feature_maps(x, stages)
        return [m * self.map_scales[s].view(1, -1, 1, 1) for m, s in zip(maps, stages, strict=True)]


def blocks(model: Any) -> list[Block]:
    """Return the blocks of a ResNet of transformers in order. Raises EncoderError for others."""
    config = model.config
    if getattr(config, "model_type", "") != "resnet" or config.layer_type != "bottleneck":
        raise EncoderError(
            "int8 needs a ResNet of bottleneck blocks of transformers, found "
            f"{getattr(config, 'model_type', type(model).__name__)}: choose another precision"
        )
    return list(_blocks(model))


def _blocks(model: Any) -> Iterator[Block]:
    for stage, blocks_of_stage in enumerate(model.encoder.stages):
        for number, block in enumerate(blocks_of_stage.layers):
            has_shortcut = hasattr(block.shortcut, "convolution")
            yield Block(
                f"stages.{stage}.layers.{number}",
                stage,
                block,
                tuple(block.layer),
                block.shortcut if has_shortcut else None,
            )


def stage_name(stage: int) -> str:
    """Return under which name a calibration has the scales of a stage's outputs."""
    return f"stages.{stage}"


def quantize(network: Network, calibration: Int8Calibration) -> Network:
    """Return `network`, changed in place to compute in int8. Raises EncoderError.

    Its batch norms are merged into the convolutions already (`Network.of`).
    """
    try:
        rescaled = rescale(network, calibration.scales)
        _round(blocks(network.model), calibration.ranges)
    except (KeyError, RuntimeError) as error:
        raise EncoderError(f"the calibration for int8 is of another network: {error!r}") from None
    return rescaled


def rescale(network: Network, scales: Mapping[str, np.ndarray]) -> RescaledNetwork:
    """Divide the channels of activations by `scales` without changing the network's function.

    In place. All blocks of a stage add to one another, so their outputs share one scale.
    """
    by_name = {name: torch.as_tensor(s) for name, s in scales.items()}
    before = None  # of the previous stage: the first stage reads what is not rescaled
    for block in blocks(network.model):
        output = by_name[stage_name(block.stage)]
        # only what is rounded has scales of its own
        inner = [by_name.get(name) for name in block.inner_names()]
        for layer, reads, writes in zip(
            block.layers, [before, *inner], [*inner, output], strict=True
        ):
            _rescale_convolution(layer.convolution, reads, writes)
        if block.shortcut is not None:
            _rescale_convolution(block.shortcut.convolution, before, output)
        before = output
    last = blocks(network.model)[-1].stage
    maps = {stage - last - 1: by_name[stage_name(stage)] for stage in range(last + 1)}
    return RescaledNetwork(network.model, network.heads, network.pooling, maps)


def _rescale_convolution(
    convolution: Any, reads: torch.Tensor | None, writes: torch.Tensor | None
) -> None:
    """Let a convolution read channels divided by `reads`, and divide those it writes."""
    with torch.no_grad():
        if reads is not None:
            convolution.weight *= reads.view(1, -1, 1, 1)
        if writes is not None:
            convolution.weight /= writes.view(-1, 1, 1, 1)
            assert convolution.bias is not None, "batch norms are merged into it"
            convolution.bias /= writes


def _round(all_blocks: list[Block], ranges: Mapping[str, float]) -> None:
    """Let the blocks from the last of the float stages on round what they read."""
    for block, following in zip(all_blocks, [*all_blocks[1:], None], strict=True):
        if following is not None and following.stage >= FIRST_STAGE:
            block.module.activation = RoundedActivation(block.module.activation, ranges[block.name])
        if block.stage < FIRST_STAGE:
            continue
        for layer, name in zip(block.layers, block.inner_names(), strict=False):
            layer.activation = RoundedActivation(layer.activation, ranges[name])
        for module in block.convolutions:
            module.convolution = RoundedConvolution(module.convolution)


class RoundedActivation(nn.Module):
    """An activation that is 0 or above, rounded to 255 steps up to `largest`."""

    def __init__(self, activation: nn.Module, largest: float) -> None:
        super().__init__()
        self.activation, self.step = activation, largest / ACTIVATION_LEVELS

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fake_quantize_per_tensor_affine(
            self.activation(x), self.step, 0, 0, ACTIVATION_LEVELS
        )


class RoundedConvolution(nn.Module):
    """A convolution whose weights are rounded to 127 steps to each side, by output channel."""

    steps: torch.Tensor
    zeros: torch.Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        largest = convolution.weight.detach().abs().amax((1, 2, 3))
        self.steps = (largest / WEIGHT_LEVELS).clamp_min(1e-12)
        self.zeros = torch.zeros(len(largest), dtype=torch.int32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        c = self.convolution
        weight = torch.fake_quantize_per_channel_affine(
            c.weight, self.steps, self.zeros, 0, -WEIGHT_LEVELS, WEIGHT_LEVELS
        )
        return functional.conv2d(x, weight, c.bias, c.stride, c.padding)
