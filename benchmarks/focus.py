"""How well is a garment found in a photo? Ways of looking, by overlap with the true frame.

python -m benchmarks.focus --count 100

House street shots, whose true frame is known because they are drawn. Appends to focus.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rows import append, cells
from house_collection import products
from house_collection.street import framed_shot
from lookbook import Encoder
from lookbook.encoding.localization import (
    BoundingBox,
    box_from_saliency,
    colour_saliency,
    feature_saliency,
    find_garment,
    spread,
    unletterbox,
)
from lookbook.evaluation.metrics import Estimate, bootstrap_mean

RESULTS = Path(__file__).with_name("focus.csv")
COLUMNS = ("date", "encoder", "revision", "way", "measure", "value", "low", "high", "n")
Way = Callable[[Encoder, Image.Image], BoundingBox]


def whole(encoder: Encoder, image: Image.Image) -> BoundingBox:
    """The picture as it is."""
    return BoundingBox(0, 0, *image.size, 0.0)


def seen(size: int, stage: int, look: Callable[[np.ndarray], np.ndarray]) -> Way:
    """What `look` makes of a feature map."""

    def way(encoder: Encoder, image: Image.Image) -> BoundingBox:
        features = unletterbox(encoder.feature_map(image, size, stage), image.size)
        return box_from_saliency(look(features), image.size)

    return way


def activation(features: np.ndarray) -> np.ndarray:
    """How much the network answers at each place."""
    return np.linalg.norm(features, axis=2)


def principal(features: np.ndarray) -> np.ndarray:
    """The first principal component over places, turned so that the border is low."""
    flat = features.reshape(-1, features.shape[2])
    flat = flat - flat.mean(axis=0)
    first = (flat @ np.linalg.svd(flat, full_matrices=False)[2][0]).reshape(features.shape[:2])
    edge = np.concatenate([first[0], first[-1], first[:, 0], first[:, -1]])
    return -first if edge.mean() > first.mean() else first


def coloured(encoder: Encoder, image: Image.Image) -> BoundingBox:
    """Colour alone."""
    return box_from_saliency(colour_saliency(image), image.size)


def both(size: int, stage: int) -> Way:
    """Contrast of features and colours, without any doubt."""

    def way(encoder: Encoder, image: Image.Image) -> BoundingBox:
        features = unletterbox(encoder.feature_map(image, size, stage), image.size)
        return box_from_saliency(
            spread(feature_saliency(features)) + spread(colour_saliency(image)), image.size
        )

    return way


WAYS: dict[str, Way] = {
    "whole picture": whole,
    "activation, last map, 224 px": seen(224, -1, activation),
    "activation, last map, 320 px": seen(320, -1, activation),
    "activation, map before, 320 px": seen(320, -2, activation),
    "principal component, map before, 320 px": seen(320, -2, principal),
    "contrast, last map, 224 px": seen(224, -1, feature_saliency),
    "contrast, last map, 320 px": seen(320, -1, feature_saliency),
    "contrast, map before, 224 px": seen(224, -2, feature_saliency),
    "contrast, map before, 320 px": seen(320, -2, feature_saliency),
    "colour": coloured,
    "contrast, last map, 320 px, and colour": both(320, -1),
    "contrast, map before, 224 px, and colour": both(224, -2),
    "contrast, map before, 320 px, and colour": both(320, -2),
    "find_garment": find_garment,
}


def overlap(frame: BoundingBox, box: tuple[int, int, int, int]) -> float:
    """Intersection over union of a frame and the true box."""
    width = min(frame.right, box[2]) - max(frame.left, box[0])
    height = min(frame.bottom, box[3]) - max(frame.top, box[1])
    shared = max(0, width) * max(0, height)
    own = (frame.right - frame.left) * (frame.bottom - frame.top)
    return shared / (own + (box[2] - box[0]) * (box[3] - box[1]) - shared)


def measure(encoder: Encoder, count: int, seed: int) -> dict[str, dict[str, Estimate]]:
    """{way: {"IoU", "IoU > 0.5"}} over the street shots of `count` products."""
    shots = [framed_shot(product, n) for n, product in enumerate(products(count, seed))]
    results = {}
    for name, way in WAYS.items():
        values = np.array([overlap(way(encoder, image), box) for image, box in shots])
        results[name] = {"IoU": bootstrap_mean(values), "IoU > 0.5": bootstrap_mean(values > 0.5)}
        print(f"{name:42} {results[name]['IoU']}", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    encoder = Encoder.load()
    results = measure(encoder, args.count, args.seed)
    about = {"encoder": encoder.name, "revision": encoder.revision}
    for way, row in results.items():
        for name, f in row.items():
            append(RESULTS, COLUMNS, about | {"way": way, "measure": name} | cells(f))


if __name__ == "__main__":
    main()
