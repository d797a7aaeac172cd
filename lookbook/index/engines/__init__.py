"""Engines for nearest neighbours, one file each, behind one registry (`contract`).

To add one, write a module here with a subclass of `Engine` under the decorator `register`. Nothing
else changes: the registry imports every module of this package, and the options `--engine`, the
manifest and the contract tests ask the registry for the names.
"""

from lookbook.index.engines.contract import (
    METRICS,
    Engine,
    FilteringEngine,
    build_engine,
    check_metric,
    check_options,
    get_engine,
    names,
    open_engine,
    register,
    serving_choices,
)

__all__ = [
    "METRICS",
    "Engine",
    "FilteringEngine",
    "build_engine",
    "check_metric",
    "check_options",
    "get_engine",
    "names",
    "open_engine",
    "register",
    "serving_choices",
]
