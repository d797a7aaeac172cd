"""Memoise what is derived from an opened index: built once, for all threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import RLock
from typing import Protocol, TypeVar

T = TypeVar("T")


class HasDerived(Protocol):
    """An object that keeps what was derived from it; `Index` is one."""

    derived: dict[str, object]
    derived_lock: RLock


I = TypeVar("I", bound=HasDerived)  # noqa: E741


def per_index(build: Callable[[I], T]) -> Callable[[I], T]:
    """Return `build` with its result kept on the index that it was called with.

    Safe from any number of threads: the first caller builds, the others wait for it. An error is
    raised to the caller and not kept. The result lives as long as the index.
    """
    name = f"{build.__module__}.{build.__qualname__}"

    @functools.wraps(build)
    def derived(index: I) -> T:
        if name not in index.derived:
            with index.derived_lock:
                if name not in index.derived:
                    index.derived[name] = build(index)
        return index.derived[name]  # type: ignore[return-value]

    return derived
