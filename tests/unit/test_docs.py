"""The README says what is there, and what it says works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lookbook import settings
from lookbook.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [settings.EMBED, settings.APP])
def test_the_option_tables_are_those_of_the_settings(options):
    assert settings.table(options) in README


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_named(command):
    assert f"python -m lookbook {command}" in README


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"python -m lookbook ([a-z-]+)", README))
    assert named == set(COMMANDS)


def test_the_python_example_prints_what_the_readme_says():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    wanted = re.search(r"```text\n(.*?)```", README, re.DOTALL).group(1)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == wanted


def test_pictures_and_files_that_the_readme_links_to_are_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_space_header_names_the_gradio_that_is_required():
    version = re.search(r"sdk_version: ([\d.]+)", README).group(1)
    required = re.search(
        r"gradio(?:\[\w+\])?>=([\d.]+)", (ROOT / "requirements.txt").read_text()
    ).group(1)
    assert version.startswith(required)
    assert re.search(r"^app_file: app.py$", README, re.MULTILINE)


@pytest.mark.parametrize(
    "script",
    [
        ["embed.py"],
        ["app.py"],
        ["train.py"],
        ["-m", "benchmarks.pipeline"],
        ["-m", "benchmarks.house"],
        ["-m", "benchmarks.focus"],
        ["-m", "benchmarks.recommend"],
        ["-m", "benchmarks.site"],
        ["-m", "lookbook.training.teacher"],
        ["-m", "lookbook.training.imagenet"],
        ["-m", "house_collection.examples"],
        ["-m", "house_collection.sheets"],
    ],
)
def test_every_script_explains_itself(script):
    done = subprocess.run(
        [sys.executable, *script, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
