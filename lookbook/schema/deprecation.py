"""Old names that are accepted for one release, with a warning that says the new one."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

C = TypeVar("C", bound=type)


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Issue the DeprecationWarning of a name that was renamed."""
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=stacklevel)


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


def rename_options(
    arguments: Sequence[str], names: Mapping[str, str], stacklevel: int = 2
) -> list[str]:
    """Replace the old options of a command line, warning of each: `{"--old": "--new"}`.

    `--old value` and `--old=value` are understood; what follows `--` is left as it is. The warning
    is attributed to the caller, or `stacklevel - 2` frames further up.
    """
    renamed = []
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if "--" in arguments[:position] or option not in names:
            renamed.append(argument)
            continue
        warn_renamed(option, names[option], stacklevel + 1)
        renamed.append(names[option] + equals + value)
    return renamed
