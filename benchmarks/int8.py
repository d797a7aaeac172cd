"""Does an encoder keep its neighbours in int8, and how much time does it save?

python -m benchmarks.int8 --photos SHOP      (any catalogue that embed.py takes)

Photos of a shop, and the same as simulated street photos, are encoded by OpenVINO in float32, in
bfloat16 and in int8. `overlap` is the share of the ten nearest photos that float32 gives, too: of
an index and queries in the same precision, and of queries to an index in float32. `street_overlap`
is that of street photos as queries. Milliseconds are processor time for one photo on one thread.
Appends to int8.csv; docs/NUMBERS.md says what was tried.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.rows import append
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.evaluation.retrieval import decodable_items, nearest_rows
from lookbook.evaluation.street_photos import simulate_street_photo

RESULTS = Path(__file__).with_name("int8.csv")
COLUMNS = (
    *("date", "machine", "encoder", "revision", "photos", "variant"),
    *("cosine", "lowest", "overlap", "query_overlap"),
    *("street_cosine", "street_overlap", "processor_ms"),
)
PRECISIONS = ("float32", "bfloat16", "int8")
_ROUNDS = 30


def overlap(queries: np.ndarray, gallery: np.ndarray, expected: np.ndarray) -> float:
    """Return the share of the ten nearest others (n, 10) of each row that `expected` has, too."""
    found = neighbours(queries, gallery)
    return float(np.mean([np.isin(f, e).mean() for f, e in zip(found, expected, strict=True)]))


def neighbours(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Return int (n, 10): the rows of `gallery` nearest to each of `queries` but its own."""
    rows = nearest_rows(queries, gallery, 11)
    return np.stack([ranked[ranked != row][:10] for row, ranked in enumerate(rows)])


def processor_ms(encoder: Encoder, pixels: np.ndarray) -> float:
    """Return the least processor time for one picture (1, size, size, 3), in milliseconds."""
    encoder.forward(pixels)
    times = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        encoder.forward(pixels)
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--photos", required=True)
    parser.add_argument("--count", type=int, default=1500, help="photos to compare")
    args = parser.parse_args()
    # `concurrent`: each call on one thread, whose processor time holds no waiting for another
    encoders = {
        precision: Encoder.load(
            args.model, precision=precision, device="cpu", backend="openvino", concurrent=True
        )
        for precision in PRECISIONS
    }
    preprocess = encoders["float32"].preprocessing.preprocess
    items = islice(open_catalog(args.photos), args.count)
    photos = [picture for _, picture, _ in decodable_items(items)]
    shop = np.stack([preprocess(photo) for photo in photos])
    street = np.stack([preprocess(simulate_street_photo(p, n)) for n, p in enumerate(photos)])
    exact, exact_street = (encoders["float32"].forward_batches(p) for p in (shop, street))
    expected, expected_street = neighbours(exact, exact), neighbours(exact_street, exact)
    for precision, encoder in encoders.items():
        vectors, street_vectors = (encoder.forward_batches(p) for p in (shop, street))
        cosines = (vectors * exact).sum(axis=1)
        figures = {
            "cosine": cosines.mean(),
            "lowest": cosines.min(),
            "overlap": overlap(vectors, vectors, expected),
            "query_overlap": overlap(vectors, exact, expected),
            "street_cosine": (street_vectors * exact_street).sum(axis=1).mean(),
            "street_overlap": overlap(street_vectors, exact, expected_street),
            "processor_ms": processor_ms(encoder, shop[:1]),
        }
        about = {"encoder": encoder.name, "revision": encoder.revision, "photos": len(shop)}
        row = about | {"variant": precision}
        append(RESULTS, COLUMNS, row | {n: f"{v:.4f}" for n, v in figures.items()})
        print(precision, figures, flush=True)


if __name__ == "__main__":
    main()
