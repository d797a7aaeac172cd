"""Locate the model, index and example photos that Lookbook ships, and its folder for caches.

A checkout keeps them at its top (`models/`, `index/`, `examples/`); the wheel carries copies in
this package (see `tool.hatch.build.targets.wheel.sources` in pyproject.toml).
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def shipped(name: str) -> Path:
    """Return the path of a shipped folder, of the installed copy or of the checkout.

    `name` is relative to the top of the repository, such as "models/lookbook-resnet50". The path
    does not exist where neither holds it.
    """
    installed = _PACKAGE / name
    return installed if installed.exists() else _CHECKOUT / name


def cache_folder(name: str) -> Path:
    """Return the folder for what can be made anew, by user; it may not exist yet.

    It lies in $XDG_CACHE_HOME or else in ~/.cache.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lookbook" / name
