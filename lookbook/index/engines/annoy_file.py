"""What a file of Annoy must look like to be safe to open; Annoy itself does not look."""

from __future__ import annotations

from pathlib import Path

import numpy as np

METRICS = ("angular", "euclidean", "dot")


class IndexCorrupt(ValueError):  # noqa: N818
    """A file of the index is not what its manifest says; the message holds both values."""


def check_metric(metric: str) -> None:
    """Raise ValueError, naming the metrics there are, if `metric` is not one of them."""
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}: expected one of {', '.join(METRICS)}")


def validate_annoy_file(path: Path, dim: int, metric: str, count: int) -> None:
    """Check that every link of the forest stays inside the file and leads downwards.

    Annoy follows the numbers in the file without looking, so a wrong dimension or one flipped bit
    is a crash. Node layout of annoy 1.17: int32 words, the number of items below first, children
    after it (after one more word for euclidean), dim floats last; items come first, each node
    after its children, copies of the roots at the end. Raises IndexCorrupt.
    """
    check_metric(metric)
    header, first_child = {"angular": (3, 1), "euclidean": (4, 2), "dot": (4, 1)}[metric]
    words = header + dim
    size = path.stat().st_size
    fewest = 4 * words * (count + 2)
    if size % (4 * words) or size < fewest:
        raise IndexCorrupt(
            f"{path.name} has {size} bytes: expected a multiple of {4 * words} and at least "
            f"{fewest}, as {count} {metric} vectors of dimension {dim} need"
        )
    nodes = np.memmap(path, np.int32, "r").reshape(-1, words)
    if (nodes[:count, 0] != 1).any() or nodes[-1, 0] != count:
        raise IndexCorrupt(
            f"{path.name} is not a forest of {count} {metric} vectors of dimension {dim}: "
            f"its root counts {nodes[-1, 0]} items"
        )
    _check_links(path.name, nodes, count, first_child)


def _check_links(name: str, nodes: np.ndarray, count: int, first_child: int) -> None:
    room = nodes.shape[1] - first_child  # a node with no more items than this lists them
    below = np.array(nodes[count:, 0])
    splits = np.flatnonzero(below > room) + count
    children = nodes[splits, first_child : first_child + 2]
    good = (below >= 1).all() and (below <= count).all()
    good &= bool((children >= 0).all() and (children < splits[:, None]).all())
    for start in range(0, len(below), 4096):
        part = below[start : start + 4096]
        listed = np.where(part > room, 0, part)[:, None] > np.arange(room)
        items = nodes[count + start : count + start + len(part), first_child:][listed]
        good &= bool((items >= 0).all() and (items < count).all())
    if not good:
        raise IndexCorrupt(f"{name} has links that lead outside its {len(nodes)} nodes")
