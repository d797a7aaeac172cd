"""The command that writes the collection."""

import csv
import io
import subprocess
import sys

import pytest
from PIL import Image

from house_collection.command import main


def test_the_command_writes_a_folder_and_rejects_a_bad_count(tmp_path, capsys):
    assert main(["--count", "2", "--seed", "4", "--output", str(tmp_path)]) == 0
    with (tmp_path / "metadata.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["file_name"] for r in rows] == ["100001.jpg", "100002.jpg"]
    picture = Image.open(io.BytesIO((tmp_path / "100001.jpg").read_bytes()))
    assert picture.size == (384, 512)
    with pytest.raises(SystemExit):
        main(["--count", "0", "--output", str(tmp_path)])
    assert "'0' is not a whole number" in capsys.readouterr().err


def test_the_package_runs_without_lookbook(tmp_path):
    """In a process of its own: `python -m house_collection` imports nothing of lookbook."""
    code = (
        "import runpy, sys\n"
        "sys.modules['lookbook'] = None  # an import of it raises\n"
        "runpy.run_module('house_collection', run_name='__main__', alter_sys=True)\n"
    )
    command = [sys.executable, "-c", code, "--count", "1", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "100001.jpg").exists()
    help_text = subprocess.run(
        [sys.executable, "-m", "house_collection", "--help"], capture_output=True, text=True
    ).stdout
    assert help_text.startswith("usage: python -m house_collection")
