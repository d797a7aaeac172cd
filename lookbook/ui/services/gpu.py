"""A Space with a borrowed GPU (ZeroGPU) lends it to decorated functions only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable)


def on_gpu(function: F) -> F:
    """`function` with the Space's GPU where there is one to borrow, and as it is elsewhere.

    Call it before torch is imported: `spaces` has to come first.
    """
    try:
        import spaces
    except ImportError:
        return function
    return spaces.GPU(function)
