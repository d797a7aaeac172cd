"""Draw docs/engines.svg from engines.csv: what build, memory and a query cost as vectors grow.

python -m benchmarks.engine_plot
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib as mpl

from benchmarks.engines import RESULTS

PICTURE = Path(__file__).parent.parent / "docs/engines.svg"
ENGINES = ("annoy", "faiss", "hnswlib", "exact")
DIMENSIONS, TARGET, KIND = "832", 0.95, "photo"
PANELS = {
    "build_s": "build, s",
    "rss_mb": "process, mapped files included, MB",
    "p50_ms": f"one {KIND} query at recall {TARGET}, ms",
}
Series = dict[str, list[tuple[int, float]]]


def series(rows: Iterable[Mapping[str, str]], figure: str) -> Series:
    """Return (vectors, value) by engine, fewest vectors first; of rows that repeat the last."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows:
        asked = row["kind"] == KIND and float(row["target"]) == TARGET and not row["filter"]
        if asked and row["dim"] == DIMENSIONS and float(row[figure]) > 0:
            found[row["engine"]][int(row["count"])] = float(row[figure])
    return {engine: sorted(values.items()) for engine, values in found.items()}


def main(picture: Path = PICTURE) -> None:
    """Write the picture, the same bytes for the same rows."""
    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams |= {"svg.hashsalt": "engines", "svg.fonttype": "none", "font.size": 9}
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3.4), layout="constrained")
    for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
        found = series(rows, name)
        for engine in filter(found.__contains__, ENGINES):
            axis.loglog(*zip(*found[engine], strict=True), "o-", label=engine)
        (first, low), (last, _) = found["annoy"][0], found["annoy"][-1]
        axis.loglog([first, last], [low, low * last / first], ":", color="grey", label="linear")
        axis.set(title=title, xlabel="vectors")
    axes[-1].legend(frameon=False)  # all engines are in this one
    figure.savefig(picture, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
