"""The wheel holds everything that an installed copy needs, and works away from the checkout."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import lookbook
from lookbook.resources import shipped

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LOOKBOOK", "PYTHON"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The `bin` folder of a venv with the wheel, which finds dependencies where the tests do."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    done = run(
        *(sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"),
        *("--quiet", "--no-deps", "--no-index", wheel),
    )
    assert done.returncode == 0, done.stderr
    library = next((folder / "lib").glob("python*/site-packages"))
    paths = [path for path in sys.path if path.endswith("-packages")]
    (library / "dependencies.pth").write_text("\n".join(paths) + "\n")
    return folder / "bin"


def test_the_wheel_holds_every_file_of_both_packages(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("lookbook", "house_collection"):
        files = [
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyi"
        ]
        assert [file for file in files if file not in names] == []
        assert f"{package}/py.typed" in names


def test_the_wheel_holds_no_events_and_nothing_unfinished(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [n for n in names if re.search(r"sqlite|\.work|\.building|\.lock", n)] == []


def test_the_installed_command_checks_itself_away_from_the_checkout(installed, tmp_path):
    done = run(installed / "lookbook", "doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    assert "1,500 items" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_installed_command_finds_by_words_away_from_the_checkout(installed, tmp_path):
    done = run(installed / "lookbook", "search", "--text", "red dress", "-k", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 3
    assert "Dress" in done.stdout


def test_the_installed_package_brings_model_examples_and_version(installed, tmp_path):
    code = (
        "import lookbook; from lookbook.resources import shipped;"
        "print(lookbook.__version__, *map(shipped, ('models', 'index', 'examples')), sep='\\n')"
    )
    done = run(installed / "python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    version, *folders = done.stdout.split("\n")[:-1]
    assert version == lookbook.__version__
    assert all(folder.startswith(str(installed.parent)) for folder in folders)
    assert len(list(Path(folders[2]).glob("*.jpg"))) == 10


def test_a_checkout_finds_what_it_ships():
    assert shipped("models/lookbook-resnet50") == ROOT / "models" / "lookbook-resnet50"
    assert shipped("index") == ROOT / "index"
    assert shipped("examples") == ROOT / "examples"


def test_the_version_stands_in_one_place():
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT
    files = subprocess.run(
        ["git", "grep", "-lF", f'"{lookbook.__version__}"', "--", "*.py", "*.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert files == ["lookbook/__init__.py"]


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def test_a_space_installs_the_dependencies_of_the_package():
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["postgres"]
    assert requirements("requirements.txt") == set(declared)


def normalized(requirement: str) -> str:
    """The name in a requirement, as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def pins(name: str) -> dict[str, str]:
    return {normalized(line): line.split()[0] for line in requirements(name)}


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.lock", ("postgres",)),
        ("requirements-dev.lock", ("postgres", "scale", "fast", "dev")),
    ],
)
def test_a_lock_file_pins_every_dependency_and_names_no_host(name, extras):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--index|--find-links|/opt/|\+cpu", text)
    pinned = pins(name)
    declared = list(PROJECT["dependencies"])
    for extra in extras:
        declared += PROJECT["optional-dependencies"][extra]
    missing = {normalized(requirement) for requirement in declared} - {"lookbook"} - set(pinned)
    assert missing == set()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", pin) for pin in pinned.values())
    assert pinned["torch"] == "torch==2.13.0"


def test_the_tests_run_on_the_versions_that_the_site_runs_on():
    assert requirements("requirements.lock") <= requirements("requirements-dev.lock")


def test_the_same_files_give_the_same_release_wherever_and_whenever_they_are_built(tmp_path):
    """Two copies of the packages, with small files in place of the model and the index."""
    sums = []
    for number, folder in enumerate((tmp_path / "one", tmp_path / "two" / "deeper")):
        folder.mkdir(parents=True)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, folder / name)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("lookbook", "house_collection"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("models/lookbook-resnet50", "index", "examples"):
            (folder / name).mkdir(parents=True)
            (folder / name / "file").write_text(name)
        for path in folder.rglob("*.py"):
            path.chmod(0o600 if number else 0o644)
            os.utime(path, (number * 10**6, number * 10**6))
        command = ["env", "SOURCE_DATE_EPOCH=1700000000", sys.executable, "-m", "hatchling"]
        done = run(*command, "build", "-d", folder / "dist", cwd=folder)
        assert done.returncode == 0, done.stderr
        built = sorted((folder / "dist").iterdir())
        sums.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built})
    assert len(sums[0]) == 2 and sums[0] == sums[1]
