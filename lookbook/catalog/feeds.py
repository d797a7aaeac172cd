"""Feeds of shops: which one a table is, by its header, and what its columns become."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from lookbook.catalog.items import Rejection
from lookbook.catalog.records import Record, rejections
from lookbook.catalog.references import references_in
from lookbook.catalog.table import SUFFIXES, Table, TableRow
from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import CatalogError, Columns
from lookbook.schema.message import Message
from lookbook.schema.missing import is_missing
from lookbook.schema.money import convention_of, parse_amount

FEED_SUFFIXES = (*SUFFIXES, ".xml")
_TAG = re.compile(r"<[^>]*>")


@dataclass
class Feed:
    """A feed as records: one for each product, its photos in `references`.

    `kind`: shopify, woocommerce, google or table; `image`: the column that its photos count as.
    """

    kind: str
    records: list[Record] = field(default_factory=list)
    image: str = "image"
    notes: list[str] = field(default_factory=list)
    refusals: list[Rejection] = field(default_factory=list)
    typed: bool = False


def feed_of(table: Table, columns: Columns) -> Feed | None:
    """The feed that a table is, by its header; None for any other table."""
    if columns.image is not None:
        return None
    plain = {normalize_column_name(name) for name in table.columns}
    for needed, read in _FEEDS:
        if all(plain & set(any_of) for any_of in needed):
            feed = read(_Rows(table))
            feed.notes = [*table.notes, *feed.notes]
            feed.refusals = rejections(table)
            feed.typed = table.typed
            return feed
    return None


class _Rows:
    """The rows of a table with their cells found by plain names."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.named = {normalize_column_name(name): name for name in reversed(table.columns)}

    def cell(self, row: TableRow, *names: str) -> object:
        """The first cell under one of `names` that holds something."""
        for name in names:
            value = row.cells.get(self.named.get(name, ""))
            if not is_missing(value):
                return value
        return None

    def text(self, row: TableRow, *names: str) -> str | None:
        found = self.cell(row, *names)
        return None if found is None else str(found).strip()


def plain_text(value: str | None) -> str | None:
    """The words of a text in HTML."""
    if value is None:
        return None
    bare = html.unescape(_TAG.sub(" ", value)) if "<" in value else html.unescape(value)
    return " ".join(bare.split()) or None


def _distinct(values: Iterable[object]) -> object:
    """One value as itself, several as a list, none as None."""
    found = list(dict.fromkeys(v for v in values if not is_missing(v)))
    return found if len(found) > 1 else (found[0] if found else None)


def _lowest(values: Sequence[str | None], all_values: Iterable[str]) -> str | None:
    """The cell with the lowest amount."""
    convention = convention_of(all_values)
    amounts = [(parse_amount(v, convention), v) for v in values if v]
    known = [(a.value, v) for a, v in amounts if a]
    return min(known)[1] if known else next((v for v in values if v), None)


def _paid(regular: str | None, sale: str | None, all_values: Iterable[str]) -> str | None:
    """The cell of what a customer pays: the sale price where it is lower."""
    convention = convention_of(all_values)
    was, now = (parse_amount(cell, convention) if cell else None for cell in (regular, sale))
    if was is None or now is None:
        return sale if regular is None else regular
    return sale if 0 < now.value < was.value else regular


def _grouped(rows: _Rows, key: Callable[[TableRow], str | None]) -> dict[str, list[TableRow]]:
    groups: dict[str, list[TableRow]] = defaultdict(list)
    for row in rows.table.rows:
        code = key(row)
        groups[code if code is not None else f"line {row.line}"].append(row)
    return groups


# Shopify


def _shopify(rows: _Rows) -> Feed:
    """One record for each handle: its variants' options as several values, its image rows."""
    feed, prices = Feed("shopify"), _texts(rows, "variantprice", "price")
    hidden = 0
    for handle, lines in _grouped(rows, lambda r: rows.text(r, "handle", "urlhandle")).items():
        if _is_hidden(rows, lines[0]):
            hidden += 1
            continue
        placed = sorted(lines, key=lambda r: _place(rows, r))
        photos = [p for r in placed for p in references_in(rows.cell(r, *_SHOPIFY_PHOTO))]
        photos += [p for r in lines for p in references_in(rows.cell(r, *_SHOPIFY_VARIANT_PHOTO))]
        cells = _shopify_cells(rows, handle, lines, prices)
        feed.records.append(_record(cells, photos, rows, lines[0]))
    _say(feed, rows, hidden, "handle")
    return feed


_SHOPIFY_PHOTO = ("imagesrc", "productimageurl")
_SHOPIFY_VARIANT_PHOTO = ("variantimage", "variantimageurl")


