"""The pictures of `examples/`: eight street shots and two plain ones of the house collection.

python -m house_collection.examples --output examples
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .collection import products
from .street import street_shot

# pieces by their number, whose first result is of their kind: a first press should show what the
# site can do; what it cannot do yet stands in the model card, on shots that nobody chose
STREET = (6, 10, 15, 19, 35, 38, 43, 133)
PLAIN = ("Jeans", "Tshirts")  # the first of each


def write_examples(output: Path) -> list[Path]:
    """Draw the pictures into `output`; returns the files."""
    output.mkdir(parents=True, exist_ok=True)
    plain, files = list(PLAIN), []
    for number, product in enumerate(products(300, 0)):
        kind = product.row()["articleType"]
        if number in STREET:
            view, picture = "street", street_shot(product, number)
        elif kind in plain:
            plain.remove(kind)
            view, picture = "studio", product.draw()
        else:
            continue
        files.append(output / f"{view}-{kind.lower().replace(' ', '-')}.jpg")
        picture.save(files[-1], quality=85)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples"))
    print("\n".join(map(str, write_examples(parser.parse_args().output))))


if __name__ == "__main__":
    main()
