"""Rows of results: each says on which machine and day it was measured."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lookbook import __version__
from lookbook.evaluation.metrics import Estimate


def machine() -> str:
    """The processor by its own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def append(path: Path, columns: Sequence[str], row: Mapping[str, object]) -> None:
    """Add one row; a new file gets its head first.

    Date, machine, cores, python and lookbook are filled in where the file has a column for them.
    """
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "lookbook": __version__,
    }
    about = {name: value for name, value in about.items() if name in columns}
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(about | dict(row))


def cells(figure: Estimate) -> dict[str, object]:
    """The value, low, high and n of a figure, by these names."""
    numbers = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: f"{number:.3f}" for name, number in numbers.items()} | {"n": figure.n}
