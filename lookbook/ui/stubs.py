"""gradio without its type stubs, which cost every start of the site a second.

Whenever a class of component is made, gradio parses its source three times and renders a .pyi file
beside it, for editors. It does without for a class whose source file is not known.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_stubs() -> Iterator[None]:
    """Classes of components that are made in here get no stub."""
    known = inspect.getfile

    def getfile(thing: object) -> str:
        if type(thing).__name__ == "ComponentMeta":  # its own name: gradio is not imported yet
            raise OSError("no stub is wanted")
        return known(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = known
