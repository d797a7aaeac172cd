"""Append rows of results, each with the machine and the day, to a CSV file."""

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
    """Return the name of the processor, where the system gives it, and what it is limited to."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")  # heeded by OpenVINO and torch
    return f"{name} limited to {limit}" if limit else name


def append(path: Path, columns: Sequence[str], row: Mapping[str, object]) -> None:
    """Append one row; a new file gets its header first.

    Date, machine, cores, python and lookbook are filled in where the file has a column for them.
    """
    defaults = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "lookbook": __version__,
    }
    defaults = {name: value for name, value in defaults.items() if name in columns}
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(defaults | dict(row))


def cells(figure: Estimate) -> dict[str, object]:
    """The value, low, high and n of a figure, by these names."""
    numbers = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: f"{number:.3f}" for name, number in numbers.items()} | {"n": figure.n}
