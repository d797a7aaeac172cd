"""Time of an update: 100 changes among 44,000 items, without the encoder's time.

python -m benchmarks.updates [--items 44000] [--changes 100]

Pictures are small files of noise, vectors are synthetic (overlapping clusters of 448 dimensions, as
the shipped encoder has), a few attributes and a price for each item. Prints one line of CSV for the
first run, for an update (a third each added, removed and with another picture) and for one where
only words change; seconds of the processor beside those of the clock, and the peak of memory.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Preprocessing
from lookbook.indexing import Summary, build

_DIM, _CLUSTERS = 448, 400


class SyntheticEncoder:
    """Gives each picture a vector that follows from its pixels, near one of 400 centres."""

    preprocessing = Preprocessing(size=32, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)
    identity = {"id": "synthetic", "revision": "1", "dim": _DIM}  # noqa: RUF012

    def __init__(self) -> None:
        self._centres = np.random.default_rng(0).normal(size=(_CLUSTERS, _DIM))

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, 448) of L2 norm 1 for pictures (n, h, w, 3)."""
        rows = []
        for picture in pixels:
            draw = np.random.default_rng(int.from_bytes(picture.tobytes()[1500:1524], "little"))
            rows.append(self._centres[draw.integers(_CLUSTERS)] + 0.9 * draw.normal(size=_DIM))
        vectors = np.array(rows, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_picture(path: Path, number: int) -> None:
    """Write a picture that follows from its number: 8 x 8 blocks of noise, enlarged."""
    small = np.random.default_rng(number).integers(0, 255, (8, 8, 3), np.uint8)
    Image.fromarray(small).resize((60, 80), Image.Resampling.BICUBIC).save(path, quality=85)


def write_table(folder: Path, ids: list[int], word: str = "") -> None:
    """Write metadata.csv; `word` goes into the titles of the first hundred."""
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["file_name", "id", "title", "category", "colour", "season", "price"])
        for place, n in enumerate(ids):
            title = f"Shirt {n}" + (f" {word}" if word and place < 100 else "")
            row = [f"kind {n % 30}", f"colour {n % 12}", f"season {n % 4}", n % 100 + 0.95]
            out.writerow([f"{n}.jpg", n, title, *row])


def timed(name: str, run: Callable[[], Summary]) -> None:
    """Run, and print what it took."""
    clock, processor = time.monotonic(), time.process_time()
    summary = run()
    seconds = [time.monotonic() - clock, time.process_time() - processor]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = [*seconds, summary.seconds_encoding, summary.seconds_index, peak]
    line = [name, summary.items, summary.encoded, summary.changes, *(f"{f:.1f}" for f in figures)]
    csv.writer(sys.stdout).writerow([*line, f"{summary.recall:.4f}"])
    sys.stdout.flush()


def main() -> None:
    """Write a shop to a temporary folder, index it, and update it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=44_000)
    parser.add_argument("--changes", type=int, default=100)
    args = parser.parse_args()
    third = args.changes // 3
    print("run,items,encoded,changes,clock_s,processor_s,reading_s,indexing_s,peak_mib,recall")
    with tempfile.TemporaryDirectory() as name:
        folder, output, ids = Path(name) / "shop", Path(name) / "index", list(range(args.items))
        folder.mkdir()
        for n in ids:
            write_picture(folder / f"{n}.jpg", n)
        encoder = SyntheticEncoder()

        def run() -> Summary:
            return build(open_catalog(str(folder)), encoder, output, quiet=True)  # type: ignore[arg-type]

        write_table(folder, ids)
        timed("first", run)
        gone, new = ids[:third], list(range(args.items, args.items + args.changes - 2 * third))
        for n in ids[third : 2 * third]:  # another picture under the same id
            write_picture(folder / f"{n}.jpg", n + 10 * args.items)
        for n in gone:
            (folder / f"{n}.jpg").unlink()
        for n in new:
            write_picture(folder / f"{n}.jpg", n)
        write_table(folder, ids := ids[third:] + new)
        timed("update", run)
        write_table(folder, ids, word="new")
        timed("words", run)
        timed("nothing", run)


if __name__ == "__main__":
    main()
