"""Which groups of items a recommender shows more or less than their share, and how well.

python -m benchmarks.exposure --interactions PURCHASES --items ARTICLES --split-day DAY

People of both parts, items that they had not bought before. Prints what the parts share first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lookbook.evaluation.exposure_audit import exposure_by_group, leakage, table
from lookbook.evaluation.recommendation import (
    encoded_items,
    ground_truth_by_cohort,
    ranked_rows,
)
from lookbook.recommend import MODELS
from lookbook.recommend.interaction_files import day_number, read_interactions


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--interactions", type=Path, required=True)
    parser.add_argument("--items", required=True, help="anything that embed.py takes")
    parser.add_argument("--split-day", required=True, help="YYYY-MM-DD")
    parser.add_argument(
        "--model", nargs="+", choices=list(MODELS), default=["popularity", "hybrid"]
    )
    args = parser.parse_args()
    items = encoded_items(args.items, None)
    known, day = read_interactions(args.interactions, items), day_number(args.split_day)
    train, test = known.before(day), known.where(known.day >= day)
    print(leakage(train, test, items.product_groups))
    relevant = ground_truth_by_cohort(train, test)["new"]
    for name in args.model:
        ranked = ranked_rows(MODELS[name]().fit(train, items), relevant, "new")
        print(f"\n{name}, {len(relevant)} people\n")
        print(table(exposure_by_group(ranked, list(relevant.values()), train, items)))


if __name__ == "__main__":
    main()
