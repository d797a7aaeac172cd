"""Scale vectors to norm 1."""

from __future__ import annotations

from typing import Any

import numpy as np


def unit_vectors(vectors: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return float32 vectors (..., dim) of L2 norm 1; a vector of zeros stays as it is."""
    vectors = np.asarray(vectors, np.float32)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny))
