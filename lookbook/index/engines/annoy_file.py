"""Annoy's file: its validation, as Annoy follows its numbers without looking, and its vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookbook.index.engines.contract import Array, check_metric
from lookbook.index.errors import IndexCorrupt

# int32 words of a node before its floats, and the first of these that is a child, by metric
_LAYOUT = {"angular": (3, 1), "euclidean": (4, 2), "dot": (4, 1)}
_SAMPLE = 64


def validate_annoy_file(path: Path, dim: int, metric: str, count: int) -> None:
    """Check that every link of the forest stays inside the file and leads downwards.

    A wrong dimension or one flipped bit would crash Annoy. Node layout of annoy 1.17: int32 words,
    first the number of items below, then the children (after one more word for euclidean), the
    `dim` floats last; items come first, each node after its children, copies of the roots at the
    end. Raises IndexCorrupt.
    """
    check_metric(metric)
    header, first_child = _LAYOUT[metric]
    words = header + dim
    size = path.stat().st_size
    fewest = 4 * words * (count + 2)
    if size % (4 * words) or size < fewest:
        raise IndexCorrupt(
            f"{path.name} has {size} bytes: expected a multiple of {4 * words} and at least "
            f"{fewest}, as {count} {metric} vectors of dimension {dim} need"
        )
    nodes: Array = np.memmap(path, np.int32, "r").reshape(-1, words)
    if (nodes[:count, 0] != 1).any() or nodes[-1, 0] != count:
        raise IndexCorrupt(
            f"{path.name} is not a forest of {count} {metric} vectors of dimension {dim}: "
            f"its root counts {nodes[-1, 0]} items"
        )
    _check_links(path.name, nodes, count, first_child)


def map_vectors(path: Path, vectors: Array, metric: str) -> Array | None:
    """Map float32 (n, dim), the vectors in a validated file that was built of `vectors`.

    None where a sample of them is not the same: another version of Annoy may keep them otherwise.
    """
    header = _LAYOUT[metric][0]
    count, dim = vectors.shape
    nodes: Array = np.memmap(path, np.float32, "r").reshape(-1, header + dim)
    mapped: Array = nodes[:count, header:]
    sample = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)
    same = np.array_equal(mapped[sample], np.asarray(vectors[sample], np.float32))
    return mapped if same else None


def _check_links(name: str, nodes: Array, count: int, first_child: int) -> None:
    capacity = nodes.shape[1] - first_child  # a node with no more items than this lists them
    below = np.array(nodes[count:, 0])
    splits = np.flatnonzero(below > capacity) + count
    children = nodes[splits, first_child : first_child + 2]
    valid = bool((below >= 1).all() and (below <= count).all())
    valid &= bool((children >= 0).all() and (children < splits[:, None]).all())
    for start in range(0, len(below), 4096):
        part = below[start : start + 4096]
        listed = np.where(part > capacity, 0, part)[:, None] > np.arange(capacity)
        items = nodes[count + start : count + start + len(part), first_child:][listed]
        valid &= bool((items >= 0).all() and (items < count).all())
    if not valid:
        raise IndexCorrupt(f"{name} has links that lead outside its {len(nodes)} nodes")
