"""Measure text queries as a visitor types them, through the search of site, API and `--text`.

python embed.py --dataset HELD_OUT --output shop
python -m benchmarks.words --index shop

The index needs the columns articleType, baseColour, gender and usage. `word_queries.csv` holds two
lists of queries, both written before any term was added: the first was used to find what fails, the
second was measured once, afterwards; a few of the terms added are in it too. Each row says what the
catalogue must say of a right result: its articleType, baseColour, gender and usage are among the
values named (`!Black`: are not), its title holds one of the texts named. A query counts the right
ones of its first 12 (everyday) or 10 (words) results, divided by how many there could be. Besides,
every title finds its item, and every colour and articleType that more than ten items share find
these. Appends to words.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.rows import append, cells
from lookbook import Encoder
from lookbook.evaluation.metrics import Estimate, bootstrap_mean
from lookbook.schema.missing import is_missing
from lookbook.search import Index, Query, run

RESULTS, QUERIES = (Path(__file__).with_name(name) for name in ("words.csv", "word_queries.csv"))
COLUMNS = ("date", "encoder", "revision", "queries", "measure", "value", "low", "high", "n")
ATTRIBUTES = ("articleType", "baseColour", "gender", "usage")
SHOWN = {"everyday": 12, "words": 10}
MIN_ITEMS = 10  # a colour and kind that more items share is a query


class Shop:
    """An index whose items are judged by what the catalogue says of them."""

    def __init__(self, index: Index, encoder: Encoder) -> None:
        self.index, self.encoder = index, encoder
        self.values = {name: self._texts(name) for name in ATTRIBUTES}
        self.titles = np.array([title.casefold() for title in index.titles])

    def _texts(self, column: str) -> np.ndarray:
        values, codes = self.index.categorical_codes(column)
        return np.array([str(value) for value in values])[codes]

    def found(self, words: str, count: int, fold: str | None = "colourways") -> np.ndarray:
        """Return int (<= count,): rows of the results of a text query."""
        result = run(Query(words=words, count=count, fold=fold), self.index, self.encoder)
        return np.array([hit.row for hit in result.hits], np.int64)

    def meets(self, wanted: Mapping[str, str]) -> np.ndarray:
        """Return bool (n,): items that have the values of a row of the list."""
        right = np.ones(len(self.index), bool)
        for column in ATTRIBUTES:
            if wanted[column]:
                right &= self._one_of(self.values[column], wanted[column])
        if wanted["title"]:
            parts = wanted["title"].lstrip("!").split("|")
            has = np.array([any(part in title for part in parts) for title in self.titles])
            right &= ~has if wanted["title"][0] == "!" else has
        return right

    @staticmethod
    def _one_of(values: np.ndarray, wanted: str) -> np.ndarray:
        named = np.isin(values, wanted.lstrip("!").split("|"))
        return ~named if wanted[0] == "!" else named


def share(rows: np.ndarray, right: np.ndarray, shown: int) -> float:
    """Return the right ones of `rows`, divided by how many there could be among `shown`."""
    return float(right[rows].sum() / max(1, min(shown, right.sum())))


def listed(shop: Shop, verbose: bool) -> Iterator[tuple[str, str, float]]:
    """Yield (queries, measure, value) of each row of the lists."""
    nothing = dict.fromkeys((*ATTRIBUTES, "title"), "")
    with QUERIES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shown = SHOWN[row["part"]]
            rows = shop.found(row["query"], shown)
            right = shop.meets(row)
            kind = shop.meets(nothing | {"articleType": row["articleType"]})
            name, all_asked = f"{row['list']} list, {row['part']}", share(rows, right, shown)
            if row["articleType"] and kind.any():
                yield name, f"right kind, of {shown}", share(rows, kind, shown)
            if not right.any():  # the shop has nothing of it
                continue
            yield name, f"all asked, of {shown}", all_asked
            if row["part"] == "words":
                yield f"{name}: {row['language']}", f"all asked, of {shown}", all_asked
            if verbose and all_asked < 1:
                kinds = ", ".join(dict.fromkeys(shop.values["articleType"][rows][:4])) or "nothing"
                print(f"{name} {row['language']} {row['query']!r}: {all_asked:.2f}, {kinds}")


def colours_and_kinds(shop: Shop) -> Iterator[tuple[str, str, float]]:
    """Yield the P@10 of each colour and articleType ("Navy Blue Shirts") that items share."""
    colours, kinds = shop.values["baseColour"], shop.values["articleType"]
    pairs, counts = np.unique(np.stack([colours, kinds]), axis=1, return_counts=True)
    for colour, kind in pairs[:, counts > MIN_ITEMS].T:
        if not is_missing(colour):
            right = (colours == colour) & (kinds == kind)
            yield "colour and kind", "P@10", share(shop.found(f"{colour} {kind}", 10), right, 10)


def names(shop: Shop, every: int) -> Iterator[tuple[str, str, float]]:
    """Yield for each n-th title (n: `every`) whether its item or a copy is first, and in ten."""
    copies = shop.index.duplicate_groups
    for row in np.unique(copies)[::every]:
        found = copies[shop.found(shop.index.titles[row], 10, "copies")] == row
        yield "product names", "R@10", float(found.any())
        yield "product names", "R@1", float(found[:1].any())


def measure(shop: Shop, every: int = 1, verbose: bool = False) -> dict[tuple[str, str], Estimate]:
    """Return the estimates over all queries, by (queries, measure)."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for source in (listed(shop, verbose), colours_and_kinds(shop), names(shop, every)):
        for queries, measured, value in source:
            values[queries, measured].append(value)
    return {name: bootstrap_mean(np.array(column)) for name, column in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", required=True, help="index of held-out products")
    parser.add_argument("--every", type=int, default=1, help="only every n-th title")
    parser.add_argument("--verbose", action="store_true", help="print the queries that fail")
    parser.add_argument("--dry", action="store_true", help="do not write to words.csv")
    args = parser.parse_args()
    encoder = Encoder.load()
    about = {"encoder": encoder.name, "revision": encoder.revision}
    for (queries, measured), estimate in measure(
        Shop(Index.open(args.index), encoder), args.every, args.verbose
    ).items():
        print(f"{queries:30} {measured:22} {estimate}", flush=True)
        if not args.dry:
            append(
                RESULTS,
                COLUMNS,
                about | {"queries": queries, "measure": measured} | cells(estimate),
            )


if __name__ == "__main__":
    main()
