"""gradio's stub files, servers and imports: none that the site does not need, others as ever."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

import lookbook.ui
from lookbook.ui.stubs import no_servers, no_stubs
from tests.ports import free_port
from tests.tiny_index import publish_tiny

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
        assert inspect.getfile(Query).endswith("query_parts.py")
        with pytest.raises(OSError, match="stub"):
            inspect.getfile(Gallery)
    assert inspect.getfile(Gallery).endswith("gallery.py")


UNNEEDED = ("torch", "transformers", "openvino", "matplotlib", "pandas", "scipy", "sklearn")
UNNEEDED += ("implicit", "faiss", "rfc3987_syntax", "httpx._main", "gradio.cli", "gradio.workflow")
UNNEEDED += ("mcp",)
FIRST_EVENT = """
import json, os, sys, urllib.request
from lookbook.commands import app
import lookbook.ui
from lookbook.ui import serving, site

def ask(path, body=None):
    request = urllib.request.Request(served.local_url + "gradio_api/queue/" + path, body)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=300) as answer:
        return b"".join(iter(answer.readline, b""))

def first_event(site):
    global served
    served = site
    [event] = [f._id for f in site.fns.values() if f.name == "load_visitor"]
    body = {"data": [""], "fn_index": event, "session_hash": "first"}
    ask("join", json.dumps(body).encode())
    assert b'"success":true' in ask("data?session_hash=first").replace(b" ", b"")
    print([name for name in %(names)s if name in sys.modules], flush=True)
    os._exit(0)

site._WARM_UP_DELAY = 3600.0
serving.block_until_stopped = first_event
app.main(sys.argv[1:])
"""


def _imported(code: str, names: Sequence[str]) -> str:
    """Run a program; return which of these modules it imported, as a list is printed."""
    return _last_line(f"{code}; import sys; print([n for n in {names} if n in sys.modules])")


def _last_line(code: str, *args: str) -> str:
    command = [sys.executable, "-c", code, *args]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().splitlines()[-1]


def test_the_site_starts_and_answers_an_event_without_what_it_does_not_need(tmp_path: Path) -> None:
    publish_tiny(tmp_path / "index")
    args = ["--index", str(tmp_path / "index"), "--state", str(tmp_path / "state")]
    args += ["--port", str(free_port())]
    assert _last_line(FIRST_EVENT % {"names": UNNEEDED}, *args) == "[]"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("from gradio.caching import pd; assert pd.DataFrame({'a': [1]}).a[0] == 1", "pandas"),
        ("import pandas; assert pandas.DataFrame({'a': [1]}).a[0] == 1", "pandas"),
        (
            "from gradio.workflow import Workflow; assert isinstance(Workflow, type)",
            "gradio.workflow",
        ),
        ("lookbook.ui.stubs.with_mcp(); import gradio; gradio.mcp.GradioMCPServer.Server", "mcp"),
        ("import gradio.cli, inspect; assert inspect.isfunction(gradio.cli.deploy)", "gradio.cli"),
    ],
)
def test_what_a_start_leaves_out_is_imported_where_it_is_used(code: str, name: str) -> None:
    assert _imported(f"import lookbook.ui; {code}", [name]) == f"['{name}']"


@pytest.mark.parametrize(
    "use", ["assert pandas.DataFrame({'a': [1]}).a[0] == 1", "import pandas.testing"]
)
def test_what_is_left_out_can_be_used_while_the_site_is_imported(use: str) -> None:
    code = (
        "from lookbook.ui import stubs\n"
        "with stubs.quick_imports():\n"
        f"    import pandas; pandas.DataFrame; {use}\n"
        "import pandas; assert pandas.DataFrame({'a': [1]}).a[0] == 1"
    )
    assert _imported(code, ["pandas"]) == "['pandas']"


def test_garbage_is_collected_again_after_the_import() -> None:
    code = "import gc, lookbook.ui; assert gc.isenabled() and gc.get_freeze_count() > 100_000"
    assert _imported(code, ["gc"]) == "['gc']"


def test_a_site_has_a_server_only_once_it_is_launched() -> None:
    import gradio as gr

    with no_servers(), gr.Blocks() as site:
        site.queue()
    assert site.app is None, "gradio makes servers in spite of no_servers(): a start is slower"
    site.queue()
    assert site.app is not None
