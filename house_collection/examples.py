"""Draw the pictures of `examples/`: eight street shots and two studio pictures.

python -m house_collection.examples --output examples
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .collection import products
from .street import street_shot

# products, by number, whose first result is of the same articleType: chosen to show what the site
# can do; the model card measures shots that were not chosen
STREET = (6, 10, 15, 19, 35, 38, 43, 133)
STUDIO = ("Jeans", "Tshirts")  # the first of each


def write_examples(output: Path) -> list[Path]:
    """Draw the pictures into the folder `output`; returns the files."""
    output.mkdir(parents=True, exist_ok=True)
    studio, files = list(STUDIO), []
    for number, product in enumerate(products(300, 0)):
        if number in STREET:
            view, picture = "street", street_shot(product, number)
        elif product.article in studio:
            studio.remove(product.article)
            view, picture = "studio", product.draw()
        else:
            continue
        files.append(output / f"{view}-{product.article.lower().replace(' ', '-')}.jpg")
        picture.save(files[-1], quality=85)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("examples"))
    print("\n".join(map(str, write_examples(parser.parse_args().output))))


if __name__ == "__main__":
    main()
