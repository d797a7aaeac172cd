"""Where a benchmark writes: a folder that is kept, or one that goes with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(kept: str | None) -> Iterator[Path]:
    """Yield the folder `kept`, or without it a temporary one that is removed at the end."""
    if kept:
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
