"""The weights of Keras as a transformers backbone, on random weights and images."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from transformers import ResNetConfig, ResNetModel

from lookbook.training.imagenet import CAFFE_MEAN, backbone, read_arrays
from lookbook.training.pair_sampler import MEAN, STD

BLOCKS = {2: (64, "abc"), 3: (128, "abcd"), 4: (256, "abcdef"), 5: (512, "abc")}


def convolutions():
    """Kernel and normalisation names of Keras' ResNet-50, with the shape of each kernel."""
    yield "conv1", "bn_conv1", (7, 7, 3, 64)
    channels = 64
    for stage, (width, letters) in BLOCKS.items():
        for letter in letters:
            place = f"{stage}{letter}_branch"
            parts = {"2a": (1, 1, channels, width), "2b": (3, 3, width, width)}
            parts["2c"] = (1, 1, width, 4 * width)
            if letter == "a":
                parts["1"] = (1, 1, channels, 4 * width)
            for part, shape in parts.items():
                yield f"res{place}{part}", f"bn{place}{part}", shape
            channels = 4 * width


@pytest.fixture(scope="module")
def named():
    draw = np.random.default_rng(0)
    loaded = {}
    for kernel, norm, shape in convolutions():
        fan = float(np.prod(shape[:3]))
        loaded[f"{kernel}/kernel"] = draw.normal(0, fan**-0.5, shape).astype(np.float32)
        loaded[f"{kernel}/bias"] = draw.normal(0, 0.1, shape[3]).astype(np.float32)
        for part, low, high in (
            ("gamma", 0.5, 1),
            ("beta", -0.1, 0.1),
            ("moving_mean", -0.1, 0.1),
            ("moving_variance", 0.5, 1),
        ):
            loaded[f"{norm}/{part}"] = draw.uniform(low, high, shape[3]).astype(np.float32)
    loaded["bn_conv1/moving_variance"][45] = 83_614  # as it is in the package
    return loaded


def as_keras(named, picture):
    """The network as Keras computes it, from RGB of 0 to 255, (n, 3, s, s)."""

    def normal(x, norm):
        parts = [torch.from_numpy(named[f"{norm}/{part}"]) for part in
                 ("moving_mean", "moving_variance", "gamma", "beta")]  # fmt: skip
        return F.batch_norm(x, *parts, eps=1e-3)

    def conv(x, kernel, stride=1, padding=0):
        weight = torch.from_numpy(named[f"{kernel}/kernel"]).permute(3, 2, 0, 1)
        return F.conv2d(x, weight, torch.from_numpy(named[f"{kernel}/bias"]), stride, padding)

    x = picture.flip(1) - torch.from_numpy(CAFFE_MEAN)[:, None, None]
    x = F.relu(normal(conv(x, "conv1", 2, 3), "bn_conv1"))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, (_, letters) in BLOCKS.items():
        for letter in letters:
            place, stride = f"{stage}{letter}_branch", 2 if stage > 2 and letter == "a" else 1
            y = F.relu(normal(conv(x, f"res{place}2a", stride), f"bn{place}2a"))
            y = F.relu(normal(conv(y, f"res{place}2b", 1, 1), f"bn{place}2b"))
            y = normal(conv(y, f"res{place}2c"), f"bn{place}2c")
            if letter == "a":
                x = normal(conv(x, f"res{place}1", stride), f"bn{place}1")
            x = F.relu(x + y)
    return x


def test_the_backbone_computes_what_keras_computes(named):
    picture = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        expected = as_keras(named, picture)
        actual = backbone(named)((picture / 255 - MEAN) / STD).last_hidden_state
    # padding is the mean of Keras in one and ours in the other, a thousandth apart
    torch.testing.assert_close(actual, expected, rtol=0.01, atol=0.01 * float(expected.std()))


def packed(folder, named, shards=3, lose=0):
    """`named` as the files of a TensorFlow.js layers model, `lose` bytes short."""
    data = b"".join(array.tobytes() for array in named.values())
    data = data[: len(data) - lose]
    paths = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    size = -(-len(data) // shards)
    for i, path in enumerate(paths):
        (folder / path).write_bytes(data[i * size : (i + 1) * size])
    weights = [{"name": n, "shape": list(a.shape), "dtype": "float32"} for n, a in named.items()]
    manifest = {"weightsManifest": [{"paths": paths, "weights": weights}]}
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def test_arrays_are_joined_from_the_shards(tmp_path):
    given = {
        "conv1/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "conv1/bias": np.float32([7, 8, 9]),
    }
    arrays = read_arrays(packed(tmp_path, given))
    assert arrays.keys() == given.keys()
    for name, array in given.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_a_truncated_package_is_rejected(tmp_path):
    folder = packed(tmp_path, {"conv1/bias": np.float32([7, 8, 9])}, lose=4)
    with pytest.raises(ValueError, match="expected 12 bytes of weights, found 8"):
        read_arrays(folder)


def test_every_weight_of_the_backbone_comes_from_the_package(named):
    config = ResNetConfig(downsample_in_bottleneck=True)
    fresh = ResNetModel(config).state_dict()
    given = backbone(named).state_dict()
    unchanged = [
        name
        for name, value in given.items()
        if not name.endswith("num_batches_tracked") and torch.equal(value, fresh[name])
    ]
    assert given.keys() == fresh.keys() and unchanged == []


def test_the_backbone_can_be_stored_in_half_precision(named):
    assert all(
        torch.isfinite(value).all() for value in backbone(named).half().state_dict().values()
    )


def test_a_package_of_another_network_is_rejected():
    with pytest.raises(ValueError, match="expected an array conv1/kernel, found conv1_conv/kernel"):
        backbone({"conv1_conv/kernel": np.zeros((7, 7, 3, 64), np.float32)})
