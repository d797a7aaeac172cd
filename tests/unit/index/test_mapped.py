"""Pages of a memory-mapped array that are given back are read again where they are needed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lookbook.index.engines.exact import ExactEngine
from lookbook.index.mapped import release_pages
from tests.tiny_index import random_vectors


def mapped_kilobytes(path: Path) -> int:
    """Return how much of a file is in the memory of this process."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    [start] = [number for number, line in enumerate(lines) if line.endswith(str(path))]
    sizes = [line.split() for line in lines[start:] if line.startswith("Rss:")]
    return int(sizes[0][1])


@pytest.fixture
def vectors(tmp_path: Path) -> np.ndarray:
    """float16 (4000, 64), memory-mapped: 500 kB."""
    np.save(tmp_path / "vectors.npy", random_vectors(4000, 64).astype(np.float16))
    return np.load(tmp_path / "vectors.npy", mmap_mode="r")


needs_smaps = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/smaps")


@needs_smaps
def test_a_view_gives_back_what_was_read_and_can_be_read_again(
    vectors: np.ndarray, tmp_path: Path
) -> None:
    before = vectors.sum(dtype=np.float64)
    assert mapped_kilobytes(tmp_path / "vectors.npy") >= 500
    release_pages(vectors[:10])
    assert mapped_kilobytes(tmp_path / "vectors.npy") == 0
    assert vectors.sum(dtype=np.float64) == before


@needs_smaps
def test_exact_search_keeps_its_own_vectors_alone(vectors: np.ndarray, tmp_path: Path) -> None:
    engine, queries = ExactEngine(vectors, "angular"), random_vectors(2, 64, seed=1)
    rows, scores = engine.search(queries, 5)
    assert mapped_kilobytes(tmp_path / "vectors.npy") == 0
    again, close = ExactEngine(np.array(vectors), "angular").search(queries, 5)
    assert (rows == again).all() and (scores == close).all()


def test_an_array_in_memory_stays() -> None:
    array = np.arange(9.0)
    release_pages(array)
    assert array.tolist() == list(range(9))
