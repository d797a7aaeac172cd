"""Export results: a contact sheet as JPEG, and a table as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from lookbook.schema.columns import display_text
from lookbook.schema.product_links import ProductLinks
from lookbook.search.index import Hit, Index

_COLUMNS, _WIDTH, _HEIGHT, _CAPTION, _GAP = 4, 240, 320, 44, 16
_MAX_HITS = 96
_INK, _PAPER = (40, 40, 40), (255, 255, 255)
_FORMULA = "=+\\-@|%＝＋－＠｜％"  # spreadsheets take the full-width ones for the others
_STARTS_FORMULA = re.compile(rf"\s*[{_FORMULA}]")
# a spreadsheet whose separator is not the comma splits cells at these
_SPLIT_FORMULA = re.compile(rf"([;\t\n\r,]\s*)(?=[{_FORMULA}])")
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(index: Index, hits: Sequence[Hit]) -> bytes:
    """Draw the first 96 hits as JPEG, four in a row, with titles; raises ValueError for none."""
    if not hits:
        raise ValueError("a contact sheet needs at least one result, found none")
    hits = hits[:_MAX_HITS]
    columns = min(_COLUMNS, len(hits))
    rows = -(-len(hits) // columns)
    size = columns * (_WIDTH + _GAP) + _GAP, rows * (_HEIGHT + _CAPTION + _GAP) + _GAP
    sheet = Image.new("RGB", size, _PAPER)
    for number, hit in enumerate(hits):
        x = _GAP + number % columns * (_WIDTH + _GAP)
        y = _GAP + number // columns * (_HEIGHT + _CAPTION + _GAP)
        _card(sheet, index.thumb(hit.id), hit.item.title or hit.id, x, y)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=88)
    return out.getvalue()


def _card(sheet: Image.Image, thumb: bytes, title: str, x: int, y: int) -> None:
    picture = Image.open(io.BytesIO(thumb)).convert("RGB")
    scale = min(_WIDTH / picture.width, _HEIGHT / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(picture, (x + (_WIDTH - size[0]) // 2, y + (_HEIGHT - size[1]) // 2))
    font = ImageFont.load_default(14)
    pen = ImageDraw.Draw(sheet)
    for n, line in enumerate(_lines(title, font)):
        pen.text((x, y + _HEIGHT + 6 + 18 * n), line, _INK, font)


def _lines(title: str, font: _Font) -> list[str]:
    """Break a title into at most two lines of the card's width; an ellipsis ends the second."""
    lines = [""]
    for word in " ".join(title.split())[:200].split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or font.getlength(longer) <= _WIDTH:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > 2:
        lines = [lines[0], lines[1] + "…"]
    return [_cut(line, font) for line in lines]


def _cut(line: str, font: _Font) -> str:
    while font.getlength(line) > _WIDTH:
        line = line[:-2] + "…"
    return line


def as_csv(hits: Sequence[Hit], links: ProductLinks | None = None) -> str:
    """Write CSV with a header: rank, id, title, score, and every attribute of the catalogue.

    With `links`, which have an address for some of them, a column `product_page` follows `score`.
    An attribute named like one of these gets "_" behind its name.

    What a spreadsheet would run as a formula gets an apostrophe before it (OWASP, "CSV
    injection").
    """
    names = list(dict.fromkeys(name for hit in hits for name in hit.item.attributes))
    out = io.StringIO()
    table = csv.writer(out)
    pages = [links.address(hit.id, hit.item.attributes) if links else "" for hit in hits]
    page_name = ["product_page"] if any(pages) else []
    own = ("rank", "id", "title", "score", *page_name)
    heads = [f"{name}_" if name in own else name for name in names]
    table.writerow([spreadsheet_cell(name) for name in (*own, *heads)])
    for rank, (hit, page) in enumerate(zip(hits, pages, strict=True), 1):
        values = [spreadsheet_cell(page)] * len(page_name) + [
            spreadsheet_cell(hit.item.attributes.get(name)) for name in names
        ]
        table.writerow(
            [
                rank,
                spreadsheet_cell(hit.id),
                spreadsheet_cell(hit.item.title),
                f"{hit.score:.4f}",
                *values,
            ]
        )
    return out.getvalue()


def spreadsheet_cell(value: object) -> object:
    """Return a value that no spreadsheet runs as a formula (OWASP, "CSV injection")."""
    value = display_text(value) if isinstance(value, tuple) else value
    if isinstance(value, str):
        inner = value.lstrip()
        text = value[: len(value) - len(inner)] + _SPLIT_FORMULA.sub(r"\1'", inner)
        return f"'{text}" if _STARTS_FORMULA.match(value) else text
    return "" if value is None else value
