"""Calibrate an encoder for int8 and write int8.safetensors into its folder.

    python -m lookbook.training.int8_calibration --output models/lookbook-resnet50
    python -m lookbook.training.int8_calibration --data small --data larger --output ...

Runs the network on pictures (street shots and studio pictures of the house collection, and training
photos of `--data`), notes the largest value and the mean square of each channel of each activation,
and chooses the scales of channels for which rounding adds least noise to what the convolutions put
out. Half a minute; the weights stay as they are, and so does the revision of the folder. What comes
out is measured on pictures that it was not calibrated on.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from house_collection import products, street_shot
from lookbook.encoding.backends.int8_network import (
    ACTIVATION_LEVELS,
    FIRST_STAGE,
    WEIGHT_LEVELS,
    Block,
    blocks,
    stage_name,
)
from lookbook.encoding.backends.torch_backend import Network, network_input
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder, load_network
from lookbook.encoding.int8 import Int8Calibration
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import Picture
from lookbook.training.sources import decoded, training_products

_SEED, _BATCH, _STEPS, _RATE = 11, 16, 400, 0.03
_HELD_BACK = 4  # one picture of so many only measures the result


@dataclass
class Moments:
    """Of each channel of an activation: largest value and mean square, float32 (channels,)."""

    largest: torch.Tensor
    mean_square: torch.Tensor


@dataclass(frozen=True)
class Reading:
    """An activation and a convolution that reads it.

    `peaks` (out, channels): largest absolute weights over positions; `energy` (channels,): sums of
    squared weights; `positions` of the kernel.
    """

    moments: Moments
    peaks: torch.Tensor
    energy: torch.Tensor
    positions: int

    @classmethod
    def of(cls, moments: Moments, weight: torch.Tensor) -> Reading:
        """Summarize a weight (out, channels, h, w)."""
        flat = weight.detach().flatten(2)
        return cls(moments, flat.abs().amax(2), flat.square().sum((0, 2)), flat.shape[2])


def calibrate(network: Network, pixels: torch.Tensor, revision: str) -> Int8Calibration:
    """Return scales and ranges for `network`, from its input `pixels` (n, 3, size, size).

    The agreement is unknown, 0. Raises EncoderError for a network that is no ResNet.
    """
    found = blocks(network.model)
    moments = _moments(network, found, pixels)
    scales: dict[str, torch.Tensor] = {}
    for block in (b for b in found if b.stage >= FIRST_STAGE):
        for name, layer in zip(block.inner_names(), block.layers[1:], strict=True):
            scales[name] = best_scales([Reading.of(moments[name], layer.convolution.weight)])
    for stage in range(found[-1].stage + 1):
        readings = _readings(found, moments, stage)
        channels = len(moments[[b.name for b in found if b.stage == stage][-1]].largest)
        scales[stage_name(stage)] = best_scales(readings) if readings else torch.ones(channels)
    ranges = {
        name: float((m.largest / scales[_scale_name(name, found)]).max())
        for name, m in moments.items()
    }
    return Int8Calibration(revision, 0.0, {n: s.numpy() for n, s in scales.items()}, ranges)


def best_scales(readings: Sequence[Reading]) -> torch.Tensor:
    """Return (channels,), by which the channels of all these activations are best divided.

    Gradient descent on the logarithms of the scales; the best of all steps, so never worse than 1.
    """
    logarithms = torch.zeros(len(readings[0].moments.largest), requires_grad=True)
    optimizer = torch.optim.Adam([logarithms], lr=_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, _STEPS)
    best = (float("inf"), torch.ones(len(logarithms)))
    for _ in range(_STEPS):
        scales = logarithms.exp()
        noise = torch.stack([rounding_noise(reading, scales) for reading in readings]).sum()
        if (found := noise.item()) < best[0]:
            best = found, scales.detach().clone()
        optimizer.zero_grad()
        noise.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return best[1]


def rounding_noise(reading: Reading, scales: torch.Tensor) -> torch.Tensor:
    """Return the power of a convolution's rounding noise relative to its signal's.

    A value rounded to steps of d has noise of power d^2 / 12. Activations divided by `scales` have
    one step, weights multiplied by them one for each output channel; channels count as independent.
    """
    largest, power = reading.moments.largest.clamp_min(1e-6), reading.moments.mean_square
    step = (largest / scales).amax() / ACTIVATION_LEVELS
    of_activations = ((step * scales).square() * reading.energy).sum()
    weight_steps = (reading.peaks * scales).amax(1) / WEIGHT_LEVELS
    of_weights = weight_steps.square().sum() * reading.positions * (power / scales.square()).sum()
    signal = (reading.energy * power).sum().clamp_min(1e-12)
    return (of_activations + of_weights) / (12 * signal)


def _readings(found: list[Block], moments: dict[str, Moments], stage: int) -> list[Reading]:
    """Return the outputs of a stage that are rounded, with each convolution that reads them."""
    return [
        Reading.of(moments[block.name], module.convolution.weight)
        for block, following in pairwise(found)
        if block.stage == stage and following.stage >= FIRST_STAGE
        for module in (following.layers[0], following.shortcut)
        if module is not None
    ]


def _scale_name(name: str, found: list[Block]) -> str:
    """Return under which name an activation's scales are: its own, or its stage's."""
    stages = {block.name: stage_name(block.stage) for block in found}
    return stages.get(name, name)


def _moments(network: Network, found: list[Block], pixels: torch.Tensor) -> dict[str, Moments]:
    """Run the network and return the moments of all activations of the blocks by name."""
    moments: dict[str, Moments] = {}
    hooks = []
    for block in found:
        inner = block.inner_names() if block.stage >= FIRST_STAGE else []
        modules = {n: layer.activation for n, layer in zip(inner, block.layers, strict=False)}
        for name, module in (modules | {block.name: block.module.activation}).items():
            hooks.append(module.register_forward_hook(_note(moments, name)))
    parts = pixels.split(_BATCH)
    with torch.inference_mode():
        for batch in parts:
            network.model(batch)
    for hook in hooks:
        hook.remove()
    for m in moments.values():
        m.largest, m.mean_square = m.largest.clone(), m.mean_square / len(parts)
    return moments


def _note(moments: dict[str, Moments], name: str) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        largest, power = output.amax((0, 2, 3)), output.square().mean((0, 2, 3))
        if (known := moments.get(name)) is None:
            moments[name] = Moments(largest, power)
        else:
            known.largest = torch.maximum(known.largest, largest)
            known.mean_square = known.mean_square + power

    return hook


def pictures(catalogues: Sequence[str], count: int) -> Iterator[Picture]:
    """Yield pictures to calibrate on: of the house collection, and training photos.

    Each of `catalogues` gives `count`, every second one seen as a street photo.
    """
    for number, product in enumerate(products(count, _SEED)):
        yield street_shot(product, number) if number % 2 else product.draw()
    for name in catalogues:
        items = list(training_products(name))  # drawn from all, as neighbours are often alike
        drawn_items = random.Random(_SEED).sample(items, min(count, len(items)))
        for number, (_, photo) in enumerate(decoded(drawn_items)):
            yield simulate_street_photo(photo, number) if number % 2 else photo


def agreement(folder: Path, exact: Encoder, pixels: np.ndarray) -> float:
    """Return the mean cosine of the vectors in int8 of a folder and those of `exact`."""
    rounded = Encoder.load(folder, precision="int8", device="cpu")
    vectors = [encoder.forward_batches(pixels, _BATCH) for encoder in (exact, rounded)]
    return float((vectors[0] * vectors[1]).sum(axis=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", default=[], help="catalogue of training photos")
    parser.add_argument("--count", type=int, default=192, help="pictures of each source")
    parser.add_argument("--output", type=Path, default=DEFAULT_MODEL, help="folder of the encoder")
    args = parser.parse_args()
    exact = Encoder.load(args.output, precision="float32", device="cpu")
    preprocess = exact.preprocessing.preprocess
    pixels = np.stack([preprocess(picture) for picture in pictures(args.data, args.count)])
    held_back = np.arange(len(pixels)) % _HELD_BACK == 0
    inputs = network_input(pixels[~held_back], exact.preprocessing, "cpu")
    calibration = calibrate(load_network(args.output), inputs, exact.revision)
    calibration.save(args.output)  # to be measured as it will be used
    mean_cosine = agreement(args.output, exact, pixels[held_back])
    replace(calibration, agreement=mean_cosine).save(args.output)
    print(f"{args.output}: mean cosine of int8 with float32 {mean_cosine:.4f}")


if __name__ == "__main__":
    main()
