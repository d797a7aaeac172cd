"""Write similar and matching items of a whole catalogue to a file, for shops without a server."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lookbook.outfits.completion import complete
from lookbook.schema.column_names import find_column
from lookbook.schema.product_links import ProductLinks
from lookbook.search.export import spreadsheet_cell
from lookbook.search.index import Index, IndexItem
from lookbook.search.query import Query, run

FORMATS = ("csv", "jsonl", "shopify")
_MATCHING = "complementary_products"
_SIMILAR = "related_products"
# columns of Shopify's product import; its metafields hold handles
_METAFIELD = "{} (product.metafields.shopify--discovery--product_recommendation.{})"


def formats() -> tuple[str, ...]:
    """Return FORMATS, for the command line."""
    return FORMATS


@dataclass(frozen=True)
class Related:
    """Of one item, the `similar` ones and those `matching` in outfits, best first."""

    item: IndexItem
    similar: list[IndexItem]
    matching: list[IndexItem]


def related_items(index: Index, k: int = 8) -> Iterator[Related]:
    """Give for each item up to `k` similar ones and `k` matching ones, one of each product."""
    for id in index.ids:
        hits = run(Query(item=id, count=k), index).hits
        outfits = [item for outfit in complete(index, id) for item in outfit.items]
        matching = list({item.id: item for item in outfits}.values())[:k]
        yield Related(index.item(id), [hit.item for hit in hits], matching)


def write_related(
    related: Iterable[Related], file: Path, format: str, links: ProductLinks | None = None
) -> int:
    """Write a file in one of FORMATS, whole or not at all; return the number of items.

    csv has a row for each pair, jsonl a line for each item, and shopify is a table for its
    product import: related and complementary products by handle. Raises ValueError, OSError.
    """
    if format not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, found {format!r}")
    write = {"csv": _write_csv, "jsonl": _write_jsonl, "shopify": _write_shopify}[format]
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as out:
            count = write(related, out, links or ProductLinks())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write_csv(related: Iterable[Related], out: IO[str], links: ProductLinks) -> int:
    table, written = csv.writer(out), 0
    table.writerow(["id", "relation", "rank", "related_id", "title", "product_page"])
    for one in related:
        written += 1
        for relation, items in (("similar", one.similar), ("matching", one.matching)):
            for rank, other in enumerate(items, 1):
                texts = [other.id, other.title, links.address(other.id, other.attributes)]
                cells = [spreadsheet_cell(text) for text in texts]
                table.writerow([spreadsheet_cell(one.item.id), relation, rank, *cells])
    return written


def _write_jsonl(related: Iterable[Related], out: IO[str], links: ProductLinks) -> int:
    def fields(item: IndexItem) -> dict[str, str]:
        page = links.address(item.id, item.attributes)
        return {"id": item.id, "title": item.title, "product_page": page}

    written = 0
    for one in related:
        written += 1
        lists = {"similar": one.similar, "matching": one.matching}
        line = fields(one.item) | {name: [*map(fields, items)] for name, items in lists.items()}
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
    return written


def _write_shopify(related: Iterable[Related], out: IO[str], links: ProductLinks) -> int:
    table, written = csv.writer(out), set()
    similar = _METAFIELD.format("Related products", _SIMILAR)
    matching = _METAFIELD.format("Complementary products", _MATCHING)
    table.writerow(["Handle", "Title", matching, similar])
    for one in related:
        handle = _handle(one.item)
        if handle in written:  # another variant of a product
            continue
        written.add(handle)
        lists = [
            "; ".join(dict.fromkeys(h for item in items if (h := _handle(item)) != handle))
            for items in (one.matching, one.similar)
        ]
        table.writerow([handle, spreadsheet_cell(one.item.title), *lists])
    return len(written)


def _handle(item: IndexItem) -> str:
    """Return the product's name in its address: a column `handle`, or else the id."""
    column = find_column(item.attributes, ("handle", "urlhandle", "producthandle"))
    return str(item.attributes[column] or item.id) if column else item.id
