"""How often a photo is told that nothing here is really like it: rightly and wrongly.

python -m benchmarks.unlike --index index [--photos PHOTOS]

Simulated street photos of items are searched among the other items (where the sentence is wrong),
and among those of other master categories (where it is right). `--photos`, anything that embed.py
takes, are searched as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.retrieval import decodable_items
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import load_rgb
from lookbook.schema.column_names import find_column
from lookbook.search.calibration import calibrations
from lookbook.search.index import Index
from lookbook.search.intents import as_query
from lookbook.search.opening import open_with_encoder
from lookbook.search.photo_query import photo_query

THRESHOLDS = (0.2, 0.25, 0.3, 0.4, 0.5)


def best_probability(index: Index, vector: np.ndarray, allowed: np.ndarray) -> float:
    """Return the probability of the best result for a photo among the rows `allowed`, bool (n,)."""
    (hit,) = index.search_rows(as_query(index, vector, "photo"), 1, allowed)
    curve = calibrations(index)["photo"]
    assert curve is not None, "expected an index with a calibration, found none"
    return curve.of(hit.score).probability


def measure_street(index: Index, encoder: Encoder, count: int, seed: int) -> np.ndarray:
    """Return (count, 2): the best probability with the kind there, and with its category gone."""
    column = find_column(index.columns, ("mastercategory", "category"))
    assert column is not None, "expected a column of master categories, found none"
    _, codes = index.categorical_codes(column)
    rows = np.random.default_rng(seed).choice(len(index), count, replace=False).tolist()
    found = []
    for row in rows:
        photo = simulate_street_photo(load_rgb(index.generation.thumb(row)), row)
        vector = photo_query(photo, encoder).vector
        others = (np.arange(len(index)) != row, codes != codes[row])
        found.append([best_probability(index, vector, allowed) for allowed in others])
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--photos")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    index, encoder = open_with_encoder(args.index, "auto", None, "auto", "auto")
    street = measure_street(index, encoder, args.count, args.seed)
    columns = {"kind there": street[:, 0], "category gone": street[:, 1]}
    if args.photos:
        items = list(open_catalog(args.photos))
        draw = np.random.default_rng(args.seed).choice(len(items), args.count, replace=False)
        vectors = [
            photo_query(d, encoder).vector for *_, d in decodable_items(items[n] for n in draw)
        ]
        everything = np.ones(len(index), bool)
        columns["photos"] = np.array([best_probability(index, v, everything) for v in vectors])
    print("| threshold |", " | ".join(columns), "|")
    for threshold in THRESHOLDS:
        print(f"| {threshold} |", *(f"{(v < threshold).mean():.3f} |" for v in columns.values()))


if __name__ == "__main__":
    main()
