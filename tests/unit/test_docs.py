"""The documents name only what exists, and what they show works."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from lookbook import settings
from lookbook.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/*/README.md"))
)
EXPLAINED = (
    *("app.py", "embed.py", "train.py"),
    *("-m benchmarks.pipeline", "-m benchmarks.house", "-m benchmarks.faults"),
    *("-m benchmarks.focus", "-m benchmarks.recommend", "-m benchmarks.site", "-m benchmarks.load"),
    *("-m lookbook.training.teacher", "-m lookbook.training.imagenet"),
    *("-m house_collection.examples", "-m house_collection.sheets"),
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [settings.EMBED, settings.APP])
def test_the_option_tables_are_those_of_the_settings(options):
    assert settings.table(options) in text_of("docs/OPTIONS.md")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_named(command):
    assert f"python -m lookbook {command}" in README


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_exists(document):
    named = set(re.findall(r"(?:python -m|^|`)lookbook ([a-z-]+)", text_of(document), re.MULTILINE))
    assert named <= set(COMMANDS)


def commands(document: str) -> list[str]:
    """Commands of code blocks and of code in lines, continued lines joined."""
    text = text_of(document).replace("\\\n", " ")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


SCRIPTS = re.compile(r"(app|embed|train)\.py|-m (lookbook|benchmarks)")


def options_shown(document: str) -> list[tuple[str, str, str]]:
    """The line, the script and each option of the commands of SCRIPTS in a document."""
    shown = []
    for line in commands(document):
        command = re.match(
            r"(?:python )?(\w+\.py|-m lookbook [\w-]+|-m [\w.]+)(.*)", line.split("#")[0]
        )
        if command and SCRIPTS.match(command.group(1)):
            options = set(re.findall(r"--[a-z][\w-]*", command.group(2)))
            shown += [(line, command.group(1), option) for option in sorted(options)]
    return shown


# in one process for all, which import the same libraries
SHOW_HELP = """
import contextlib, io, json, runpy, sys

for script in json.loads(sys.argv[1]):
    sys.argv = [*script.removeprefix("-m ").split(), "--help"]
    run = runpy.run_module if script.startswith("-m ") else runpy.run_path
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown):
            run(sys.argv[0], run_name="__main__")
        sys.exit(f"{script} --help went on")
    except SystemExit as end:
        if end.code:
            raise
    print(json.dumps([script, shown.getvalue()]))
"""


@cache
def usages() -> dict[str, str]:
    """What each script of SCRIPTS and of the documents prints for --help."""
    shown = {s for d in DOCUMENTS if d != "CHANGELOG.md" for _, s, _ in options_shown(d)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW_HELP, json.dumps(sorted(shown | set(EXPLAINED)))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d != "CHANGELOG.md"])
def test_every_option_that_a_command_shows_exists(document):
    unknown = [
        f"{line}: {option}"
        for line, script, option in options_shown(document)
        if not re.search(rf"{option}(?![\w-])", usages()[script])
    ]
    assert unknown == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_that_is_named_exists(document):
    variable = re.compile(r"LOOKBOOK_[A-Z_]+")
    declared = set(variable.findall(settings.table(settings.APP + settings.EMBED)))
    assert set(variable.findall(text_of(document))) <= declared


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d != "CHANGELOG.md"])
def test_every_module_that_is_named_exists(document):
    """`lookbook.a.b`, be it a module or something in one; old names are for the change log."""
    missing = []
    for name in set(
        re.findall(
            r"\b(?:lookbook|house_collection|benchmarks)(?:\.[a-zA-Z_]\w*)+", text_of(document)
        )
    ):
        if name.endswith((".py", ".csv", ".md")):
            continue
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document):
    folders = "lookbook|house_collection|tests|benchmarks|docs|examples|models|index"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]*)", text_of(document)))
    named -= {name for name in named if "NAME" in name}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_pictures_and_files_that_are_linked_exist(document):
    folder = (ROOT / document).parent
    links = re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", text_of(document))
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_readme_links_to_pictures_and_documents():
    links = set(re.findall(r"\]\((?!http)([^)#]+)\)", README))
    assert {"docs/site.jpg", "docs/NUMBERS.md", "CONTRIBUTING.md", "LICENSE"} <= links


def test_the_python_example_prints_what_the_readme_says():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    expected = re.search(r"```text\n(.*?)```", README, re.DOTALL).group(1)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected


@pytest.mark.parametrize("document", ["docs/python.md", "docs/recommendations.md"])
def test_python_examples_of_the_documents_run(document, tmp_path):
    """In their order, on a copy of the index, which they leave as it is."""
    for folder in ("index", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    code = "\n".join(re.findall(r"```python\n(.*?)```", text_of(document), re.DOTALL))
    before = contents(tmp_path / "index")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 3
    assert contents(tmp_path / "index") == before, "a checkout's own index is read only"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d != "CHANGELOG.md"])
def test_commands_that_write_name_another_index_than_the_shipped_one(document):
    """Without an index named they would write into ./index, which in a checkout is the demo."""
    writes = re.compile(
        r"(embed\.py|lookbook embed) .*--dataset|lookbook (events|refresh|rollback)\b.*-"
    )
    lines = [line for line in commands(document) if writes.search(line)]
    assert [line for line in lines if not re.search(r"--(output|index|state)\b", line)] == []


def test_the_picture_of_the_layers_is_that_of_the_code():
    """Run `make layers` where it is not."""
    path = ROOT / "docs" / "layers.py"
    spec = importlib.util.spec_from_file_location("layers", path)
    layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layers)
    assert layers.PICTURE.read_text(encoding="utf-8") == layers.draw()


def test_the_layers_name_every_package():
    packages = {path.parent.name for path in (ROOT / "lookbook").glob("*/__init__.py")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rows = re.search(r'id = "layers".*?layers = \[(.*?)\n\]', project, re.DOTALL).group(1)
    assert set(re.findall(r"lookbook\.(\w+)", rows)) == packages


def test_the_change_log_names_the_version_or_what_is_unreleased():
    version = importlib.import_module("lookbook").__version__
    headings = re.findall(r"^## \[?([\w.]+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] in ("Unreleased", version)
    assert version in headings


def test_the_space_header_names_the_gradio_that_is_required():
    version = re.search(r"sdk_version: ([\d.]+)", README).group(1)
    required = re.search(
        r"gradio(?:\[[\w,]+\])?>=([\d.]+)", (ROOT / "requirements.txt").read_text()
    ).group(1)
    assert version.startswith(required)
    assert re.search(r"^app_file: app.py$", README, re.MULTILINE)


@pytest.mark.parametrize("script", EXPLAINED)
def test_every_script_explains_itself(script):
    assert "usage:" in usages()[script]
