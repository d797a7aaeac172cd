"""What comes out of items.parquet is what went into the table, or the report has its line."""

from __future__ import annotations

import csv
import io
import math
import re

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookbook.catalog import CatalogError, open_catalog
from lookbook.index.writing import items_table
from lookbook.schema.missing import is_missing

COUNT = 6
COLUMNS = ("title", "colour", "note", "price")
AWKWARD = [
    *("", " ", "N/A", "-", "nan", "None", "null", "007", "1e5", "1,5", "2012", "=1+1", "true"),
    *('say "hi"', '"quoted"', "a,b", "a;b", "a|b", "S, M", "S|M|L", "tab\there", "two\nlines"),
    *("two\r\nlines", " padded ", 'ends in quote"', "'", "\\", "#", "sep=;", "é", "Größe", "你好"),
    *("e\u0301", "👗", "0", "-1", "Women > Dresses", "[1]", "{}", "0.jpg", "https://x/a.jpg"),
]
CELLS = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x2FFF), max_size=12),
)
PRICES = st.one_of(
    st.floats(0.01, 9e5).map(lambda v: f"{v:.2f}"),
    st.sampled_from(["N/A", "", "-", "10 - 20", "free", "5"]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("shop")
    for number in range(COUNT):
        Image.new("RGB", (9, 9), (number * 20, 0, 0)).save(made / f"{number}.png")
    return made


@st.composite
def tables(draw):
    """(bytes, rows by the line they begin in, lines that were damaged)."""
    rows = [
        [
            f"{n}.png",
            draw(CELLS),
            draw(st.sampled_from(["red", "RED", "blue"])),
            draw(CELLS),
            draw(PRICES),
        ]
        for n in range(COUNT)
    ]
    rows = draw(st.permutations(rows))
    order = draw(st.permutations(range(5)))
    header = ["file_name", *COLUMNS]
    divider = draw(st.sampled_from(",;\t"))
    options = {
        "delimiter": divider,
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
    }
    harm = draw(st.dictionaries(st.integers(0, COUNT - 1), st.sampled_from("+-'"), max_size=2))
    out = io.StringIO(newline="")
    writer = csv.writer(out, **options)
    writer.writerow([header[i] for i in order])
    begins, harmed = {}, {}
    for number, row in enumerate(rows):
        line = len(io.StringIO(out.getvalue(), newline="").readlines()) + 1
        cells = [row[i] for i in order]
        begins[line] = dict(zip(header, row, strict=True))
        if number in harm:
            harmed[line] = harm[number]
            text = {"+": [*cells, "more"], "-": cells[:-1], "'": cells}[harm[number]]
            writer.writerow(text)
            if harm[number] == "'":  # a quote opens at the end of the line and is not closed
                body = out.getvalue()[: -len(options["lineterminator"])]
                out = io.StringIO(newline="")
                out.write(body + divider + '"open' + options["lineterminator"])
                writer = csv.writer(out, **options)
        else:
            writer.writerow(cells)
    text = out.getvalue()
    encodings = ["utf-8", "utf-8-sig", "utf-16"]
    return text.encode(draw(st.sampled_from(encodings))), begins, harmed


def stored(catalog, folder):
    """The items as a generation stores them and gives them back."""
    items = list(catalog)
    names = catalog.roles.attributes
    columns = {"id": [i.id for i in items], "title": [i.title for i in items]}
    columns |= {n: [i.attributes[n] for i in items] for n in names}
    pq.write_table(items_table(columns, len(items)), folder / "out.pq")
    rows = pq.read_table(folder / "out.pq").to_pylist()
    return {item.image.name: row for item, row in zip(items, rows, strict=True)}


def same(cell, value):
    """Whether a stored value says what the cell said, by rules of its own."""
    if value is None or is_missing(cell):
        return value is None and is_missing(cell)
    if isinstance(value, list):
        values = {" ".join(v.split()).casefold() for v in value}
        ways = [cell.split(mark) for mark in "|;,"] + [[cell], re.findall(r"[^\[\]\", ]+", cell)]
        return any(
            values == {" ".join(p.split()).casefold() for p in parts if not is_missing(p)}
            for parts in ways
        )
    if isinstance(value, (int, float)):
        return math.isclose(float(cell), value)
    return " ".join(value.split()).casefold() == " ".join(cell.split()).casefold()


@settings(max_examples=150, deadline=None)
@given(tables())
def test_what_comes_out_is_what_went_in_or_the_report_has_its_line(folder, table):
    data, begins, harmed = table
    (folder / "metadata.csv").write_bytes(data)
    try:
        catalog = open_catalog(str(folder))
    except CatalogError as error:  # nothing of the table can be used, and that is said with a line
        assert harmed and re.search(r"line \d+", str(error))
        return
    rows = stored(catalog, folder)
    reported = {r.line for r in catalog.rejected}
    cells_reported = {(r.line, r.column) for r in catalog.cell_refusals}
    assert len(rows) == COUNT
    for line, cells in begins.items():
        row = rows[cells["file_name"]]
        if line in reported:
            assert line in harmed, "only what is damaged is refused"
            continue
        assert line not in harmed
        assert is_missing(cells["title"]) or same(cells["title"], row["title"]), cells
        for column in ("colour", "note", "price"):
            if (line, column) in cells_reported:
                assert row[column] is None
            else:
                assert same(cells[column], row[column]), (cells, row, catalog.notes)


@pytest.mark.parametrize("letter", ["ä", "é", "ß", "–", "€"])
def test_cp1252_comes_out_as_it_went_in(folder, letter):
    (folder / "metadata.csv").write_bytes(
        f"file_name,title\n0.png,Gr{letter}n bag\n".encode("cp1252")
    )
    catalog = open_catalog(str(folder))
    assert stored(catalog, folder)["0.png"]["title"] == f"Gr{letter}n bag"
    assert any("cp1252" in note for note in catalog.notes)
