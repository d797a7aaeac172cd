"""gradio's stub files, servers and imports: none that the site does not need, others as ever."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import lookbook.ui
from lookbook.ui.stubs import no_servers, no_stubs

SOURCE = """import gradio as gr

class Ours(gr.HTML):
    pass
"""


@pytest.mark.parametrize("skipped", [True, False])
def test_a_component_gets_a_stub_only_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skipped: bool
) -> None:
    file = tmp_path / "ours_alone.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("ours_alone", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ours_alone", module)  # where inspect looks for the file
    with no_stubs() if skipped else nullcontext():
        spec.loader.exec_module(module)
    assert module.Ours("<b>as it is</b>").value == "<b>as it is</b>"
    written = file.with_suffix(".pyi").exists()
    if skipped:
        assert not written, (
            "gradio wrote a stub in spite of no_stubs(): it no longer asks inspect.getfile. Every "
            "start of the site is a second slower; see gradio.component_meta for what it asks."
        )
    else:
        assert written, "gradio writes no stubs any more: remove lookbook/ui/stubs.py"


def test_importing_the_site_writes_no_stubs() -> None:
    """All component classes must be made while lookbook.ui is imported, inside no_stubs()."""
    stubs = sorted(Path(lookbook.ui.__file__).parent.rglob("*.pyi"))
    assert stubs == [], (
        "written by gradio outside no_stubs(), now or before: delete them, run again"
    )


def test_files_of_other_classes_are_known_inside_and_of_all_after() -> None:
    from lookbook.search.query import Query
    from lookbook.ui.components.gallery import Gallery

    with no_stubs():
        assert inspect.getfile(Query).endswith("query.py")
        with pytest.raises(OSError, match="stub"):
            inspect.getfile(Gallery)
    assert inspect.getfile(Gallery).endswith("gallery.py")


def test_the_site_is_imported_without_what_it_does_not_need() -> None:
    slow = ["torch", "transformers", "rfc3987_syntax", "sklearn", "matplotlib"]
    code = f"import sys, lookbook.ui; print([name for name in {slow} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr


def test_a_site_has_a_server_only_once_it_is_launched() -> None:
    import gradio as gr

    with no_servers(), gr.Blocks() as site:
        site.queue()
    assert site.app is None, "gradio makes servers in spite of no_servers(): a start is slower"
    site.queue()
    assert site.app is not None