def _place(rows: _Rows, row: TableRow) -> int:
    text = rows.text(row, "imageposition") or ""
    return int(text) if text.isdigit() else 10_000


def _is_hidden(rows: _Rows, row: TableRow) -> bool:
    """A draft, an archived product, or one that is not published."""
    status = (rows.text(row, "status") or "active").casefold()
    published = (rows.text(row, "published", "publishedononlinestore") or "true").casefold()
    return status in ("draft", "archived") or published in ("false", "0", "-1")


def _shopify_cells(
    rows: _Rows, handle: str, lines: list[TableRow], prices: list[str]
) -> dict[str, object]:
    first = lines[0]

    def one(*names: str) -> str | None:
        return next((t for r in lines if (t := rows.text(r, *names))), None)

    was = [rows.text(r, "variantcompareatprice", "compareatprice") for r in lines]
    cells: dict[str, object] = {
        "id": handle,
        "title": one("title"),
        "description": plain_text(one("bodyhtml", "description")),
        "vendor": one("vendor"),
        "category": one("productcategory"),
        "type": one("type", "customproducttype"),
        "tags": _split(one("tags")),
        "sku": _distinct(rows.text(r, "variantsku", "sku") for r in lines),
        "price": _lowest([rows.text(r, "variantprice", "price") for r in lines], prices),
        "compare_at_price": _lowest(was, prices),
    }
    for number in (1, 2, 3):
        name = rows.text(first, f"option{number}name")
        if name and name.casefold() != "title":
            values = (rows.text(r, f"option{number}value") for r in lines)
            cells[name.casefold()] = _distinct(values)
    cells |= {
        name: rows.text(first, normalize_column_name(name))
        for name in rows.table.columns
        if "metafield" in name.casefold() or name.casefold() in ("google shopping / gender",)
    }
    return cells


def _split(text: str | None) -> object:
    return _distinct(part.strip() for part in text.split(",")) if text else None


def _texts(rows: _Rows, *names: str) -> list[str]:
    return [t for r in rows.table.rows if (t := rows.text(r, *names))]


def _record(
    cells: Mapping[str, object], photos: Iterable[object], rows: _Rows, row: TableRow
) -> Record:
    kept = {n: v for n, v in cells.items() if v is not None or n in ("id", "title", "price")}
    return Record(kept, list(dict.fromkeys(photos)), rows.table.name, row.line)


def _say(feed: Feed, rows: _Rows, hidden: int, key: str) -> None:
    photos = sum(len(r.references) for r in feed.records)
    feed.notes.append(
        f"a {feed.kind} feed: {len(rows.table.rows):,} rows are {len(feed.records):,} products by "
        f"{key!r}, with {photos:,} photos"
    )
    if hidden:
        feed.notes.append(f"{hidden:,} products are drafts, archived or not published: left out")


# WooCommerce


def _woocommerce(rows: _Rows) -> Feed:
    """One record for each product; its variations give sizes, colours, prices and photos."""
    feed = Feed("woocommerce")
    prices = _texts(rows, "regularprice") + _texts(rows, "saleprice")
    children: dict[str, list[TableRow]] = defaultdict(list)
    heads, hidden, lone = [], 0, 0
    for row in rows.table.rows:
        parent = rows.text(row, "parent")
        if (rows.text(row, "type") or "").casefold().startswith("variation"):
            children[(parent or "").removeprefix("id:")].append(row)
        else:
            heads.append(row)
    known = set()
    for head in heads:
        names = {n for n in (rows.text(head, "sku"), rows.text(head, "id")) if n}
        known |= names
        if (rows.text(head, "published") or "1") in ("0", "-1", "false"):
            hidden += 1
            continue
        lines = [head, *(child for name in sorted(names) for child in children.get(name, ()))]
        photos = [p for line in lines for p in _woo_photos(rows, line)]
        cells = _woo_cells(rows, lines, prices)
        feed.records.append(_record(cells, photos, rows, head))
    for parent, lines in children.items():
        if parent not in known:  # variations whose product is not in the file
            lone += len(lines)
            for line in lines:
                cells = _woo_cells(rows, [line], prices)
                feed.records.append(_record(cells, _woo_photos(rows, line), rows, line))
    _say(feed, rows, hidden, "SKU")
    if lone:
        feed.notes.append(f"{lone:,} variations name a parent that is not there: each is a product")
    return feed


def _woo_photos(rows: _Rows, row: TableRow) -> list[object]:
    return references_in(rows.cell(row, "images"))


