"""Fit the product heads in closed form and write them into the folder of an encoder.

    python -m lookbook.training.product_heads --data small --larger larger \
        --output models/lookbook-resnet50

Both are Fisher's linear discriminants of products (`fisher_lda`) on the max-pooled features of the
network. For `instance` a product changes between its studio photo and a simulated street photo, for
`design` also between two of the colours in which it is sold, and between its photo and that photo
in another colour (`other_colour`). Encodes some 24,000 pictures once (kept in `--work`), then takes
a minute. Products held out from training are left out.

Other heads stay. The revision of the folder changes, so it is written into `query.json`, with the
lengths of the heads and with scales of the new heads for intents that have none, and into
`garments.json`. Where vectors get longer, `query.safetensors` no longer fits and is removed. Then
run `lookbook.training.query_adapting` with `--model` and `--output` of this folder, make indexes
anew by `embed.py`, and fit `photo_calibration.json` by `benchmarks.photo_calibration --fit`: until
then photos are adapted by the scales alone, and results have no probability of their kind.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from lookbook.catalog import Item
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.heads import HEADS_FILE, PRODUCT_HEADS, EmbeddingHeads
from lookbook.encoding.pooling import max_pool_stages
from lookbook.encoding.query_adapter import INTENTS, NETWORKS_FILE, SETTINGS_FILE
from lookbook.evaluation.retrieval import decodable_items
from lookbook.evaluation.splits import held_out
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.foreground_mask import foreground_mask
from lookbook.images.loading import Picture
from lookbook.schema.batches import batches
from lookbook.search.product_groups import group_by_title
from lookbook.training.checkpoints import write_json, write_revision
from lookbook.training.fisher_lda import discriminants, scatter
from lookbook.training.sources import add_folder_options, training_products, work_file

DIM = 192  # of each head
COLOURWAY_WEIGHT = 20  # of both changes of colour in `design`, relative to those of a street photo
INSTANCE_RIDGE, DESIGN_RIDGE = 0.3, 0.1  # of the mean variance within
STREET_SHARE = 0.5  # of the larger photos that are seen as street photos; more bring nothing
# scales of `design` and `instance` by intent, 0 for the others
_SCALES = {"photo": (0.0, 2.8), "colourway": (1.0, 0.0)}
_BATCH = 32
_STREET_SEED = 1_000_000  # of the first street photo; those of evaluation start at 0 and 500,000

Features = tuple[list[str], np.ndarray]  # ids, float16 (n, channels)


class PhotoFeatures(NamedTuple):
    """Features of the photos of products, by id, each float16 (channels,)."""

    studio: dict[str, np.ndarray]
    street: dict[str, np.ndarray]
    recoloured: dict[str, np.ndarray]


def instance_weights(studio: np.ndarray, street: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Return (DIM, f): what tells products apart and stays the same in a street photo.

    `studio` and `street` (n, f) show the same products, `photos` (m, f) any.
    """
    return _discriminants(photos, scatter(torch.from_numpy(street - studio)), INSTANCE_RIDGE)


def design_weights(
    studio: np.ndarray,
    street: np.ndarray,
    colours: Sequence[tuple[np.ndarray, np.ndarray]],
    photos: np.ndarray,
) -> np.ndarray:
    """Return (DIM, f): as `instance_weights`, and the same in another colour.

    `colours`: pairs of (n, f) and (n, f), which show the same products in two colours.
    """
    changes = (scatter(torch.from_numpy(first - second)) for first, second in colours)
    within = scatter(torch.from_numpy(street - studio)) + COLOURWAY_WEIGHT * sum(changes)
    return _discriminants(photos, within, DESIGN_RIDGE)


def _discriminants(photos: np.ndarray, within: torch.Tensor, ridge: float) -> np.ndarray:
    between = scatter(torch.from_numpy(photos - photos.mean(0)))
    weights = discriminants(between, within, min(DIM, photos.shape[1]), ridge)
    # only directions count: a scale at which half precision is accurate
    return (weights / np.abs(weights).max()).astype(np.float16)


