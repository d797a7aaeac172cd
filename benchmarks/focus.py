"""Measure how well a garment is located in a photo: methods compared by overlap with the true box.

python -m benchmarks.focus --count 100

Street photos of the house collection, whose true box is known because they are drawn. Appends to
focus.csv.
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
    normalize_map,
    unletterbox,
)
from lookbook.evaluation.metrics import Estimate, bootstrap_mean

RESULTS = Path(__file__).with_name("focus.csv")
COLUMNS = ("date", "encoder", "revision", "way", "measure", "value", "low", "high", "n")
Method = Callable[[Encoder, Image.Image], BoundingBox]


def whole_image(encoder: Encoder, image: Image.Image) -> BoundingBox:
    """Return the box of the whole image."""
    return BoundingBox(0, 0, *image.size, 0.0)


def by_features(size: int, stage: int, saliency: Callable[[np.ndarray], np.ndarray]) -> Method:
    """Make a method that applies `saliency` to a feature map (h, w, channels)."""

    def method(encoder: Encoder, image: Image.Image) -> BoundingBox:
        features = unletterbox(encoder.feature_map(image, size, stage), image.size)
        return box_from_saliency(saliency(features), image.size)

    return method


def activation(features: np.ndarray) -> np.ndarray:
    """Return (h, w): the norm of the activations at each position."""
    return np.linalg.norm(features, axis=2)


def principal(features: np.ndarray) -> np.ndarray:
    """Return (h, w): the first principal component over positions, low at the border."""
    flat = features.reshape(-1, features.shape[2])
    flat = flat - flat.mean(axis=0)
    first = (flat @ np.linalg.svd(flat, full_matrices=False)[2][0]).reshape(features.shape[:2])
    border = np.concatenate([first[0], first[-1], first[:, 0], first[:, -1]])
    return -first if border.mean() > first.mean() else first


def by_colour(encoder: Encoder, image: Image.Image) -> BoundingBox:
    """Return the box by colours only."""
    return box_from_saliency(colour_saliency(image), image.size)


def by_both(size: int, stage: int) -> Method:
    """Make a method of features and colours that never falls back to the whole image."""

    def method(encoder: Encoder, image: Image.Image) -> BoundingBox:
        features = unletterbox(encoder.feature_map(image, size, stage), image.size)
        saliency = normalize_map(feature_saliency(features))
        return box_from_saliency(saliency + normalize_map(colour_saliency(image)), image.size)

    return method


# the names are those in focus.csv
METHODS: dict[str, Method] = {
    "whole picture": whole_image,
    "activation, last map, 224 px": by_features(224, -1, activation),
    "activation, last map, 320 px": by_features(320, -1, activation),
    "activation, map before, 320 px": by_features(320, -2, activation),
    "principal component, map before, 320 px": by_features(320, -2, principal),
    "contrast, last map, 224 px": by_features(224, -1, feature_saliency),
    "contrast, last map, 320 px": by_features(320, -1, feature_saliency),
    "contrast, map before, 224 px": by_features(224, -2, feature_saliency),
    "contrast, map before, 320 px": by_features(320, -2, feature_saliency),
    "colour": by_colour,
    "contrast, last map, 320 px, and colour": by_both(320, -1),
    "contrast, map before, 224 px, and colour": by_both(224, -2),
    "contrast, map before, 320 px, and colour": by_both(320, -2),
    "find_garment": find_garment,
}


def intersection_over_union(box: BoundingBox, truth: tuple[int, int, int, int]) -> float:
    """Return the overlap of a box and the true one, 0 to 1."""
    width = min(box.right, truth[2]) - max(box.left, truth[0])
    height = min(box.bottom, truth[3]) - max(box.top, truth[1])
    intersection = max(0, width) * max(0, height)
    area = (box.right - box.left) * (box.bottom - box.top)
    return intersection / (area + (truth[2] - truth[0]) * (truth[3] - truth[1]) - intersection)


def measure(encoder: Encoder, count: int, seed: int) -> dict[str, dict[str, Estimate]]:
    """Return {method: {"IoU", "IoU > 0.5"}} over the street photos of `count` products."""
    photos = [framed_shot(product, n) for n, product in enumerate(products(count, seed))]
    results = {}
    for name, method in METHODS.items():
        values = np.array(
            [intersection_over_union(method(encoder, image), truth) for image, truth in photos]
        )
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
    for method, row in results.items():
        for name, f in row.items():
            append(RESULTS, COLUMNS, about | {"way": method, "measure": name} | cells(f))


if __name__ == "__main__":
    main()
