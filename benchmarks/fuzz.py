"""Coverage-guided fuzzing: inputs are mutated towards code that no input has reached yet.

python -m benchmarks.fuzz [--target words ...] [--seconds 12] [--long] [--seed 1]

Needs `pip install atheris` (wheels for Linux). Each target runs in a process of its own, an hour in
all with --long. An answer or one sentence is right; anything else is written below
--work with the bytes that cause it, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_HOUR = 3600
_MAX_BYTES = 4096  # of an input


def _pictures(folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    from PIL import Image

    from lookbook.images.loading import ImageError, Limits, load_rgb

    limits = Limits(max_bytes=1 << 20, max_pixels=1 << 20)

    def check(data: bytes) -> None:
        try:
            found = load_rgb(data, limits=limits)
        except ImageError as error:
            assert str(error), "expected a sentence"
            return
        assert found.mode == "RGB" and found.width * found.height <= 1 << 20

    seeds = []
    for format in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        out = io.BytesIO()
        Image.new("RGB", (9, 12), "red").save(out, format)
        seeds.append(out.getvalue())
    return check, seeds


def _manifest(folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    from lookbook.index.errors import IndexCorrupt
    from lookbook.index.manifest import Manifest, add_checksum

    def check(data: bytes) -> None:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return
        try:
            Manifest.from_json(add_checksum(value) if isinstance(value, dict) else value)
        except IndexCorrupt as error:
            assert str(error), "expected a sentence"

    (manifest,) = _index(folder).glob("*/manifest.json")
    return check, [manifest.read_bytes()]


def _filters(folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    from lookbook.schema.filters import FilterError, parse_where
    from lookbook.search.index import Index
    from lookbook.search.query import Query, run

    shop = Index.open(_index(folder))

    def check(data: bytes) -> None:
        try:
            conditions = parse_where(_text(data).split("\n")[:8])
            allowed = shop.matching(conditions)
        except FilterError as error:
            assert str(error), "expected a sentence"
            return
        assert allowed.shape == (len(shop),)
        run(Query(where=conditions, count=5), shop)

    return check, [b"colour=red|blue", b"price<=40\ncolour!=red", b"price>=1e9"]


def _words(folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    from lookbook.search.index import Index
    from lookbook.search.query_text import parse_negation
    from lookbook.search.understanding import understand

    shop = Index.open(_index(folder))

    def check(data: bytes) -> None:
        understand(*parse_negation(_text(data)), shop)

    return check, [b"red shirt under 40", "blaues Kleid ohne \u20ac".encode(), b"not a dress"]


def _links(folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    from urllib.parse import parse_qsl

    from lookbook.search.index import Index
    from lookbook.search.permalinks import from_params, to_params

    shop = Index.open(_index(folder))

    def check(data: bytes) -> None:
        try:
            params: dict[str, Any] = dict(parse_qsl(_text(data), keep_blank_values=True))
        except ValueError:
            return
        query, _ = from_params(params, shop)
        again, warnings = from_params(to_params(query, index=shop), shop)
        assert to_params(again, index=shop) == to_params(query, index=shop) and not warnings

    return check, [
        b"item=0&n=3",
        b"words=red+dress&where=colour%3Dred&sort=price",
        b"more=0&less=1",
    ]


TARGETS = {
    **{"pictures": _pictures, "manifest": _manifest, "filters": _filters},
    **{"words": _words, "links": _links},
}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _child_seconds() -> float:
    """Return the processor time in seconds of the processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@cache
def _index(folder: Path) -> Path:
    """Return a published index of a few items, written once."""
    from tests.tiny_index import publish_tiny

    if not (folder / "index").exists():
        publish_tiny(folder / "index")
    return folder / "index"


def fuzz(name: str, folder: Path, seconds: int, seed: int = 1) -> None:
    """Fuzz one target in this process; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["lookbook"]):
        check, seeds = TARGETS[name](folder)
    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(example)
        check(example)  # what is read once, as the thesaurus, takes longer than any input may
    limits = [f"-seed={seed}", f"-max_total_time={seconds}"]
    limits += [f"-max_len={_MAX_BYTES}", "-timeout=60"]
    found = f"-artifact_prefix={folder / name}-"
    atheris.Setup(
        [sys.argv[0], *limits, "-rss_limit_mb=4096", "-verbosity=1", found, str(corpus)], check
    )
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=12, help="of each target")
    parser.add_argument("--long", action="store_true", help="an hour, shared by the targets")
    parser.add_argument("--seed", type=int, default=1, help="another one mutates in another order")
    parser.add_argument("--work", type=Path, help="where inputs are kept; else they are not")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        fuzz(args.target[0], args.work, args.seconds, args.seed)
    seconds = _HOUR // len(args.target) if args.long else args.seconds
    failed = False
    with tempfile.TemporaryDirectory(prefix="lookbook-fuzz-") as scratch:
        work = args.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        for name in args.target:
            options = ["--here", "--target", name, "--work", str(work), "--seconds", str(seconds)]
            options += ["--seed", str(args.seed)]
            command = [sys.executable, "-m", "benchmarks.fuzz", *options]
            before = _child_seconds()
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
            lines = done.stderr.splitlines()
            cases = [line for line in lines if line.startswith("Done ")]
            used = f"{_child_seconds() - before:.0f} s of processor time"
            print(f"{name}: {cases[-1] if cases else 'failed'}, {used}", flush=True)
            if done.returncode:
                failed = True
                print("\n".join((done.stdout + done.stderr).splitlines()[-40:]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
