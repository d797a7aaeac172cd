"""Contact sheets of the collection for docs/: `python -m house_collection.sheets`.

`lookbook.search.export` draws a contact sheet of search results; this package imports nothing of
lookbook, so that `sheet` is its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .collection import products
from .product import Product
from .specs import SPECS
from .street import street_shot

LIMIT = 250_000  # bytes of a file
PAPER = (255, 255, 255)


def sheet(
    pictures: Sequence[Image.Image], columns: int, width: int, captions: Sequence[str] = ()
) -> Image.Image:
    """Place pictures in rows, each in a cell `width` pixels wide (3:4), with captions below."""
    tall, foot = width * 4 // 3, 18 if captions else 0
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * (tall + foot)), PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for k, picture in enumerate(pictures):
        x, y = k % columns * width, k // columns * (tall + foot)
        small = picture.copy()
        small.thumbnail((width, tall), Image.Resampling.LANCZOS)
        page.paste(small, (x + (width - small.width) // 2, y + (tall - small.height) // 2))
        if captions:
            draw.text((x + 4, y + tall + 2), captions[k], (70, 70, 70), font)
    return page


def save(page: Image.Image, path: Path) -> None:
    """Save as JPEG of at most `LIMIT` bytes; raises ValueError if no quality is small enough."""
    for quality in (88, 82, 76, 70, 62, 54, 45):
        page.save(path, "JPEG", quality=quality, optimize=True)
        if path.stat().st_size <= LIMIT:
            return
    raise ValueError(
        f"{path.name}: expected at most {LIMIT} bytes, found {path.stat().st_size} at the lowest "
        "quality"
    )


def one_per_style(items: Iterable[Product], count: int) -> list[Product]:
    """The first product of each style, `count` of them."""
    styles = (next(group) for _, group in groupby(items, key=lambda p: p.style))
    return [product for product, _ in zip(styles, range(count), strict=False)]


def types_sheet(seed: int) -> Image.Image:
    """One product of each articleType, in alphabetical order."""
    by_type: dict[str, Product] = {}
    for product in products(100_000, seed):
        by_type.setdefault(product.article, product)
        if len(by_type) == len(SPECS):
            break
    names = sorted(by_type)
    return sheet([by_type[name].draw() for name in names], 10, 144, names)


def colourways_sheet(seed: int, styles: int = 5) -> Image.Image:
    """Styles of four colourways, two styles in a row."""
    rows: list[Product] = []
    types: set[str] = set()
    for _, group in groupby(products(100_000, seed), key=lambda p: p.style):
        colourways = list(group)
        if len(colourways) == 4 and colourways[0].article not in types:
            types.add(colourways[0].article)
            rows += colourways
        if len(types) == styles * 2:
            break
    return sheet([p.draw() for p in rows], 8, 160, [p.shade for p in rows])


def street_sheet(seed: int, count: int = 16) -> Image.Image:
    """Street shots, each to the right of its product."""
    items = one_per_style(products(100_000, seed), count * 4)[::4]
    pairs = [picture for p in items for picture in (p.draw(), street_shot(p, 1))]
    return sheet(pairs, 8, 170)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the four sheets; returns the exit status."""
    options = argparse.ArgumentParser(prog="python -m house_collection.sheets", description=__doc__)
    options.add_argument("--output", default="docs", help="folder to write (default docs)")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args(argv)
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    sixty = one_per_style(products(100_000, args.seed), 60)
    save(sheet([p.draw() for p in sixty], 10, 144), folder / "house-60.jpg")
    save(types_sheet(args.seed), folder / "house-types.jpg")
    save(colourways_sheet(args.seed), folder / "house-colourways.jpg")
    save(street_sheet(args.seed), folder / "house-street.jpg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
