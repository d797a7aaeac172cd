"""Plot the log of a training: losses above, metrics on held-out products below."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def plot_log(log: Path, picture: Path) -> None:
    """Write a PNG of every loss and every validation of a `log.jsonl`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    lines = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines() if text]
    steps = [line for line in lines if "teacher" in line or "views" in line]
    validations = [line for line in lines if _metrics(line) and "step" in line]
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 8), sharex=True)
    _plot(above, steps, lambda line: line)
    _plot(below, validations, _metrics)
    above.set_ylabel("loss")
    below.set_ylabel("held-out products")
    below.set_xlabel("step")
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _metrics(line: dict) -> dict:
    return line.get("validation", line.get("check", {}))  # "check" in older logs


def _plot(axes: Any, lines: list[dict], values: Callable[[dict], dict]) -> None:
    names = sorted({n for line in lines for n in values(line)} - {"step", "seconds", "size"})
    colours = sorted({name.removeprefix("vector ") for name in names})
    for name in names:
        colour = f"C{colours.index(name.removeprefix('vector '))}"
        dashes = "--" if name.startswith("vector ") else "-"
        points = [(line["step"], values(line)[name]) for line in lines if name in values(line)]
        marker = "." if len(points) < 30 else ""
        axes.plot(*zip(*points, strict=True), dashes, color=colour, label=name, marker=marker)
    if names:
        axes.legend(fontsize=8, ncols=2)
    axes.grid(alpha=0.3)
