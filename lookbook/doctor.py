"""Is this installation whole? One line a check, and what to do where the answer is no."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "annoy",
    "gradio",
    "pillow",
    "pyarrow",
    "safetensors",
    "openTSNE",
    "plotly",
    "sqlalchemy",
    "implicit",
    "matplotlib",
)


def diagnose(index: Path, device: str = "auto") -> int:
    """Print every check; 0 when all are well, 1 when something needs doing."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("pictures", _pictures),
        ("index", lambda: _index(index)),
        ("encoder", lambda: _encoder(index, device)),
        ("query", lambda: _query(index, device)),
    )
    wrong: dict[str, str] = {}  # sentence -> the check that said it first
    for name, check in checks:
        _report(name, check, wrong)
    return min(1, len(wrong))


def _report(name: str, check: Callable[[], str], wrong: dict[str, str]) -> None:
    try:
        print(f"ok      {name:9} {check()}")
    except Exception as error:  # whatever is wrong with an installation, doctor says so
        first = wrong.setdefault(str(error), name)
        print(f"WRONG   {name:9} {error if first == name else f'as {first}'}")


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        raise RuntimeError(f"{', '.join(missing)} missing: run pip install -r requirements.txt")
    return ", ".join(found)


def _pictures() -> str:
    from lookbook.images.loading import accepted_formats

    return accepted_formats()


def _index(path: Path) -> str:
    from lookbook.search.index import Index

    opened = Index.open(path)
    m = opened.manifest
    return (
        f"{len(opened):,} items of dim {m.dim}, {m.generation}, {opened.engine} engine, "
        f"recall {m.recall:.4f} at search_k {m.search_k}"
    )


def _encoder(path: Path, device: str) -> str:
    from lookbook.search.index import Index
    from lookbook.search.opening import load_matching_encoder

    encoder = load_matching_encoder(Index.open(path, verify="quick"), device=device)
    size = encoder.preprocessing.size
    return f"{encoder.name} {encoder.revision}, {size} px, {encoder.precision} on {encoder.device}"


def _query(path: Path, device: str) -> str:
    """A picture of the index must find itself."""
    from lookbook.search.index import Index
    from lookbook.search.opening import load_matching_encoder

    index = Index.open(path, verify="quick")
    encoder = load_matching_encoder(index, device=device)
    wanted = index.ids[0]
    vector = encoder.encode([index.thumb(wanted)])[0]
    found = [hit.id for hit in index.search(vector, k=10, fold=False)]
    if wanted not in found:
        raise RuntimeError(
            f"the picture of {wanted!r} does not find itself: the index and the encoder do not "
            "belong together; run python embed.py again"
        )
    return f"the picture of {wanted!r} finds itself at place {found.index(wanted) + 1}"
