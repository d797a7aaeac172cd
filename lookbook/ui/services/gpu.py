"""ZeroGPU: a Space lends its GPU only to decorated functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def on_gpu(function: F) -> F:
    """Return `function` decorated to run on the Space's GPU, or unchanged outside ZeroGPU.

    Call it before torch is imported: the package `spaces` has to come first.
    """
    try:
        import spaces
    except ImportError:
        return function
    return spaces.GPU(function)
