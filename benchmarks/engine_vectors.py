"""Make a set of vectors and queries for `benchmarks.engines`: FOLDER with vectors.npy and queries.

python -m benchmarks.engine_vectors FOLDER --rows ROWS.npy --photos PHOTOS.npy --texts TEXTS.npy
    --count 1000000

ROWS are vectors of catalogue pictures as the shipped encoder gives them (n, dim), PHOTOS those of
photos that people took, TEXTS those of titles and attributes. 200 rows are left out and become
item queries; all queries are adapted as the site adapts them. Up to n rows are a sample of ROWS;
more are grown from them: a row moves by up to a half towards one of its eight nearest rows, and by
three tenths of the difference between another row and one of that one's nearest, so that what is
added spreads as real neighbours do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookbook.encoding.query_adapter import QueryAdapter, unit_rows
from lookbook.index.engines.exact import ExactEngine

QUERIES = 200
_NEAREST = 8
_BLOCK = 16384
_MODEL = Path("models/lookbook-resnet50")


def nearest_rows(rows: np.ndarray) -> np.ndarray:
    """Return int64 (n, 8), the rows nearest to each of `rows` (n, dim), itself left out."""
    exact = ExactEngine(rows, "angular")
    blocks = [
        exact.search(rows[start : start + 1000], _NEAREST + 1)[0][:, 1:]
        for start in range(0, len(rows), 1000)
    ]
    return np.concatenate(blocks)


def write_rows(path: Path, rows: np.ndarray, count: int, rng: np.random.Generator) -> None:
    """Write float16 (count, dim): a sample of `rows` (n, dim) float32, or all and grown ones."""
    out = np.lib.format.open_memmap(path, "w+", np.float16, (count, rows.shape[1]))
    known = rng.permutation(len(rows))[:count]
    out[: len(known)] = rows[known]
    near = nearest_rows(rows) if count > len(known) else None
    for start in range(len(known), count, _BLOCK):
        assert near is not None
        size = min(_BLOCK, count - start)
        one, other = rng.integers(len(rows), size=(2, size))
        towards, along = near[one, rng.integers(_NEAREST, size=size)], near[other, 0]
        share = rng.uniform(0, 0.5, (size, 1)).astype(np.float32)
        moved = rows[one] + share * (rows[towards] - rows[one])
        out[start : start + size] = unit_rows(moved + 0.3 * (rows[other] - rows[along]))
    out.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    args = parser.parse_args()
    adapter = QueryAdapter.load(_MODEL)
    assert adapter is not None
    rng = np.random.default_rng(0)
    rows = unit_rows(np.concatenate([np.load(path).astype(np.float32) for path in args.rows]))
    rows = rows[rng.permutation(len(rows))]
    args.folder.mkdir(parents=True)
    queries = {"item": rows[:QUERIES]}
    for kind, path in (("photo", args.photos), ("text", args.texts)):
        vectors = np.load(path)
        queries[kind] = vectors[np.sort(rng.permutation(len(vectors))[:QUERIES])]
    for kind, vectors in queries.items():
        np.save(args.folder / f"{kind}.npy", adapter(vectors.astype(np.float32), kind))
    write_rows(args.folder / "vectors.npy", rows[QUERIES:], args.count, rng)


if __name__ == "__main__":
    main()
