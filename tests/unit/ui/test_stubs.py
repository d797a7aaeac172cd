"""gradio's stub files: none of ours, and the rest of Python does not notice."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from lookbook.ui.stubs import no_stubs

SOURCE = """import gradio as gr

class Ours(gr.HTML):
    pass
"""


@pytest.mark.parametrize("quiet", [True, False])
def test_a_component_gets_a_stub_only_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    file = tmp_path / "ours_alone.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("ours_alone", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ours_alone", module)  # where inspect looks for the file
    with no_stubs() if quiet else nullcontext():
        spec.loader.exec_module(module)
    assert module.Ours("<b>as it is</b>").value == "<b>as it is</b>"
    assert file.with_suffix(".pyi").exists() != quiet


def test_files_of_other_classes_are_known_inside_and_of_all_after() -> None:
    from lookbook.search.query import Query
    from lookbook.ui.components.gallery import Gallery

    with no_stubs():
        assert inspect.getfile(Query).endswith("query.py")
        with pytest.raises(OSError, match="stub"):
            inspect.getfile(Gallery)
    assert inspect.getfile(Gallery).endswith("gallery.py")
