"""Measure each part of a query, encoding in bulk, and memory; appended to a CSV.

python -m benchmarks.pipeline --index index --photos FOLDER_OR_PARQUET
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.rows import append
from lookbook import Encoder, Index
from lookbook.catalog import open_catalog
from lookbook.images.loading import read_bytes
from lookbook.search.opening import load_matching_encoder

RESULTS = Path(__file__).with_name("pipeline.csv")
COLUMNS = (
    *("date", "machine", "cores", "python", "torch", "lookbook", "items", "dim", "engine"),
    *("precision", "size", "threads", "photos", "measure", "p50", "p99", "unit"),
)


def milliseconds(work: Callable[[object], object], inputs: list) -> tuple[float, float]:
    """Return median and 99th percentile of one call, over each input once, after a warm-up."""
    for value in inputs[:5]:
        work(value)
    times = []
    for value in inputs:
        started = time.perf_counter()
        work(value)
        times.append((time.perf_counter() - started) * 1000)
    return float(np.median(times)), float(np.quantile(times, 0.99))


def measures(index: Index, encoder: Encoder, photos: list[bytes]) -> list[tuple]:
    """Return (measure, p50, p99, unit) of each part of a query, of a whole query, and in bulk."""
    p = encoder.preprocessing
    pixels = [p.preprocess(photo)[None] for photo in photos]
    vectors = [encoder.forward(one)[0] for one in pixels]

    def whole(photo: bytes) -> None:
        index.search(encoder.forward(p.preprocess(photo)[None])[0], k=24)

    rows = [
        ("decode", *milliseconds(p.preprocess, photos), "ms"),
        ("forward", *milliseconds(encoder.forward, pixels), "ms"),
        ("search", *milliseconds(lambda v: index.search(v, k=24), vectors), "ms"),
        ("query", *milliseconds(whole, photos), "ms"),
    ]
    started = time.perf_counter()
    encoder.encode(photos)
    rate = len(photos) / (time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, ("bulk", rate, "", "images/s"), ("memory", peak, "", "MiB")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--photos", required=True, help="anything that embed.py takes")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    items = islice(open_catalog(args.photos), args.count)
    photos = [i.image if isinstance(i.image, bytes) else read_bytes(i.image) for i in items]
    index = Index.open(args.index, args.engine)
    encoder = load_matching_encoder(index, device=args.device)
    about = {
        "torch": torch.__version__,
        "items": len(index),
        "dim": index.manifest.dim,
        "engine": index.engine,
        "precision": encoder.precision,
        "size": encoder.preprocessing.size,
        "threads": args.threads,
        "photos": len(photos),
    }
    for name, p50, p99, unit in measures(index, encoder, photos):
        p99 = f"{p99:.2f}" if p99 != "" else ""
        row = {"measure": name, "p50": f"{p50:.2f}", "p99": p99, "unit": unit}
        append(RESULTS, COLUMNS, about | row)
        print(f"{name:8} {p50:8.2f} {p99:>8} {unit}")


if __name__ == "__main__":
    main()
