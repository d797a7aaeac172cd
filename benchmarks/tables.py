"""Write the tables of the docs that come from the CSV files of the benchmarks.

python -m benchmarks.tables            renew them
python -m benchmarks.tables --check    say which are out of date, and return 1

A table stands between `<!-- table NAME -->` and `<!-- end -->`. Of each file the last row counts
that measured the same on the same kind of machine.
"""

from __future__ import annotations

import argparse
import functools
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from benchmarks import engines

_HERE = Path(__file__).parent
DOCS = [_HERE.parent / "README.md", *sorted((_HERE.parent / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NAMES = {"bfloat16": "AVX-512 with bfloat16", "float32": "AVX2", "int8": "int8"}
_WAYS = {
    "whole picture": "the whole picture",
    "colour": "contrast of colours with the border",
    "find_garment": "`find_garment`: both, or the whole picture; what the site uses",
}
_MODELS = {
    "popularity": "popularity with recency",
    "item_knn": "item KNN (cosine)",
    "als": "ALS, 64 factors",
    "bpr": "BPR, 64 factors",
    "visual": "visual",
    "hybrid": "**hybrid**",
}
_SPLIT = "hm-week, full cold ranking, split 2020-09-21"


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def last(name: str, keys: Sequence[str]) -> pd.DataFrame:
    """Return the last row of a CSV file for each combination of `keys`, in order of appearance."""
    rows = pd.read_csv(_HERE / f"{name}.csv", keep_default_na=False, dtype=str)
    return rows.drop_duplicates(list(keys), keep="last")


def recipe(bulk: bool) -> str:
    """Lookbook beside the usual recipe, on each kind of processor."""
    rows = last("recipe", ["machine", "precision", "measure"])
    rows = rows[(rows["images_per_s"] != "") == bulk]
    figures = ["images_per_s"] if bulk else ["p50_ms", "p95_ms"]
    head = ["images per second"] if bulk else ["median, ms", "95th percentile, ms"]
    return markdown(
        ["processor", "", *head, "times the recipe"],
        (
            [_processor(row), row["measure"], *(row[name] for name in figures), row["ratio"]]
            for _, row in rows.iterrows()
        ),
    )


def _processor(row: pd.Series) -> str:
    return f"{row['machine']}, {_NAMES[row['precision']]}, {row['backend']}"


def site() -> str:
    """Seconds of the site with ten visitors, and of its start."""
    rows = last("site", ["machine", "visitors", "measure"])
    rows = rows[rows["visitors"] == "10"]
    seconds = rows[["p50", "p95"]].astype(float) / 1000
    figures = zip(rows["measure"], seconds["p50"], seconds["p95"], strict=True)
    return markdown(
        ["measure", "median, s", "95th percentile, s"],
        ([name, f"{p50:.2f}", f"{p95:.2f}"] for name, p50, p95 in figures),
    )


def focus() -> str:
    """Overlap of located garments with their true boxes."""
    rows = last("focus", ["way", "measure"])
    rows = rows[(rows["measure"] == "IoU") & rows["way"].isin(list(_WAYS))]
    return markdown(
        ["method", "IoU", "95 % interval"],
        (
            [_WAYS[row["way"]], row["value"], f"{row['low']}-{row['high']}"]
            for _, row in rows.iterrows()
        ),
    )


def int8() -> str:
    """Agreement of precisions with float32, and the time of a pass."""
    rows = last("int8", ["machine", "variant"])
    figures = ["cosine", "lowest", "overlap", "query_overlap", "street_cosine", "street_overlap"]
    return markdown(
        [
            *("", "mean cosine", "lowest", "overlap", "queries only"),
            *("street, mean cosine", "street, queries only", "processor time, ms"),
        ],
        (
            [row["variant"], *(row[name] for name in figures), f"{float(row['processor_ms']):.1f}"]
            for _, row in rows.iterrows()
        ),
    )


def recommendation(measure: str, intervals: bool) -> str:
    """A measure of the recommenders on a week of purchases, for each group of visitors."""
    rows = last("recommend", ["data", "variant", "group", "measure"])
    rows = rows[(rows["data"] == _SPLIT) & (rows["measure"] == measure)]
    found = {(row["variant"], row["group"]): row for _, row in rows.iterrows()}
    groups = list(dict.fromkeys(rows["group"]))

    def cell(row: pd.Series) -> str:
        value, low, high = (f"{float(row[name]):.3f}" for name in ("value", "low", "high"))
        return f"{value} ({low}-{high})" if intervals else value

    people = {g: found["hybrid", g]["n"] for g in groups}
    return markdown(
        ["model", *(f"`{g}`, {int(people[g]):,} people" for g in groups)],
        ([_MODELS[v], *(cell(found[v, g]) for g in groups)] for v in _MODELS),
    )


TABLES: dict[str, Callable[[], str]] = {
    "recipe": lambda: recipe(bulk=False),
    "recipe-bulk": lambda: recipe(bulk=True),
    "site": site,
    "focus": focus,
    "int8": int8,
    "recommend-ndcg": lambda: recommendation("ndcg@12", intervals=True),
    "recommend-recall": lambda: recommendation("recall@12", intervals=False),
    **{f"engines-{n}": functools.partial(engines.table, n) for n in (4_000, 44_000, 1_000_000)},
}


def renewed(text: str) -> str:
    """Return a page with its tables as the CSV files have them now. Raises KeyError for a name."""
    return _BLOCK.sub(lambda m: m[1] + TABLES[m[2]]().rstrip("\n") + "\n" + m[3], text)


def main(argv: Sequence[str] | None = None) -> int:
    """Renew the tables, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    changed = {
        path: text for path in DOCS if (text := renewed(path.read_text())) != path.read_text()
    }
    for path, text in changed.items():
        if not args.check:
            path.write_text(text)
        print(f"{path.name}: {'out of date' if args.check else 'renewed'}")
    return bool(changed and args.check)


if __name__ == "__main__":
    sys.exit(main())
