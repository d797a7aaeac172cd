"""The pictures of `examples/`: eight street shots and two plain ones of the house collection.

python -m lookbook.house.examples --output examples
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .collection import products
from .street import street_shot

STREET = (
    *("Caps", "Casual Shoes", "Dresses", "Handbags", "Jackets", "Shirts", "Sports Shoes"),
    "Sweaters",
)
PLAIN = ("Jeans", "Tshirts")


def write_examples(output: Path) -> list[Path]:
    """Draw the first product of each kind into `output`; returns the files."""
    output.mkdir(parents=True, exist_ok=True)
    waiting = dict.fromkeys(STREET, "street") | dict.fromkeys(PLAIN, "studio")
    files = []
    for number, product in enumerate(products(300, 0)):
        kind = product.row()["articleType"]
        view = waiting.pop(kind, None)
        if view is None:
            continue
        picture = street_shot(product, number) if view == "street" else product.draw()
        files.append(output / f"{view}-{kind.lower().replace(' ', '-')}.jpg")
        picture.save(files[-1], quality=85)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples"))
    print("\n".join(map(str, write_examples(parser.parse_args().output))))


if __name__ == "__main__":
    main()
