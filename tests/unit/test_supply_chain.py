"""Nothing that Lookbook reads can run code, and its weights are those that the card names."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(
    path
    for folder in ("lookbook", "house_collection", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
MODEL = ROOT / "models" / "lookbook-resnet50"
# modules that run what they read
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def unsafe(source: str) -> list[str]:
    """What in a source could run code that is read from a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [n.name for n in node.names if n.name.split(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in UNSAFE_MODULES else []
        elif isinstance(node, ast.Call):
            found += _unsafe_call(node)
    return found


def _unsafe_call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    found = [f"{name}({key}={given[key]})" for key in ("trust_remote_code", "allow_pickle")
             if given.get(key, "False") != "False"]  # fmt: skip
    if name == "torch.load" and given.get("weights_only") != "True":
        found.append(name)
    if name in ("eval", "exec", "pd.read_pickle", "yaml.load"):
        found.append(name)
    if name == "AutoModel.from_pretrained" and given.get("use_safetensors") != "True":
        found.append(name)
    return found


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run_code(path):
    assert unsafe(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        *("import pickle", "from pickle import loads", "import joblib.memory", "exec(text)"),
        *("torch.load(file)", "torch.load(file, weights_only=False)"),
        *("np.load(file, allow_pickle=True)", "load(x, trust_remote_code=flag)"),
        "AutoModel.from_pretrained(folder)",
    ],
)
def test_the_search_for_it_finds_it(source):
    assert unsafe(source)


def test_the_weights_are_those_of_the_card():
    card = (MODEL / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `([\w.-]+)` \| `([0-9a-f]{64})` \|$", card, re.MULTILINE))
    weights = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MODEL.iterdir()
        if path.suffix not in (".json", ".jsonl", ".md", ".jpg", ".png")
    }
    assert named == weights
    assert {Path(name).suffix for name in weights} == {".safetensors"}


def test_the_sbom_names_every_dependency(tmp_path):
    output, program = tmp_path / "sbom.json", Path(sys.executable).with_name("cyclonedx-py")
    lock = ROOT / "requirements.lock"
    command = [program, "requirements", str(lock), "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    import json

    components = json.loads(output.read_text())["components"]
    named = {(one["name"].lower(), one.get("version")) for one in components}
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+)", lock.read_text(), re.MULTILINE)
    assert len(pinned) > 50
    assert {(name.lower(), version) for name, version in pinned} <= named
