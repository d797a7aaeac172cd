"""What the README once told to import is found for one release, with a warning."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

OLD = [
    ("lookbook.query", "run", "lookbook.search.query"),
    ("lookbook.query", "Query", "lookbook.search.query"),
    ("lookbook.links", "to_params", "lookbook.search.permalinks"),
    ("lookbook.focus", "find_garment", "lookbook.encoding.localization"),
    ("lookbook.explain", "why", "lookbook.encoding.attribution"),
    ("lookbook.filters", "parse_where", "lookbook.schema.filters"),
]


@pytest.mark.parametrize(("old", "name", "new"), OLD)
def test_an_old_module_gives_the_new_one_and_says_so(old, name, new, monkeypatch):
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {new}") as caught:
        module = importlib.import_module(old)
    assert len(caught) == 1
    now = {"why": "attribution_maps"}.get(name, name)
    assert getattr(module, name) is getattr(importlib.import_module(new), now)
    with pytest.raises(AttributeError):
        _ = module.never_there


def test_the_warning_points_at_the_line_that_imports(monkeypatch):
    monkeypatch.delitem(sys.modules, "lookbook.links", raising=False)
    with pytest.warns(DeprecationWarning) as caught:
        from lookbook.links import from_params  # noqa: F401
    assert caught[0].filename == __file__


def test_names_of_packages_that_stayed_are_where_they_were():
    from lookbook import Encoder, Hit, Index
    from lookbook.outfits import complete
    from lookbook.search import Query, run

    assert callable(run)
    assert Query and Index
    assert callable(complete)
    assert Encoder and Hit


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        importlib.import_module("lookbook.nowhere")


def test_importing_lookbook_loads_neither_torch_nor_gradio():
    code = "import lookbook, lookbook.search, lookbook.outfits, sys; "
    code += "print([m for m in ('torch', 'transformers', 'gradio', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