def colourway_pairs(items: Sequence[Item]) -> list[tuple[str, str]]:
    """Return the ids of products that are sold in two colours, in the order of the catalogue."""
    attributes = [item.attributes for item in items]
    names = dict.fromkeys(column for row in attributes for column in row)
    columns = {name: [row.get(name) for row in attributes] for name in names}
    products = group_by_title([item.title for item in items], columns)
    order = np.argsort(products, kind="stable")
    return [(items[a].id, items[b].id) for a, b in pairwise(order) if products[a] == products[b]]


# pictures


def other_colour(picture: Image.Image, seed: int) -> Image.Image:
    """Return a picture of the same design in another colour, a little turned and cropped.

    What stands out from a plain background gets another hue, saturation and gamma; one picture in
    four has light and dark exchanged. Not `augmentation.recolour`: that turns the colours of a
    batch of masked tensors in YCC and draws from torch; the shipped heads were fitted to this one.
    """
    draw = random.Random(seed)
    picture = picture.convert("RGB")
    if draw.random() < 0.5:
        picture = ImageOps.mirror(picture)
    hsv = np.asarray(picture.convert("HSV"))
    hue, saturation, value = (channel.astype(np.float32) for channel in np.moveaxis(hsv, 2, 0))
    hue = (hue + draw.uniform(0, 255)) % 256
    saturation = (saturation * draw.uniform(0.2, 1.8) + draw.choice([0, 0, 60])).clip(0, 255)
    value = 255 * (value / 255) ** draw.uniform(0.5, 1.6)
    if draw.random() < 0.25:
        value = 255 - 0.85 * value
    changed = np.stack([hue, saturation, value], 2).astype(np.uint8)
    mask = Image.fromarray(foreground_mask(np.asarray(picture)))
    recoloured = Image.composite(Image.fromarray(changed, "HSV").convert("RGB"), picture, mask)
    return _moved(recoloured, draw)


def _moved(picture: Image.Image, draw: random.Random) -> Image.Image:
    """Return a picture turned by up to 8 degrees, with 0.85 to all of its width and height."""
    turned = picture.rotate(draw.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor="white")
    share = draw.uniform(0.85, 1)
    width, height = (round(share * side) for side in turned.size)
    left, top = (
        round(draw.uniform(0, side - kept))
        for side, kept in zip(turned.size, (width, height), strict=True)
    )
    return turned.crop((left, top, left + width, top + height))


def max_features(encoder: Encoder, pictures: Sequence[Picture]) -> np.ndarray:
    """Return float16 (n, channels): the maxima of the last two maps, the last one's first."""
    pixels = np.stack([encoder.preprocessing.preprocess(picture) for picture in pictures])
    maps = encoder.backend.feature_maps(pixels, (-2, -1))
    return max_pool_stages([torch.from_numpy(one) for one in maps]).numpy().astype(np.float16)


def features(path: Path, encoder: Encoder, pictures: Iterable[tuple[str, Picture]]) -> Features:
    """Return the ids and `max_features` of pictures, kept in the file `path`."""
    if not path.exists():
        ids, parts = [], []
        for batch in batches(pictures, _BATCH):
            ids += [key for key, _ in batch]
            parts.append(max_features(encoder, [picture for _, picture in batch]))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, ids=np.array(ids), features=np.concatenate(parts))
    with np.load(path, allow_pickle=False) as file:
        return file["ids"].tolist(), file["features"]


def _street(items: Iterable[Item]) -> Iterator[tuple[str, Image.Image]]:
    for number, (item, picture, _) in enumerate(decodable_items(items)):
        yield item.id, simulate_street_photo(picture, _STREET_SEED + 10 * number)


def _other_colours(items: Iterable[Item]) -> Iterator[tuple[str, Image.Image]]:
    for number, (item, picture, _) in enumerate(decodable_items(items)):
        yield item.id, other_colour(picture, number)


