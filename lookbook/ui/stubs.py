"""gradio without its type stubs, which cost every start of the site more than a second.

For every class of components gradio parses the source file and renders a .pyi file beside it, for
editors (`gradio.component_meta.create_or_modify_pyi`), also for its own classes when it is
imported. It skips classes for which `inspect.getfile` raises OSError.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_stubs() -> Iterator[None]:
    """Make gradio skip the stub of each class of components that is created in this context."""
    original = inspect.getfile

    def getfile(thing: Any) -> str:
        if type(thing).__name__ == "ComponentMeta":  # by name: gradio is not imported yet
            raise OSError("no stub is wanted")
        return original(thing)

    inspect.getfile = getfile  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = original
