"""Does the shipped encoder keep its neighbours in int8? Needs `pip install nncf`.

python -m benchmarks.int8 --photos SHOP      (any catalogue that embed.py takes)

Post-training quantization of the OpenVINO graph, calibrated on street shots of the house
collection, with parts of the network left in float32. `overlap` is the share of the ten nearest
photos of a photo that float32 gives, too. Appends to int8.csv; docs/NUMBERS.md says what came out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import append
from house_collection import products, street_shot
from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.encoding.backends.openvino_backend import OpenVinoBackend, graph_file
from lookbook.evaluation.retrieval import decodable_items, nearest_rows

RESULTS = Path(__file__).with_name("int8.csv")
COLUMNS = (
    *("date", "machine", "encoder", "revision", "calibration", "photos", "variant"),
    *("cosine", "lowest", "overlap", "query_overlap"),
)
_BATCH = 32
# what stays in float32, by parts of the names of convolutions; the heads are no convolutions
VARIANTS: dict[str, tuple[str, ...] | None] = {
    "all in int8": None,
    "heads in float32": (),
    "heads and first layer": ("embedder",),
    "heads, first layer, stage 4": ("embedder", "stages.3"),
    "heads, first layer, stages 1 and 4": ("embedder", "stages.0", "stages.3"),
    "heads, first layer, stages 3 and 4": ("embedder", "stages.2", "stages.3"),
}


def quantized(graph: Any, calibration: np.ndarray, in_float32: tuple[str, ...] | None) -> Any:
    """Return a graph in int8, calibrated on pixels (n, size, size, 3); see VARIANTS."""
    import nncf

    names = []
    if in_float32 is not None:
        for op in graph.get_ordered_ops():
            kind, name = op.get_type_name(), op.get_friendly_name()
            kept = kind == "Convolution" and any(part in name for part in in_float32)
            names += [name] if kept or kind == "MatMul" else []
    return nncf.quantize(
        graph,
        nncf.Dataset([pixels[None] for pixels in calibration]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=names),
    )


def embedded(backend: OpenVinoBackend, pixels: np.ndarray) -> np.ndarray:
    """Return float32 (n, dim) of norm 1."""
    starts = range(0, len(pixels), _BATCH)
    vectors = np.concatenate([backend.embed(pixels[i : i + _BATCH]) for i in starts])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def overlap(queries: np.ndarray, gallery: np.ndarray, expected: np.ndarray) -> float:
    """Return the share of the ten nearest others (n, 10) of each row that `expected` has, too."""
    found = neighbours(queries, gallery)
    return float(np.mean([np.isin(f, e).mean() for f, e in zip(found, expected, strict=True)]))


def neighbours(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Return int (n, 10): the rows of `gallery` nearest to each of `queries` but its own."""
    rows = nearest_rows(queries, gallery, 11)
    return np.stack([ranked[ranked != row][:10] for row, ranked in enumerate(rows)])


def variants(graph_path: str, calibration: np.ndarray) -> Iterator[tuple[str, OpenVinoBackend]]:
    """Yield bfloat16, for comparison, and each of VARIANTS."""
    import openvino

    yield "bfloat16", OpenVinoBackend(graph_path, "bfloat16")
    for name, in_float32 in VARIANTS.items():
        graph = openvino.Core().read_model(graph_path)
        yield name, OpenVinoBackend(quantized(graph, calibration, in_float32), "float32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True)
    parser.add_argument("--count", type=int, default=1500, help="photos to compare")
    parser.add_argument("--calibration", type=int, default=256, help="street shots")
    args = parser.parse_args()
    encoder = Encoder.load(precision="float32", device="cpu", backend="openvino")
    preprocess = encoder.preprocessing.preprocess
    drawn = products(args.calibration, 11)
    calibration = np.stack([preprocess(street_shot(p, n)) for n, p in enumerate(drawn)])
    items = list(open_catalog(args.photos))[: args.count]
    pixels = np.stack([preprocess(data) for _, _, data in decodable_items(items)])
    key = f"{encoder.revision}-{encoder.preprocessing.hash}-{encoder.pooling}"
    path = str(graph_file(key))
    true = embedded(OpenVinoBackend(path, "float32"), pixels)
    expected = neighbours(true, true)
    about = {"encoder": encoder.name, "revision": encoder.revision, "photos": len(pixels)}
    for name, backend in variants(path, calibration):
        vectors = embedded(backend, pixels)
        cosines = (vectors * true).sum(axis=1)
        figures = {
            "cosine": cosines.mean(),
            "lowest": cosines.min(),
            "overlap": overlap(vectors, vectors, expected),
            "query_overlap": overlap(vectors, true, expected),
        }
        row = about | {"calibration": args.calibration, "variant": name}
        append(RESULTS, COLUMNS, row | {n: f"{v:.4f}" for n, v in figures.items()})
        print(name, figures, flush=True)


if __name__ == "__main__":
    main()
