"""python -m lookbook and app.py from the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.index import current_name
from lookbook.indexing import BuildOptions, build

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
    for resume in (True, False):  # a second run that may resume would find nothing to publish
        catalog = open_catalog(str(shapes))
        options = BuildOptions(model=str(tiny_model))
        build(catalog, encoder, output, options, resume=resume, quiet=True)
    return output


@pytest.mark.parametrize("name", ["app", "embed", "train"])
def test_a_script_and_its_command_have_the_same_options(name):
    script, command = run(f"{name}.py", "--help"), run("-m", "lookbook", name, "--help")
    assert (script.returncode, command.returncode) == (0, 0)
    assert command.stdout.startswith(f"usage: python -m lookbook {name} ")
    of_script, of_command = (
        re.sub(r"\s+", " ", done.stdout).partition(" [-h] ")[2] for done in (script, command)
    )
    assert of_script and of_script == of_command


def test_an_error_names_the_command_that_was_given(tmp_path):
    for command in (("app.py",), ("-m", "lookbook", "app")):
        done = run(*command, "--index", str(tmp_path / "nowhere"))
        assert done.returncode == 2
        name = " ".join(["python", *command] if len(command) > 1 else command)
        assert done.stderr.startswith(f"{name}: there is no index in ")


def test_the_commands_load_nothing_that_reads_the_variables_of_app():
    done = run("-c", "import lookbook.__main__, sys; print(*sys.modules)")
    assert {"numpy", "torch", "gradio"}.isdisjoint(done.stdout.split())
    done = run("-c", "from lookbook.commands import app; import sys; print(*sys.modules)")
    assert "numpy" in done.stdout.split(), "what would be loaded too early is seen here"


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
    assert rows[0]["attributes"]["colour"] == "red"


def test_text_is_answered_from_attributes_where_the_model_knows_no_words(index):
    done = run(
        *("-m", "lookbook", "search", "--index", str(index), "-k", "3", "--json", "--text", "red")
    )
    assert done.returncode == 0, done.stderr
    assert {row["colour"] for row in json.loads(done.stdout)} == {"red"}


@pytest.mark.parametrize(
    "options, sentence",
    [
        ([], "needs --image PHOTO, --text WORDS, or both"),
        (["--image", "not-there.jpg"], "not-there.jpg"),
        (["--image", "README.md"], "accepted"),
    ],
)
def test_search_says_what_is_wrong(index, options, sentence):
    done = run("-m", "lookbook", "search", "--index", str(index), *options)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_rollback_and_its_old_name(index):
    before = current_name(index)
    done = run("-m", "lookbook", "rollback", "--index", str(index))
    assert done.returncode == 0, done.stderr
    assert current_name(index) != before
    assert current_name(index) in done.stdout
    old = run("-m", "lookbook", "step-back", "--index", str(index))
    assert "step-back is now rollback" in old.stderr
    assert old.returncode == 2 and "no earlier generation" in old.stderr


def test_an_unknown_command_names_those_there_are():
    done = run("-m", "lookbook", "dance")
    assert done.returncode == 2
    assert "search" in done.stderr and "doctor" in done.stderr


def test_the_site_does_not_start_without_an_index(tmp_path):
    done = run("app.py", "--index", str(tmp_path))
    assert done.returncode == 2
    assert "run `python embed.py`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_at_once(index):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("app.py", "--index", str(index), "--port", str(port))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_to_its_end_is_no_error(index):
    search = f"{sys.executable} -m lookbook search --index {index}"
    done = subprocess.run(
        f"{search} --image examples/street-caps.jpg | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.count("\n") == 1
    assert "Broken pipe" not in done.stderr


def test_make_says_that_it_installs_before_it_does(tmp_path):
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(
        ["make", "-n", "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "a few minutes the first time" in done.stdout.split("pip install")[0]


def test_house_writes_an_imagefolder(tmp_path):
    done = run("-m", "lookbook", "house", "--count", "3", "--seed", "5", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    items = list(open_catalog(str(tmp_path)))
    assert len(items) == 3
    assert all(item.attributes["articleType"] for item in items)


def test_evaluate_needs_the_columns_of_its_tasks(shapes, tiny_model):
    done = run(
        *("-m", "lookbook", "evaluate", "--encoder", str(tiny_model), "--json"),
        *("--transfer", str(shapes)),
    )
    assert done.returncode == 2
    assert "needs the column 'product_code'" in done.stderr


def test_evaluate_measures_an_index_by_its_attributes(tmp_path):
    """Three tight clusters whose colour is their own and whose size is drawn: 1 and chance."""
    import numpy as np

    from lookbook.index import publish
    from tests.tiny_index import write_plain

    draw = np.random.default_rng(0)
    centres = np.repeat(np.eye(3, 8), 20, axis=0)
    generation = write_plain(
        tmp_path,
        vectors=(centres + draw.normal(0, 0.05, (60, 8))).astype(np.float32),
        items={
            "id": [str(i) for i in range(60)],
            "title": ["shirt"] * 60,
            "colour": np.repeat(["red", "green", "blue"], 20).tolist(),
            "size": draw.choice(["S", "L"], 60).tolist(),
        },
        thumbs=[b"picture"] * 60,
        encoder={"id": "none"},
    )
    publish(tmp_path, generation)
    done = run("-m", "lookbook", "evaluate", "--index", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert set(results) == {"colour", "size"}
    assert results["colour"]["P@10"]["value"] == 1
    assert 0.3 < results["size"]["P@10"]["value"] < 0.7
    assert results["colour"]["P@10"]["n"] == 60


def test_evaluate_measures_an_encoder_on_each_task(tiny_model, tmp_path):
    """Flat colours: a product finds its own larger photo, and kind goes with colour."""
    import numpy as np
    from PIL import Image

    from lookbook.evaluation.splits import held_out

    ids = [i for i in range(400) if held_out(str(i), 0.108)][:32]
    rows = ["file_name,id,title,articleType,gender,baseColour,product_code,label,sender_id"]
    small, larger = tmp_path / "small", tmp_path / "larger"
    for folder, scale in ((small, 1), (larger, 3)):
        folder.mkdir()
        for n, i in enumerate(ids):
            tone = (60 + 6 * n, 40, 200 - 5 * n) if n % 2 else (20, 60 + 6 * n, 30)
            Image.new("RGB", (60 * scale, 80 * scale), tone).save(folder / f"{i}.png")
    for n, i in enumerate(ids):
        kind = ("Shirts", "Caps")[n % 2]
        rows.append(f"{i}.png,{i},{kind} {i},{kind},Men,Blue,{n // 2},{kind},{i}")
    for folder in (small, larger):
        (folder / "metadata.csv").write_text("\n".join(rows))
    done = run(
        *("-m", "lookbook", "evaluate", "--encoder", str(tiny_model), "--precision", "float32"),
        *("--data", str(small), "--larger", str(larger), "--phone", str(small)),
        *("--transfer", str(small), "--json"),
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["same product"]["R@1"]["value"] == 1
    assert results["like"]["P@10"]["value"] > 0.8
    assert results["phone"]["kNN-10"]["value"] > 0.8
    assert results["phone to shop"]["P@10 kind"]["value"] > 0.8
    assert results["street"]["P@10 colour"]["value"] == 1, "all are blue"
    assert 0 <= results["transfer"]["recall@10"]["value"] <= 1
    assert results["transfer"]["R@10"]["n"] == len(ids)
    assert np.isfinite(results["street"]["R@1"]["value"])
