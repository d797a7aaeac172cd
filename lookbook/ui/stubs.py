"""gradio without what costs every start of the site more than a second.

For every class of components gradio parses the source file and renders a .pyi file beside it, for
editors (`gradio.component_meta.create_or_modify_pyi`), also for its own classes when it is
imported. It skips classes for which `inspect.getfile` raises OSError.

gradio also imports mcp, which it can do without until a tool is asked for (`with_mcp`), and fills
in names of components in the descriptions of their events by jinja2, which compiles each anew.
httpx does without its command, and jsonschema without rfc3987_syntax, whose grammar of addresses
takes long to build. pandas (for data frames that a site might cache), the commands of gradio and
its workflows are imported where they are first used, which the site never does.

And it makes a server of a site at its creation, at its end, for its queue and for its launch, and
imports matplotlib at the first event, for functions that plot.
"""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import jinja2

_MISSING = ("rfc3987_syntax", "httpx._main", "mcp")
# with the functions that are taken by name
_LATER = {"pandas": (), "gradio.cli": ("deploy",), "gradio.workflow": ("Workflow",)}


class LaterModule(ModuleType):
    """Stands for a module that is imported when something of it is first used."""

    def __init__(self, name: str, functions: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        for function in functions:
            setattr(self, function, functools.partial(self._call, function))

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
    collects = gc.isenabled()
    gc.disable()
    try:
        with _left_out(stand_ins), no_stubs(), _templates_once():
            yield
        _plot_nothing()
    finally:
        if collects:
            gc.enable()
        gc.freeze()


@contextmanager
def _templates_once() -> Iterator[None]:
    """Make modules that are imported in this context compile each template of jinja2 once."""
    original = jinja2.Template
    jinja2.Template = functools.cache(original)  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        jinja2.Template = original  # type: ignore[misc]


def with_mcp() -> ModuleType:
    """Return gradio.mcp with the package mcp, which `quick_imports` left out."""
    with _left_out({name: None for name in _MISSING if name != "mcp"}):
        return importlib.reload(importlib.import_module("gradio.mcp"))


@contextmanager
def _left_out(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Give modules that are not imported yet other ones in this context, None for none at all."""
    stand_ins = {name: one for name, one in stand_ins.items() if name not in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, one in stand_ins.items():
            if name in sys.modules and sys.modules[name] is one:
                del sys.modules[name]


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