def _woo_cells(rows: _Rows, lines: list[TableRow], prices: list[str]) -> dict[str, object]:
    head, variants = lines[0], lines[1:] or lines

    def lowest(name: str) -> str | None:
        of_variants = [rows.text(r, name) for r in variants]
        return _lowest(of_variants if any(of_variants) else [rows.text(head, name)], prices)

    description = rows.text(head, "shortdescription") or rows.text(head, "description")
    cells: dict[str, object] = {
        "id": rows.text(head, "sku") or rows.text(head, "id"),
        "title": rows.text(head, "name"),
        "description": plain_text(description),
        "categories": _split(plain_text(rows.text(head, "categories"))),
        "tags": _split(rows.text(head, "tags")),
        "brand": rows.text(head, "brands", "brand"),
        "in_stock": rows.text(head, "instock"),
        "price": _paid(lowest("regularprice"), lowest("saleprice"), prices),
        "regular_price": lowest("regularprice"),
    }
    for number in range(1, 20):
        name = rows.text(head, f"attribute{number}name")
        if name is None:
            break
        values = (rows.text(r, f"attribute{number}values") or "" for r in lines)
        cells[name.casefold()] = _distinct(p.strip() for v in values for p in v.split(","))
    return cells


# Google


def _google(rows: _Rows) -> Feed:
    """One record for each row: its columns as they are, `g:` taken off, but for the prices."""
    feed = Feed("google", image="image_link")
    prices = _texts(rows, "price", "gprice") + _texts(rows, "saleprice", "gsaleprice")
    for row in rows.table.rows:
        cells = {_bare(name): value for name, value in row.cells.items()}
        photos = references_in(cells.pop("image_link", None))
        photos += references_in(cells.pop("additional_image_link", None))
        if sale := cells.pop("sale_price", None):
            regular = str(cells.get("price") or "") or None
            cells |= {"price": _paid(regular, str(sale), prices), "regular_price": regular}
        if isinstance(cells.get("description"), str):
            cells["description"] = plain_text(str(cells["description"]))
        feed.records.append(Record(cells, photos, rows.table.name, row.line))
    _say(feed, rows, 0, "id")
    return feed


def _bare(name: str) -> str:
    text = re.sub(r"^g:", "", name.strip(), flags=re.IGNORECASE)
    return re.sub(r"\s+", "_", text.casefold())


_FEEDS: tuple[tuple[tuple[tuple[str, ...], ...], Callable[[_Rows], Feed]], ...] = (
    ((("handle", "urlhandle"), ("title",), ("imagesrc", "productimageurl")), _shopify),
    ((("regularprice",), ("images",), ("name",), ("type", "sku")), _woocommerce),
    ((("imagelink", "gimagelink"), ("id", "gid"), ("title", "gtitle")), _google),
)


# XML


def read_xml(path: Path, name: str) -> Table:
    """Read an RSS or Atom feed as Google Merchant Center takes it, as a table.

    `line` of its rows is the number of the entry. Raises CatalogError.
    """
    table = Table(name)
    try:
        data = path.read_bytes()
        if b"<!ENTITY" in data or b"<!DOCTYPE" in data[:2000]:
            raise CatalogError(f"{name}: expected a feed without document types and entities")
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, OSError) as error:
        message = Message(
            "{table}: not XML that can be read: {reason}", table=name, reason=str(error)
        )
        raise CatalogError(message) from None
    entries = [e for e in root.iter() if _local(e.tag) in ("item", "entry", "product")]
    if not entries:
        raise CatalogError(
            Message("{table}: expected a feed with item or entry elements, found none", table=name)
        )
    for number, entry in enumerate(entries, 1):
        table.rows.append(TableRow(number, _xml_cells(entry)))
    table.columns = list(dict.fromkeys(n for row in table.rows for n in row.cells))
    return table


def _xml_cells(entry: ElementTree.Element) -> dict[str, object]:
    found: dict[str, list[str]] = defaultdict(list)
    for child in entry:
        text = "".join(child.itertext()).strip() or child.get("href", "")
        if text:
            found[_local(child.tag)].append(text)
    return {n: values if len(values) > 1 else values[0] for n, values in found.items()}


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2].casefold()


# other tables


def parquet_table(path: Path, name: str) -> Table:
    """The plain columns of a parquet file as a table; raises CatalogError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lookbook.catalog.parquet import fields_of

    try:
        file = pq.ParquetFile(path)
        fields = fields_of(file.schema_arrow)
        columns = [f.name for f in fields if f.kind in ("text", "scalar", "list")]
        rows = file.read(columns=columns).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{name}: not a parquet file that can be read: {error}") from None
    return Table(name, columns, [TableRow(n, cells) for n, cells in enumerate(rows)], typed=True)
