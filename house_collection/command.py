"""The command of `python -m house_collection` and `python -m lookbook house`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from .imagefolder import write_imagefolder


def parser(prog: str) -> argparse.ArgumentParser:
    """Make the parser of the options; `prog` is the command that messages name."""
    options = argparse.ArgumentParser(
        prog=prog,
        description="Draw the house collection and write it as an imagefolder.",
    )
    options.add_argument("--count", type=positive_int, default=1500, help="products (default 1500)")
    options.add_argument("--seed", type=int, default=0, help="another seed, another collection")
    options.add_argument("--output", required=True, help="folder to write")
    options.add_argument("--workers", type=positive_int, help="processes (default: one a core)")
    return options


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1; raises ArgumentTypeError."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def main(argv: Sequence[str] | None = None, prog: str = "python -m lookbook house") -> int:
    """Write the collection and print how fast; returns the exit status."""
    options = parser(prog).parse_args(argv)
    start = time.perf_counter()
    count = write_imagefolder(options.output, options.count, options.seed, options.workers)
    seconds = time.perf_counter() - start
    print(f"{count} products in {options.output}, {count / seconds:.1f} a second")
    return 0
