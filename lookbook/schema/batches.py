"""Any iterable in lists of a bounded length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size`, the last one shorter."""
    remaining = iter(values)
    while batch := list(islice(remaining, size)):
        yield batch
