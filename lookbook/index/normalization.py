"""Scale vectors to norm 1, all of them or those that are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_BLOCK_ROWS = 4096


def unit_vectors(vectors: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return float32 vectors (..., dim) of L2 norm 1; a vector of zeros stays as it is."""
    vectors = np.asarray(vectors, np.float32)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny))


class UnitRows:
    """Vectors (n, dim) as float32 of L2 norm 1, each scaled when it is read.

    So that whatever compares items does so by one array in memory, `array`, of vectors of any
    length, and by what they are multiplied, `scale` (n,). Of these the `columns` count, bool; None:
    all. For reading only.
    """

    ndim = 2

    def __init__(
        self,
        array: np.ndarray[Any, np.dtype[Any]],
        columns: np.ndarray[Any, np.dtype[np.bool_]] | None = None,
    ) -> None:
        self.array = array
        self._columns = slice(None) if columns is None else _as_slice(columns)
        self.shape = len(array), array.shape[1] if columns is None else int(columns.sum())
        self.scale = np.empty(len(array), np.float32)
        for rows in self._blocks():
            norms = np.linalg.norm(self._read(rows), axis=1)
            self.scale[rows] = 1 / np.maximum(norms, np.finfo(np.float32).tiny)

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self.array)

    def __getitem__(self, rows: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Return float32 (..., dim) for a row number, an array of them or a slice."""
        return np.asarray(self._read(rows) * self.scale[rows][..., None])

    def __matmul__(self, vector: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
        """Return float32 (n,), the products with a vector (dim,)."""
        products = [self._read(rows) @ vector for rows in self._blocks()]
        return np.asarray(np.concatenate(products) * self.scale)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return all of them, a copy."""
        result = np.empty(self.shape, dtype or np.float32)
        for rows in self._blocks():
            result[rows] = self[rows]
        return result

    def _read(self, rows: Any) -> np.ndarray[Any, np.dtype[Any]]:
        return np.asarray(self.array[rows][..., self._columns], np.float32)

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self.array), _BLOCK_ROWS):
            yield slice(start, start + _BLOCK_ROWS)


def _as_slice(columns: np.ndarray[Any, np.dtype[np.bool_]]) -> Any:
    """Return the numbers of columns; a slice, which copies nothing, where none lies between."""
    numbers = np.flatnonzero(columns)
    adjoin = len(numbers) and numbers[-1] - numbers[0] + 1 == len(numbers)
    return slice(int(numbers[0]), int(numbers[-1]) + 1) if adjoin else numbers
