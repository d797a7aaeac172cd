"""Hold numpy's products to one thread for the few queries that somebody waits for.

The threads of a product wait busily for some 30 ms after it (OpenBLAS), and take a core from the
encoder: on two cores the next photo took twice as long.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_FEW = 8  # queries at once; products of more gain from threads
# Whoever holds it limits the pool, which is the whole process's: a second limit would begin at one
# thread, take that for what there was before, and leave it so.
_limiting = threading.Lock()


@functools.cache
def _pools() -> Any:
    """Return what sets the threads of the libraries that are loaded; finding them takes 2 ms."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


@contextmanager
def threads_for(queries: int) -> Iterator[None]:
    """Let products compute on one thread meanwhile if `queries` are few, else on all.

    Where several threads of Python search at once, the first one decides for all.
    """
    if queries > _FEW or not _limiting.acquire(blocking=False):
        yield
        return
    try:
        with _pools().limit(limits=1):
            yield
    finally:
        _limiting.release()
