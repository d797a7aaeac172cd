"""The short form of `python -m benchmarks.faults`: nothing that is broken on purpose stays so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("kind", "fewest"), [("kills", 30), ("disks", 20), ("damage", 150)])
def test_nothing_that_is_broken_on_purpose_stays_so(kind, fewest):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", "--only", kind],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    trials, problems = re.match(rf"{kind}: (\d+) trials, (\d+) problems", done.stdout).groups()
    assert int(trials) >= fewest and problems == "0"
