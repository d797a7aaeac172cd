"""Fuzzing guided by coverage, for seconds: `python -m benchmarks.fuzz --long` runs an hour."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.fuzz import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_that_reaches_new_code_breaks_anything(target):
    pytest.importorskip("atheris")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--target", target, "--seconds", "5"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert "Done" in done.stdout
