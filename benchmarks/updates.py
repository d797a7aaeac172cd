"""Time of an update: 100 changes among 44,000 items, without the encoder's time.

python -m benchmarks.updates [--items 44000] [--changes 100] [--keep FOLDER]

Pictures are small files of noise, vectors are synthetic (overlapping clusters of 448 dimensions, as
the shipped encoder has), a few attributes and a price for each item. Each run is what embed.py
does, its head included, in a process of its own with all its imports: the first run, an update (a
third each added, removed and with another picture), one where only words change, one where nothing
does. After the update a site that runs on the generation before shows it: seconds until it is
shown, and until its recommendations are made. Appends a row for each to benchmarks/updates.csv:
seconds of the clock and of the processor, peak of memory, recall, and the load of the machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rows import append
from benchmarks.work_folder import work_folder
from lookbook.catalog import open_catalog
from lookbook.catalog.report import CatalogReport
from lookbook.encoding.encoder import Preprocessing
from lookbook.index import published
from lookbook.indexing import build
from lookbook.search.index import Index

_DIM, _CLUSTERS = 448, 400
_FILE = Path(__file__).parent / "updates.csv"
_COLUMNS = [
    *("run", "items", "added", "removed", "changed", "encoded", "kept", "seconds"),
    *("processor_seconds", "peak_mib", "recall", "load"),
    *("machine", "cores", "python", "lookbook", "date"),
]


class SyntheticEncoder:
    """Gives each picture a vector that follows from its pixels, near one of 400 centres."""

    preprocessing = Preprocessing(size=32, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)
    identity = {"id": "synthetic", "revision": "1", "dim": _DIM}  # noqa: RUF012
    normalize = True

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


def run(folder: Path, output: Path) -> dict[str, object]:
    """Index a folder as embed.py does; return what it came to and what it took since it began."""
    catalog = open_catalog(str(folder))
    CatalogReport.of(catalog).head()
    summary = build(catalog, SyntheticEncoder(), output, quiet=True)  # type: ignore[arg-type]
    manifest = json.loads((summary.generation / "manifest.json").read_text())
    changes = summary.changes
    return {
        "items": summary.items,
        **({n: getattr(changes, n) for n in ("added", "removed", "changed")} if changes else {}),
        "encoded": summary.encoded,
        "kept": " ".join(sorted(manifest["kept"])),
        "processor_seconds": f"{time.process_time():.1f}",
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "recall": f"{summary.recall:.4f}",
    }


def show(output: Path) -> list[dict[str, object]]:
    """Let a site that runs on the generation before show the published one; return two rows."""
    # here, as embed.py does not load the site
    from lookbook.ui.services.search import SearchService, derive_all
    from lookbook.ui.services.visitor import VisitorService

    with tempfile.TemporaryDirectory() as name:
        index = Index.open(output / published(output)[1])
        search = SearchService(index, SyntheticEncoder, Path(name) / "thumbs")  # type: ignore[arg-type]
        visitor = VisitorService(index, Path(name) / "state", Path(name) / "spare")
        derive_all(index)
        assert visitor.feed.index is index
        clock, processor = time.monotonic(), time.process_time()

        def row(run: str) -> dict[str, object]:
            seconds = time.monotonic() - clock
            spent = f"{time.process_time() - processor:.1f}"
            return {"run": run, "seconds": f"{seconds:.1f}", "processor_seconds": spent}

        index = Index.open(output)
        for show_it in [prepare(index) for prepare in (search.prepare, visitor.prepare)]:
            show_it()
        rows = [row("shown by a site")]
        while visitor.feed.index is not index:
            time.sleep(0.05)
        return [*rows, row("its recommendations made")]


def measure(name: str, folder: Path, output: Path) -> None:
    """Index in a process of its own, and append a row."""
    began = time.monotonic()
    row = json.loads(_in_own_process("--one", str(folder), str(output)))
    _append({"run": name, "seconds": f"{time.monotonic() - began:.1f}"} | row)


def measure_shown(output: Path) -> None:
    """Show a generation in a process of its own, and append the rows."""
    for row in json.loads(_in_own_process("--show", str(output))):
        _append(row)


def _in_own_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.updates", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _append(row: dict[str, object]) -> None:
    row |= {"load": f"{os.getloadavg()[0]:.1f}"}
    append(_FILE, _COLUMNS, row)
    print(row, flush=True)


def change(folder: Path, ids: list[int], count: int) -> list[int]:
    """Remove a third of `count` items, change the pictures of a third, add the rest; return ids."""
    third = count // 3
    new = list(range(max(ids) + 1, max(ids) + 1 + count - 2 * third))
    for n in ids[:third]:
        (folder / f"{n}.jpg").unlink()
    for n in ids[third : 2 * third]:
        write_picture(folder / f"{n}.jpg", n + 10 * len(ids))
    for n in new:
        write_picture(folder / f"{n}.jpg", n)
    return ids[third:] + new


def main() -> None:
    """Write a shop, index it, and update it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=44_000)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--keep", metavar="FOLDER", help="work here and leave all in place")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--show", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(run(*map(Path, args.one))))
        return
    if args.show:
        print(json.dumps(show(args.show)))
        return
    with work_folder(args.keep) as place:
        folder, output, ids = place / "shop", place / "index", list(range(args.items))
        folder.mkdir(parents=True)
        for n in ids:
            write_picture(folder / f"{n}.jpg", n)
        write_table(folder, ids)
        measure("first run", folder, output)
        ids = change(folder, ids, args.changes)
        write_table(folder, ids)
        measure(f"{args.changes} changes", folder, output)
        measure_shown(output)
        write_table(folder, ids, word="new")
        measure("words only", folder, output)
        measure("nothing changed", folder, output)


if __name__ == "__main__":
    main()
