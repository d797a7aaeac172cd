"""`python -m lookbook house`: writes the house collection as an imagefolder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from .imagefolder import write_imagefolder


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(
        prog="python -m lookbook house",
        description="Draw the house collection and write it as an imagefolder.",
    )
    options.add_argument("--count", type=whole, default=1500, help="products (default 1500)")
    options.add_argument("--seed", type=int, default=0, help="another seed, another collection")
    options.add_argument("--output", required=True, help="folder to write")
    options.add_argument("--workers", type=whole, help="processes (default: one a core)")
    return options


def whole(text: str) -> int:
    """A number of at least one."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = parser().parse_args(argv)
    start = time.perf_counter()
    count = write_imagefolder(options.output, options.count, options.seed, options.workers)
    spent = time.perf_counter() - start
    print(f"{count} products in {options.output}, {count / spent:.1f} a second")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
