"""Rows of results: each says on which machine and day it was measured."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """The processor by its own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def append(path: Path, columns: Sequence[str], row: Mapping[str, object]) -> None:
    """Add one row, date and machine filled in; a new file gets its head first."""
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "cores": os.cpu_count()}
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(about | dict(row))
