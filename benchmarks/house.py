"""Does an encoder that was trained on photographs recognise the drawn products?

python -m benchmarks.house --data PHOTOS      (any catalogue with articleType)

Predicts the articleType of house products from their nearest real photos, and looks for the product
of each street shot among all of them. Appends to house.csv.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks.rows import append, cells
from house_collection import Product, products, street_shot
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.evaluation.metrics import Estimate, bootstrap_mean, recall_at
from lookbook.evaluation.retrieval import encode_gallery, nearest_rows

RESULTS = Path(__file__).with_name("house.csv")
COLUMNS = ("date", "encoder", "revision", "products", "measure", "value", "low", "high", "n")


def name_types(encoder: Encoder, drawn: list[Product], data: str) -> tuple[Estimate, Counter]:
    """Accuracy of the articleType by a vote of the 10 nearest real photos, and the confusions.

    A vote is divided by the root of its type's frequency among the photos: without that, the most
    frequent type wins everywhere.
    """
    gallery = encode_gallery(open_catalog(data), encoder)
    labels = gallery.labels("articleType")
    frequency = Counter(labels)
    truth = np.array([product.row()["articleType"] for product in drawn])
    rows = nearest_rows(encoder.encode([product.draw() for product in drawn]), gallery.vectors)
    correct, confusions = [], Counter[tuple[str, str]]()
    for true_type, neighbour_types in zip(truth, labels[rows], strict=True):
        votes = Counter(neighbour_types).items()
        predicted = max(votes, key=lambda vote: vote[1] / frequency[vote[0]] ** 0.5)[0]
        correct.append(predicted == true_type)
        if predicted != true_type:
            confusions[true_type, predicted] += 1
    return bootstrap_mean(np.array(correct)), confusions


def find_street_shots(encoder: Encoder, drawn: list[Product]) -> dict[str, Estimate]:
    """R@1 and R@10 of the product of each street shot among all of them."""
    gallery = encoder.encode([product.draw() for product in drawn])
    shots = encoder.encode([street_shot(product, seed) for seed, product in enumerate(drawn)])
    rows = nearest_rows(shots, gallery)
    relevant = np.arange(len(drawn))
    return {f"street R@{k}": bootstrap_mean(recall_at(k, rows, relevant)) for k in (1, 10)}


def failures(
    encoder: Encoder, drawn: list[Product], rows: int = 8, results: int = 5
) -> Image.Image:
    """A sheet of street shots whose first result is of another type, each with its first results.

    The failures of the highest score come first, one for each type at most.
    """
    pictures = [product.draw() for product in drawn]
    gallery = encoder.encode(pictures)
    shots = [street_shot(product, seed) for seed, product in enumerate(drawn)]
    scores = encoder.encode(shots) @ gallery.T
    types = np.array([product.row()["articleType"] for product in drawn])
    first = scores.argmax(axis=1)
    wrong = [n for n in np.argsort(-scores.max(axis=1)) if types[first[n]] != types[n]]
    _, one_of_each_type = np.unique(types[wrong], return_index=True)
    chosen = [wrong[i] for i in sorted(one_of_each_type)][:rows]
    sheet = Image.new("RGB", ((results + 1) * 130 + 20, len(chosen) * 180), "white")
    for y, n in enumerate(chosen):
        row = [(shots[n], f"query: {types[n]}")]
        row += [(pictures[i], types[i]) for i in np.argsort(-scores[n])[:results]]
        for x, (picture, name) in enumerate(row):
            small = ImageOps.contain(picture.convert("RGB"), (120, 150))
            sheet.paste(small, (x * 130 + 20 * (x > 0), y * 180))
            ImageDraw.Draw(sheet).text((x * 130 + 20 * (x > 0), y * 180 + 154), name, "black")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="real photos with articleType, which vote on the drawn ones")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--failures", type=Path, help="draw a sheet of failures, and stop")
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
    for name, estimate in results.items():
        print(f"{name:14} {estimate}")
        append(RESULTS, COLUMNS, about | {"measure": name} | cells(estimate))
    most_common = confusions.most_common(15)
    print("confusions:", ", ".join(f"{true} as {other} {n}" for (true, other), n in most_common))


if __name__ == "__main__":
    main()
