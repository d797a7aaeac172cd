"""Old names that are accepted for one release, with a warning that says the new one."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

C = TypeVar("C", bound=type)


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Issue the DeprecationWarning of a name that was renamed."""
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=stacklevel)


def warn_renamed_on_command_line(old: str, new: str) -> None:
    """Issue the warning so that it is shown: by default Python hides those of imported modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", DeprecationWarning)
        warn_renamed(old, new)


def renamed_arguments(**names: str) -> Callable[[C], C]:
    """Let a class take old keyword arguments, and be read by them: `old="new"` for each."""

    def decorate(cls: C) -> C:
        init = cls.__init__  # type: ignore[misc]

        @functools.wraps(init)
        def accepting(self: Any, *args: Any, **kwargs: Any) -> None:
            for old in names.keys() & kwargs.keys():
                warn_renamed(f"{cls.__name__}({old}=...)", f"{cls.__name__}({names[old]}=...)")
                kwargs[names[old]] = kwargs.pop(old)
            init(self, *args, **kwargs)

        cls.__init__ = accepting  # type: ignore[misc]
        for old, new in names.items():
            setattr(cls, old, _renamed_attribute(cls.__name__, old, new))
        return cls

    return decorate


def _renamed_attribute(owner: str, old: str, new: str) -> property:
    def read(self: Any) -> Any:
        warn_renamed(f"{owner}.{old}", f"{owner}.{new}")
        return getattr(self, new)

    return property(read, doc=f"Old name of `{new}`.")


class MovedModules(MetaPathFinder, Loader):
    """Import modules by their old names: `moved` maps them to the new ones.

    `renamed` maps "old.module.name" to the name that it has in the new module.
    """

    def __init__(self, moved: Mapping[str, str], renamed: Mapping[str, str]) -> None:
        self.moved, self.renamed = moved, renamed

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for an old name, None for any other."""
        return ModuleSpec(fullname, self) if fullname in self.moved else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module of an old name with what the new one holds."""
        old = module.__name__
        warn_renamed(old, self.moved[old])
        new = importlib.import_module(self.moved[old])
        public = {name: value for name, value in vars(new).items() if not name.startswith("__")}
        vars(module).update(public)
        for name, current in self.renamed.items():
            package, _, attribute = name.rpartition(".")
            if package == old:
                setattr(module, attribute, getattr(new, current))


def rename_options(arguments: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Replace the old options of a command line, warning of each: `{"--old": "--new"}`.

    `--old value` and `--old=value` are understood; what follows `--` is left as it is.
    """
    renamed = []
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if "--" in arguments[:position] or option not in names:
            renamed.append(argument)
            continue
        warn_renamed_on_command_line(option, names[option])
        renamed.append(names[option] + equals + value)
    return renamed
