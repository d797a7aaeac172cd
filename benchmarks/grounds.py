"""Whether a garment is found on any ground: the same pieces composited on colours and skin tones.

python -m benchmarks.grounds --index index [--count 150]

Each piece is cut out of its picture and put on each ground; its own item is left out of the ten
results. The skin tones are those of the Monk Skin Tone scale.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.evaluation.metrics import bootstrap_difference
from lookbook.evaluation.street_photos import draw_background, product_cutout
from lookbook.images.loading import load_rgb
from lookbook.search.calibration import kind_column
from lookbook.search.intents import as_query
from lookbook.search.opening import open_with_encoder

SIDE = 256  # px
PLAIN = {"white": "#ffffff", "grey": "#808080", "black": "#101010", "red": "#b02020"}
MONK = ("#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96")
MONK += ("#a07e56", "#825c43", "#604134", "#3a312a", "#292420")
GROUNDS = PLAIN | {f"skin tone {n}": colour for n, colour in enumerate(MONK, 1)}


def composited(photo: Image.Image, ground: str, seed: int) -> Image.Image:
    """Return the product of a photo on a ground, RGB (SIDE, SIDE); "room" draws a wall or floor."""
    if ground == "room":
        frame = draw_background(np.random.default_rng(seed), SIDE)
    else:
        frame = Image.new("RGB", (SIDE, SIDE), GROUNDS[ground])
    product = product_cutout(photo)
    scale = 0.85 * SIDE / max(product.size)
    size = max(1, round(product.width * scale)), max(1, round(product.height * scale))
    product = product.resize(size, Image.Resampling.LANCZOS)
    at = (SIDE - product.width) // 2, (SIDE - product.height) // 2
    frame.paste(product, at, product)
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    index, encoder = open_with_encoder(args.index, "exact", None, "auto", "auto")
    column = kind_column(index.columns)
    assert column is not None, "expected a catalogue with kinds of garments, found none"
    codes = index.categorical_codes(column)[1]
    draw = np.random.default_rng(args.seed)
    rows = draw.choice(len(index), min(args.count, len(index)), replace=False).tolist()
    photos = [load_rgb(index.generation.thumb(row)) for row in rows]
    precision: dict[str, np.ndarray] = {}
    print("| ground | P@10 of the kind | against white | itself first |")
    print("| --- | --- | --- | --- |")
    for ground in (*GROUNDS, "room"):
        pictures = [composited(p, ground, r) for p, r in zip(photos, rows, strict=True)]
        values, first = [], []
        for row, vector in zip(rows, encoder.encode(pictures), strict=True):
            query = as_query(index, vector, "photo")
            found = [hit.row for hit in index.search_rows(query, 11)]
            first.append(found[0] == row)
            others = [other for other in found if other != row][:10]
            values.append(float((codes[others] == codes[row]).mean()))
        precision[ground] = np.array(values)
        difference = bootstrap_difference(precision[ground], precision["white"], paired=True)
        value, low, high = difference
        print(
            f"| {ground} | {np.mean(values):.3f} | {value:+.3f} ({low:+.3f} to {high:+.3f}) "
            f"| {np.mean(first):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
