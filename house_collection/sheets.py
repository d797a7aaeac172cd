"""Contact sheets of the collection, small enough to commit: `python -m house_collection.sheets`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .collection import products
from .product import Product
from .specs import KINDS
from .street import street_shot

LIMIT = 250_000
PAPER = (255, 255, 255)


def sheet(
    pictures: Sequence[Image.Image], columns: int, width: int, captions: Sequence[str] = ()
) -> Image.Image:
    """Pictures in rows, each `width` pixels wide at three to four, with captions below."""
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
    """JPEG in at most 250 kB."""
    for quality in (88, 82, 76, 70, 62, 54, 45):
        page.save(path, "JPEG", quality=quality, optimize=True)
        if path.stat().st_size <= LIMIT:
            return
    raise ValueError(
        f"{path.name} has {path.stat().st_size} bytes at the lowest quality, not {LIMIT}"
    )


def first_of(items: Iterable[Product], wanted: int) -> list[Product]:
    """One product of each style, until there are enough."""
    styles = (next(group) for _, group in groupby(items, key=lambda p: p.style))
    return [product for product, _ in zip(styles, range(wanted), strict=False)]


def types_sheet(seed: int) -> Image.Image:
    """One product of each articleType, in the order of the alphabet."""
    found: dict[str, Product] = {}
    for product in products(100_000, seed):
        found.setdefault(product.article, product)
        if len(found) == len(KINDS):
            break
    names = sorted(found)
    return sheet([found[name].draw() for name in names], 10, 144, names)


def colourways_sheet(seed: int, styles: int = 5) -> Image.Image:
    """Styles in four colourways, one style a row."""
    rows: list[Product] = []
    kinds: set[str] = set()
    for _, group in groupby(products(100_000, seed), key=lambda p: p.style):
        ways = list(group)
        if len(ways) == 4 and ways[0].article not in kinds:
            kinds.add(ways[0].article)
            rows += ways
        if len(kinds) == styles * 2:
            break
    return sheet([p.draw() for p in rows], 8, 160, [p.shade for p in rows])


def street_sheet(seed: int, count: int = 16) -> Image.Image:
    """Street shots, each to the right of its product."""
    items = first_of(products(100_000, seed), count * 4)[::4]
    pairs = [picture for p in items for picture in (p.draw(), street_shot(p, 1))]
    return sheet(pairs, 8, 170)


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the four sheets."""
    options = argparse.ArgumentParser(prog="python -m house_collection.sheets", description=__doc__)
    options.add_argument("--output", default="docs", help="folder to write (default docs)")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(argv)
    folder = Path(chosen.output)
    folder.mkdir(parents=True, exist_ok=True)
    sixty = first_of(products(100_000, chosen.seed), 60)
    save(sheet([p.draw() for p in sixty], 10, 144), folder / "house-60.jpg")
    save(types_sheet(chosen.seed), folder / "house-types.jpg")
    save(colourways_sheet(chosen.seed), folder / "house-colourways.jpg")
    save(street_sheet(chosen.seed), folder / "house-street.jpg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
