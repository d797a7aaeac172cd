"""Measure how well all garments of a photo are found, and whether each then finds its product.

python -m benchmarks.garments --data SMALL --larger LARGER --count 200

Composites of two and three held-out products (`lookbook.evaluation.composites`), half of them laid
side by side, half as worn. The shop is all held-out products of SMALL. Of the half that choices
were not made on, or with --development of the other. Appends to garments.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rows import append, cells
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.encoding.garment_kinds import class_kinds
from lookbook.encoding.garment_regions import intersection_over_union
from lookbook.encoding.localization import BoundingBox, find_garments
from lookbook.evaluation.composites import Composite, compose_outfits
from lookbook.evaluation.metrics import Estimate, bootstrap_mean
from lookbook.evaluation.retrieval import (
    Gallery,
    decodable_items,
    encode_gallery,
    nearest_rows,
)
from lookbook.evaluation.splits import PRODUCTS_HELD_OUT, development, held_out
from lookbook.search.photo_query import Box, crop_to_box, locate_box, locate_garments

RESULTS = Path(__file__).with_name("garments.csv")
COLUMNS = ("date", "encoder", "revision", "way", "measure", "value", "low", "high", "n")
FOUND = 0.5  # IoU from which a garment counts as found
LEFT_OUT = (None, "accessory", "underwear")


def photos_by_kind(
    larger: str, kinds: dict[str, str | None], of_development: bool
) -> dict[str, list[tuple[str, Image.Image]]]:
    """Return {kind: [(product id, studio photo)]} of held-out products of one half."""
    chosen = []
    for item in open_catalog(larger):
        kind = kinds.get(str(item.attributes.get("articleType")))
        wanted = held_out(item.id, PRODUCTS_HELD_OUT) and development(item.id) == of_development
        if wanted and kind not in LEFT_OUT:
            chosen.append((kind, item))
    chosen.sort(key=lambda pair: (str(pair[0]), pair[1].id))
    return {
        str(kind): [(item.id, image) for item, image, _ in decodable_items(i for _, i in group)]
        for kind, group in groupby(chosen, key=lambda pair: pair[0])
    }


def measure(encoder: Encoder, gallery: Gallery, photos: Sequence[Composite]) -> dict[str, Estimate]:
    """Return the estimates over all products of `photos`, by name of way and measure."""
    values: dict[str, list[float]] = {}
    for photo in photos:
        garments = locate_garments(photo.image, encoder)
        boxes = [garment.box for garment in garments]  # as they are searched, with a margin
        detected = [_fractions(one, photo.image) for one in find_garments(encoder, photo.image)]
        parts = [(0.0, 0.0, 1.0, 1.0), locate_box(photo.image, encoder), *boxes, *photo.boxes]
        crops = [crop_to_box(photo.image, part) for part in parts]
        queries = encoder.as_query(encoder.encode(crops), "photo")
        nearest = nearest_rows(queries, gallery.vectors, 10)
        values.setdefault("all: no garment too many", []).append(len(boxes) <= len(photo.boxes))
        for number, (box, kind, id) in enumerate(
            zip(photo.boxes, photo.kinds, photo.ids, strict=True)
        ):
            best = _closest(boxes, box)
            row = gallery.row_of.get(id, -1)
            oracle = 2 + len(boxes) + number
            tight = max((intersection_over_union(one, box) for one in detected), default=0.0)
            for name, query in (("whole", 0), ("one", 1), ("all", 2 + best), ("true", oracle)):
                values.setdefault(f"{name}: R@10", []).append(row in nearest[query])
            values.setdefault("all: IoU", []).append(tight)
            values.setdefault("all: found", []).append(tight > FOUND)
            if tight > FOUND:
                values.setdefault("all: right kind", []).append(garments[best].kind == kind)
    return {name: bootstrap_mean(np.array(column, float)) for name, column in values.items()}


def _closest(boxes: Sequence[Box], truth: Box) -> int:
    """Return the number of the box that overlaps most, -2 (the whole photo) where none does."""
    overlaps = [intersection_over_union(box, truth) for box in boxes]
    return int(np.argmax(overlaps)) if max(overlaps, default=0) > 0 else -2


def _fractions(box: BoundingBox, image: Image.Image) -> Box:
    width, height = image.size
    return box.left / width, box.top / height, box.right / width, box.bottom / height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="catalogue with all held-out products")
    parser.add_argument("--larger", required=True, help="larger photos of some of them")
    parser.add_argument("--count", type=int, default=200, help="composites")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--development", action="store_true", help="the half to choose on")
    args = parser.parse_args()
    missing = [path for path in (args.data, args.larger) if not Path(path).exists()]
    if missing:
        print(f"skipped: there is no {', no '.join(missing)}")
        return
    encoder = Encoder.load()
    kinds = class_kinds(Path(DEFAULT_MODEL))
    by_kind = photos_by_kind(args.larger, kinds, args.development)
    photos = compose_outfits(by_kind, args.count, args.seed)
    shop = (i for i in open_catalog(args.data) if held_out(i.id, PRODUCTS_HELD_OUT))
    results = measure(encoder, encode_gallery(shop, encoder), photos)
    about = {"encoder": encoder.name, "revision": encoder.revision}
    for name, estimate in results.items():
        print(f"{name:26} {estimate}", flush=True)
        if not args.development:
            way, _, measured = name.partition(": ")
            append(RESULTS, COLUMNS, about | {"way": way, "measure": measured} | cells(estimate))


if __name__ == "__main__":
    main()
