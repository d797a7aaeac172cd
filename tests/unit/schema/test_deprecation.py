"""Old names of modules are accepted, with a warning that says the new one."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("old", "name", "new", "current"),
    [
        ("lookbook.query", "Query", "lookbook.search.query", "Query"),
        ("lookbook.query", "run", "lookbook.search.query", "run"),
        ("lookbook.focus", "find_garment", "lookbook.encoding.localization", "find_garment"),
        ("lookbook.explain", "why", "lookbook.encoding.attribution", "attribution_maps"),
        ("lookbook.links", "NAMES", "lookbook.search.permalinks", "NAMES"),
    ],
)
def test_a_module_that_moved_is_imported_by_its_old_name(old, name, new, current):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {new}"):
        module = importlib.import_module(old)
    assert getattr(module, name) is getattr(importlib.import_module(new), current)


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lookbook.nothing")
