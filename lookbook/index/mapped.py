"""Memory-mapped arrays."""

from __future__ import annotations

import mmap

import numpy as np


def release_pages(array: object) -> None:
    """Give what was read of a memory-mapped array back to the system; the array stays as it is.

    For after one pass over a large file: its pages count as this process's memory until they are
    given back. They are mapped again where they are read again. Any other array keeps its memory.
    """
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        array.madvise(mmap.MADV_DONTNEED)