def read_features(
    args: argparse.Namespace, encoder: Encoder
) -> tuple[PhotoFeatures, list[tuple[str, str]]]:
    """Return studio, street and recoloured features by id, and ids of products in two colours."""
    pairs = colourway_pairs(list(training_products(args.data)))
    larger = [i for i in training_products(args.larger) if held_out(f"st{i.id}", STREET_SHARE)]
    wanted = {key for pair in pairs for key in pair} | {item.id for item in larger}
    small = (item for item in training_products(args.data) if item.id in wanted)

    def named(
        name: str, source: str, pictures: Iterable[tuple[str, Picture]], *drawn: int
    ) -> Features:
        return features(work_file(args.work, name, source, encoder, *drawn), encoder, pictures)

    studio = named("product-studio", args.data, ((i.id, d) for i, _, d in decodable_items(small)))
    street = named("product-street", args.larger, _street(larger), _STREET_SEED)
    recoloured = named("product-recoloured", args.larger, _other_colours(larger))
    return PhotoFeatures(*map(_by_id, (studio, street, recoloured))), pairs


def _by_id(read: Features) -> dict[str, np.ndarray]:
    return dict(zip(*read, strict=True))


def fit(photos_of: PhotoFeatures, pairs: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Return the arrays of the product heads by name; raises ValueError without pairs of photos."""
    studio, street, recoloured = photos_of
    both = [key for key in street if key in studio and key in recoloured]
    colours = [(a, b) for a, b in pairs if a in studio and b in studio]
    if not both or not colours:
        raise ValueError(
            f"expected products with small and larger photos and in two colours, found {len(both)} "
            f"and {len(colours)}"
        )
    photos = _rows(studio, list(studio))
    of_studio, of_street = _rows(studio, both), _rows(street, both)
    first, second = (_rows(studio, [pair[end] for pair in colours]) for end in (0, 1))
    changes = ((first, second), (of_studio, _rows(recoloured, both)))
    return {
        "design": design_weights(of_studio, of_street, changes, photos),
        "instance": instance_weights(of_studio, of_street, photos),
    }


def _rows(by_id: dict[str, np.ndarray], ids: Sequence[str]) -> np.ndarray:
    return np.stack([by_id[key] for key in ids]).astype(np.float32)


# settings of the folder


def update_settings(folder: Path) -> None:
    """Make the settings of a folder fit the heads in it: `query.json` and `garments.json`.

    Removes `query.safetensors` where it was made for vectors of another length.
    """
    heads = EmbeddingHeads.load(folder)
    assert heads is not None
    file, dims = folder / SETTINGS_FILE, list(heads.head_dims)
    settings = _read_json(file) or {}
    if settings.get("head_dims") != dims:
        (folder / NETWORKS_FILE).unlink(missing_ok=True)
    settings["head_dims"] = dims
    before = len(dims) - len(PRODUCT_HEADS)
    settings["scales"] = dict.fromkeys(INTENTS, [1.0] * before) | settings.get("scales", {})
    for rows in (settings["scales"], settings.get("match", {})):
        rows |= {name: _with_product_heads(row, name, before) for name, row in rows.items()}
    write_json(file, settings)
    write_revision(folder)


def _with_product_heads(row: list[float], name: str, before: int) -> list[float]:
    """Return scales of all heads, given those of the `before` first; a longer row stays as it is.

    Colourways are found by `design` alone.
    """
    if len(row) != before:
        return row
    first = [0.0] * before if name == "colourway" else row
    return [*first, *_SCALES.get(name, (0.0, 0.0))]


def _read_json(file: Path) -> dict[str, Any] | None:
    """Return the object of a file, None if there is none."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the heads and write them into `--output`, whose settings are made to fit them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", required=True, help="catalogue of products: small photos")
    parser.add_argument("--larger", required=True, help="larger photos of some of them")
    add_folder_options(parser)
    args = parser.parse_args(argv)
    file = args.output / HEADS_FILE
    with safe_open(file, "numpy") as shipped:
        metadata = shipped.metadata()
    arrays = load_file(file) | fit(*read_features(args, Encoder.load(args.model)))
    save_file(arrays, file, metadata=metadata)
    update_settings(args.output)


if __name__ == "__main__":
    main()
