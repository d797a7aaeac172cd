"""What indexing computed of a finished catalogue and stored beside it; None where it did not."""

from __future__ import annotations

import numpy as np

from lookbook.search.index import Index
from lookbook.search.per_index import per_index


@per_index
def projection_2d(index: Index) -> np.ndarray | None:
    """Return float32 (n, 2) within -1 to 1, similar items near each other; raises IndexCorrupt."""
    return index.generation.read_array("map.npy", (len(index), 2), np.float32)


@per_index
def evaluation(index: Index) -> dict[str, object] | None:
    """Return figures and bias audit as `evaluation.index_report` gave them; raises IndexCorrupt."""
    return index.generation.read_json("evaluation.json", _dictionary)


def _dictionary(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    return value
