"""gradio without what costs every start of the site more than a second.

For every class of components gradio parses the source file and renders a .pyi file beside it, for
editors (`gradio.component_meta.create_or_modify_pyi`), also for its own classes when it is
imported. It skips classes for which `inspect.getfile` raises OSError.

gradio also imports mcp, and that jsonschema, which builds the grammar of addresses of
rfc3987_syntax where another package has installed it. jsonschema does without where it is missing,
as httpx does without its command. pandas (for data frames that a site might cache) and the commands
of gradio are imported where they are first used, which the site never does.

And it makes a server of a site at its creation, at its end, for its queue and for its launch, and
imports matplotlib at the first event, for functions that plot.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from types import ModuleType
from typing import Any

_MISSING = ("rfc3987_syntax", "httpx._main")
_LATER = {"pandas": (), "gradio.cli": ("deploy",)}  # with the functions that are taken by name


class LaterModule(ModuleType):
    """Stands for a module that is imported when something of it is first used."""

    def __init__(self, name: str, functions: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        for function in functions:
            setattr(self, function, partial(self._call, function))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self._imported(), name)

    def _call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._imported(), function)(*args, **kwargs)

    def _imported(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:  # used while it still stands there
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import gradio in this context without what the site does not use of it.

    Without garbage collections, too, that walk through all modules again and again; later ones
    leave alone what there is at the end (see `gc.unfreeze`).
    """
    stand_ins: dict[str, ModuleType | None] = dict.fromkeys(_MISSING)  # None: not importable
    stand_ins |= {name: LaterModule(name, functions) for name, functions in _LATER.items()}
    stand_ins = {name: one for name, one in stand_ins.items() if name not in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    collects = gc.isenabled()
    gc.disable()
    try:
        with no_stubs():
            yield
        _plot_nothing()
    finally:
        for name, one in stand_ins.items():
            if name in sys.modules and sys.modules[name] is one:
                del sys.modules[name]
        if collects:
            gc.enable()
        gc.freeze()


def _plot_nothing() -> None:
    from gradio import utils

    utils.MatplotlibBackendMananger = nullcontext  # type: ignore[assignment, misc]


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
