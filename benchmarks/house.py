"""Do the drawn products look like what they are to an encoder that only ever saw photographs?

python -m benchmarks.house --data PHOTOS      (any catalogue with articleType)

Names the articleType of house products by their neighbours among real photos, and looks for the
product of each street shot among the others. Appends to house.csv.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks.rows import append, cells
from house_collection import products, street_shot
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.evaluation.metrics import Estimate, figure, recall_at
from lookbook.evaluation.retrieval import gallery_of, neighbours

RESULTS = Path(__file__).with_name("house.csv")
COLUMNS = ("date", "encoder", "revision", "products", "measure", "value", "low", "high", "n")


def name_types(encoder: Encoder, drawn: list, data: str) -> tuple[Estimate, Counter]:
    """Share whose commonest articleType among 10 real neighbours is right; confusions counted.

    A type counts by its share of the real photos, or T-shirts would outvote everything.
    """
    gallery = gallery_of(open_catalog(data), encoder)
    labels = gallery.values("articleType")
    often = Counter(labels)
    truth = np.array([product.row()["articleType"] for product in drawn])
    rows = neighbours(encoder.encode([product.draw() for product in drawn]), gallery.vectors)
    right, confusions = [], Counter()
    for wanted, near in zip(truth, labels[rows], strict=True):
        votes = Counter({label: n / often[label] ** 0.5 for label, n in Counter(near).items()})
        said = votes.most_common(1)[0][0]
        right.append(said == wanted)
        confusions[wanted, said] += said != wanted
    return figure(np.array(right)), confusions


def find_street_shots(encoder: Encoder, drawn: list) -> dict[str, Estimate]:
    """R@1 and R@10 of the product of each street shot among all of them."""
    gallery = encoder.encode([product.draw() for product in drawn])
    shots = encoder.encode([street_shot(product, seed) for seed, product in enumerate(drawn)])
    rows = neighbours(shots, gallery)
    return {f"street R@{k}": figure(recall_at(k, rows, np.arange(len(drawn)))) for k in (1, 10)}


def failures(encoder: Encoder, drawn: list, rows: int = 8, answers: int = 5) -> Image.Image:
    """A sheet of street shots whose first answer is of another kind, each with its first answers.

    The shots that went wrong with the most confidence come first, one of each kind at most.
    """
    pictures = [product.draw() for product in drawn]
    gallery = encoder.encode(pictures)
    shots = [street_shot(product, seed) for seed, product in enumerate(drawn)]
    scores = encoder.encode(shots) @ gallery.T
    kinds = np.array([product.row()["articleType"] for product in drawn])
    first = scores.argmax(axis=1)
    wrong = [n for n in np.argsort(-scores.max(axis=1)) if kinds[first[n]] != kinds[n]]
    _, once = np.unique(kinds[wrong], return_index=True)
    chosen = [wrong[i] for i in sorted(once)][:rows]
    sheet = Image.new("RGB", ((answers + 1) * 130 + 20, len(chosen) * 180), "white")
    for y, n in enumerate(chosen):
        row = [(shots[n], f"asked: {kinds[n]}")]
        row += [(pictures[i], kinds[i]) for i in np.argsort(-scores[n])[:answers]]
        for x, (picture, name) in enumerate(row):
            small = ImageOps.contain(picture.convert("RGB"), (120, 150))
            sheet.paste(small, (x * 130 + 20 * (x > 0), y * 180))
            ImageDraw.Draw(sheet).text((x * 130 + 20 * (x > 0), y * 180 + 154), name, "black")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="real photos with articleType, to name the drawn ones by")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--failures", type=Path, help="draw a sheet of what went wrong, and stop")
    args = parser.parse_args()
    encoder, drawn = Encoder.load(), list(products(args.count, args.seed))
    if args.failures:
        failures(encoder, drawn).save(args.failures, quality=88)
        return
    if not args.data:
        parser.error("--data is needed, or --failures")
    types, confusions = name_types(encoder, drawn, args.data)
    results = {"articleType": types} | find_street_shots(encoder, drawn)
    about = {"encoder": encoder.name, "revision": encoder.revision, "products": len(drawn)}
    for name, f in results.items():
        print(f"{name:14} {f}")
        append(RESULTS, COLUMNS, about | {"measure": name} | cells(f))
    print("taken for:", ", ".join(f"{a} {b} {n}" for (a, b), n in confusions.most_common(15)))


if __name__ == "__main__":
    main()
