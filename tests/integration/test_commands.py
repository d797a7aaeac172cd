"""python -m lookbook and app.py from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookbook import Encoder
from lookbook.build import build
from lookbook.catalog import open_catalog
from lookbook.index import current_name

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def index(shapes, tiny_model, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("shapes-index")
    encoder = Encoder.load(tiny_model, precision="float32")
    for _ in range(2):
        build(open_catalog(str(shapes)), encoder, output, model=str(tiny_model), quiet=True)
    return output


def test_search_prints_json_for_programs(index, shapes):
    done = run(
        *("-m", "lookbook", "search", "--index", str(index), "-k", "4", "--json"),
        *("--image", str(shapes / "red-1.png"), "--where", "colour=red|blue"),
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [len(rows), rows[0]["id"], rows[0]["colour"]] == [4, "red1", "red"]
    assert {row["colour"] for row in rows} <= {"red", "blue"}
    assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ([], "needs --image PHOTO, --text WORDS, or both"),
        (["--image", "not-there.jpg"], "not-there.jpg"),
        (["--text", "red"], "not trained on words"),
        (["--image", "README.md"], "accepted"),
    ],
)
def test_search_says_what_is_wrong(index, options, sentence):
    done = run("-m", "lookbook", "search", "--index", str(index), *options)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_one_step_back_and_forth(index):
    before = current_name(index)
    done = run("-m", "lookbook", "step-back", "--index", str(index))
    assert done.returncode == 0, done.stderr
    assert current_name(index) != before
    assert current_name(index) in done.stdout


def test_an_unknown_command_names_those_there_are():
    done = run("-m", "lookbook", "dance")
    assert done.returncode == 2
    assert "search" in done.stderr and "doctor" in done.stderr


def test_the_site_does_not_start_without_an_index(tmp_path):
    done = run("app.py", "--index", str(tmp_path))
    assert done.returncode == 2
    assert "run `python embed.py`" in done.stderr
    assert "Traceback" not in done.stderr


def test_house_writes_an_imagefolder(tmp_path):
    done = run("-m", "lookbook", "house", "--count", "3", "--seed", "5", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    items = list(open_catalog(str(tmp_path)))
    assert len(items) == 3
    assert all(item.attributes["articleType"] for item in items)


def test_evaluate_measures_an_encoder_on_held_out_pictures(shapes, tiny_model):
    done = run(
        *("-m", "lookbook", "evaluate", "--encoder", str(tiny_model), "--json"),
        *("--transfer", str(shapes)),
    )
    assert done.returncode == 2
    assert "product_code" in done.stderr
