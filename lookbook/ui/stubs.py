"""gradio without what costs every start of the site more than a second.

For every class of components gradio parses the source file and renders a .pyi file beside it, for
editors (`gradio.component_meta.create_or_modify_pyi`), also for its own classes when it is
imported. It skips classes for which `inspect.getfile` raises OSError.

gradio also imports mcp, and that jsonschema, which builds the grammar of addresses of
rfc3987_syntax where another package has installed it. jsonschema does without where it is missing.

And it makes a server of a site at its creation, at its end, for its queue and for its launch.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_GRAMMAR = "rfc3987_syntax"


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import gradio in this context without its stubs, and without a grammar of addresses."""
    is_new = _GRAMMAR not in sys.modules
    if is_new:
        sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # not importable
    try:
        with no_stubs():
            yield
    finally:
        if is_new:
            del sys.modules[_GRAMMAR]


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


@contextmanager
def no_servers() -> Iterator[None]:
    """Make gradio skip the servers that it makes of sites in this context; `launch` makes one."""
    from gradio import blocks

    class NoApp:
        @staticmethod
        def create_app(*args: Any, **kwargs: Any) -> None:
            """Make nothing."""

    original = blocks.App
    blocks.App = NoApp  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        blocks.App = original  # type: ignore[misc]
