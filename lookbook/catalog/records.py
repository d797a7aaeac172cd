"""Rows of tables with the pictures they name, before the columns are understood."""

from __future__ import annotations

import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookbook.catalog.items import Rejection, Row
from lookbook.catalog.matching import PictureFinder, file_of_url, is_picture
from lookbook.catalog.reading import Reading
from lookbook.catalog.references import (
    Pictures,
    decoded,
    is_data,
    is_url,
    references_in,
    shown,
)
from lookbook.catalog.table import Table
from lookbook.catalog.values import understand
from lookbook.images.loading import ImageError, Picture
from lookbook.schema.column_names import normalize_column_name
from lookbook.schema.columns import CatalogError, Columns, find_picture
from lookbook.schema.message import Message
from lookbook.schema.missing import is_missing

_SAMPLE = 500  # rows that say whether a column names the pictures
_NAMED = 3
_FURTHER = re.compile(
    r"(additional|further|extra|other|more|alternat|weitere).*(image|photo|pic|img|bild)"
)
_NUMBERED = re.compile(
    r"(image|photo|picture|img|bild|foto|pic)(url|link|src)?0*([2-9]|1\d)(url|link|src)?"
)
# columns in which the rows of one product differ although they show one thing
_OF_PHOTOS = frozenset(
    (
        *("imageid", "image", "imageposition", "imagealttext", "photoid", "photo", "pictureid"),
        *("position", "view", "angle", "imagenumber", "imageno", "photonumber", "filename", "file"),
        *("path", "url", "imageurl", "imagelink", "imagesrc", "sortorder", "order", "sequence"),
    )
)


@dataclass
class Record:
    """A row of a table, or a picture without one: what it says, and the pictures it names.

    `file`: the first picture's file in the data set, where it is one; `place`: the folder of its
    table; `problem`: why its first picture is not there.
    """

    cells: Mapping[str, object]
    references: Sequence[object] = ()
    table: str | None = None
    line: int | None = None
    place: str = ""
    file: str | None = None
    problem: ImageError | None = None
    further: list[object] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What names the row where it has no id."""
        if self.file:
            return self.file
        first = self.references[0] if self.references else None
        if isinstance(first, str) and not is_data(first) and len(first) < 200:
            return first.partition("?")[0]
        return f"line {self.line}"


def pictures_column(table: Table, finder: PictureFinder | None, columns: Columns) -> str | None:
    """The column of a table that names pictures: by hand, by its name and cells, by its cells.

    A column qualifies when at least half of its filled cells are addresses, pictures as text, or
    names of files that are there.
    """
    if columns.image is not None:
        return columns.image if columns.image in table.columns else None
    shares = {c: _share(table, c, finder) for c in table.columns}
    qualified = [c for c, share in shares.items() if share >= 0.5]
    return find_picture(qualified) or max(qualified, key=shares.__getitem__, default=None)


def _share(table: Table, column: str, finder: PictureFinder | None) -> float:
    cells = [row.cells.get(column) for row in table.rows[:_SAMPLE]]
    filled = [c for c in cells if not is_missing(c)]
    if not filled:
        return 0.0
    named_so = find_picture([column]) is not None
    return sum(_is_picture(c, finder, named_so) for c in filled) / len(cells)


def _is_picture(cell: object, finder: PictureFinder | None, named_so: bool) -> bool:
    """An address counts in a column that is called like one of pictures, or ends like a file."""
    references = references_in(cell)
    if references != [cell]:
        return bool(references) and _is_picture(references[0], finder, named_so)
    if isinstance(cell, (bytes, Mapping)):
        return bool(cell)
    text = str(cell).strip()
    if finder is not None and finder.holds(text):
        return True
    if is_url(text):
        return named_so or is_data(text) or is_picture(file_of_url(text))
    try:
        return named_so and decoded(text) is not None
    except ImageError:
        return False


def records_of(
    table: Table, column: str, finder: PictureFinder | None
) -> tuple[list[Record], list[str]]:
    """One record for each row, and notes: `column` names its picture, others further photos.

    Such a column is called `additional_image`, `image_2` or the like, and at least half of its
    filled cells name pictures.
    """
    further = [c for c in table.columns if c != column and _is_further(table, c, finder)]
    records = []
    for row in table.rows:
        cells = dict(row.cells)
        references = references_in(cells.get(column))
        for name in further:
            references += references_in(cells.pop(name, None))
        records.append(Record(cells, references, table.name, row.line))
    named = " and ".join(map(repr, further))
    return records, [f"{table.name}: further photos are named by {named}"] if further else []


def _is_further(table: Table, column: str, finder: PictureFinder | None) -> bool:
    plain = normalize_column_name(column)
    if not (_FURTHER.search(plain) or _NUMBERED.fullmatch(plain)):
        return False
    filled = [cell for row in table.rows if not is_missing(cell := row.cells.get(column))][:_SAMPLE]
    return 2 * sum(_is_picture(cell, finder, True) for cell in filled) >= len(filled)


def match(records: Iterable[Record], pictures: Pictures, name: str) -> list[str]:
    """Set the file of every record that names one; returns notes on what was matched loosely.

    Raises CatalogError when most of the records that name a file find none.
    """
    loose: list[tuple[str, str]] = []
    lost: list[Record] = []
    named = 0
    for record in records:
        first = record.references[0] if record.references else None
        if not isinstance(first, str) or is_data(first):
            continue
        try:
            record.file = pictures.file(first, record.place)
        except ImageError as error:
            if is_url(first) or _is_text_picture(first):
                continue
            named += 1
            record.problem = error
            lost.append(record)
            continue
        named += 1
        written = f"{record.place}/{first}" if record.place else first
        if record.file != written and not is_url(first):
            loose.append((first, record.file))
    if len(lost) > max(1, named / 2) or (lost and len(lost) == named):
        message = Message(
            "{name}: {lost} of the {named} lines that name a picture find none: {first}",
            name=name,
            lost=len(lost),
            named=named,
            first="; ".join(_lost(r) for r in lost[:_NAMED]),
        )
        raise CatalogError(message)
    if not loose:
        return []
    return [
        f"{len(loose):,} names of pictures are matched in spite of how they are written, the first "
        f"{loose[0][0]!r} as {loose[0][1]!r}"
    ]


def files_of(records: Iterable[Record], pictures: Pictures) -> set[str]:
    """The files that the records name, their further photos too; after `match`."""
    files: set[str] = set()
    for record in records:
        files |= {record.file} if record.file else set()
        for reference in (*record.references[1:], *record.further):
            if isinstance(reference, str) and not is_data(reference):
                with contextlib.suppress(ImageError):
                    files.add(pictures.file(reference, record.place))
    return files


def _lost(record: Record) -> str:
    where = f"{record.table}, line {record.line}: " if record.table else ""
    return where + str(record.problem).rstrip(".")


def _is_text_picture(text: str) -> bool:
    try:
        return decoded(text) is not None
    except ImageError:
        return True


def without_doubles(records: list[Record]) -> tuple[list[Record], list[str]]:
    """One record for a picture that several tables name: the table nearest to it decides.

    What that one leaves empty is taken from the others. Rows of one table that name one picture
    are several products and stay.
    """
    by_file: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.file:
            by_file[record.file].append(record)
    doubled = {f: rows for f, rows in by_file.items() if len({r.table for r in rows}) > 1}
    if not doubled:
        return records, []
    gone: set[int] = set()
    merged: dict[int, Record] = {}
    for rows in doubled.values():
        nearest = max(rows, key=lambda r: r.place.count("/") + bool(r.place))
        others = [r for r in rows if r.table != nearest.table]
        gone.update(id(r) for r in others)
        cells: dict[str, object] = {}
        for row in [*others, nearest]:
            cells |= {n: v for n, v in row.cells.items() if v is not None or n not in cells}
        merged[id(nearest)] = replace(nearest, cells=cells)
    kept = [merged.get(id(r), r) for r in records if id(r) not in gone]
    first = next(iter(doubled.values()))
    tables = " and ".join(dict.fromkeys(str(r.table) for r in first))
    note = (
        f"{len(doubled):,} pictures are named by several tables ({tables}): the table nearest to "
        "the picture decides"
    )
    return kept, [note]


def join_photos(
    records: list[Record], columns: Columns, name: str, image: str, typed: bool
) -> tuple[list[Record], Reading, list[str]]:
    """The rows of one product as one record with further photos, where rows are photos.

    Rows are photos of one product when the column that groups them is the only thing, beside the
    picture's own columns, in which products differ; rows that differ in colour, size or price stay
    products of their own.
    """

    def read(rows: list[Record]) -> Reading:
        cells = ((r.line or n, r.cells) for n, r in enumerate(rows, 1))
        return understand(cells, columns, name, image=image, typed=typed)

    reading = read(records)
    group = reading.roles.group
    if group is None:
        return records, reading, []
    groups: dict[object, list[Record]] = defaultdict(list)
    for record in records:
        code = record.cells.get(group)
        groups[id(record) if is_missing(code) else str(code).strip()].append(record)
    several = [rows for rows in groups.values() if len(rows) > 1]
    if not several or not all(_is_one_product(rows, image) for rows in several):
        return records, reading, []
    joined = [_joined(rows) for rows in groups.values()]
    photos = sum(len(rows) for rows in several)
    note = (
        f"{photos:,} rows are the photos of {len(several):,} products, by the column {group!r}: "
        "each is one item"
    )
    again = replace_group(columns, group)
    reading = understand(
        ((r.line or n, r.cells) for n, r in enumerate(joined, 1)),
        again,
        name,
        image=image,
        typed=typed,
    )
    return joined, reading, [note]


def replace_group(columns: Columns, group: str) -> Columns:
    """After rows were joined by `group`, it is the id, unless one was named."""
    return replace(columns, group=None, id=columns.id or group)


def _is_one_product(rows: list[Record], image: str) -> bool:
    if len({r.file or r.key for r in rows}) < len(rows):
        return False  # one picture twice is a product in several sizes
    first = rows[0].cells
    names = [n for n in first if n != image and normalize_column_name(n) not in _OF_PHOTOS]
    return all(row.cells.get(n) == first.get(n) for row in rows[1:] for n in names)


def _joined(rows: list[Record]) -> Record:
    first, *others = rows
    further = list(first.further)
    for other in others:
        further += [other.file or next(iter(other.references), None), *other.references[1:]]
    return replace(first, further=further)


def rows_of(records: Sequence[Record], pictures: Pictures) -> list[Row]:
    """Rows of a source, each with functions that fetch its pictures."""
    return [_row(record, pictures) for record in records]


def parallel_for(records: Iterable[Record], pictures: Pictures) -> int:
    """How many pictures are worth fetching at once: one where all are files."""
    return pictures.parallel if any(_is_by_address(r) for r in records) else 1


def _is_by_address(record: Record) -> bool:
    first = next(iter(record.references), None)
    return record.file is None and isinstance(first, str) and is_url(first) and not is_data(first)


def _row(record: Record, pictures: Pictures) -> Row:
    references = list(record.references)
    first: object = record.file or (references[0] if references else None)
    further = [*references[1:], *record.further]
    return Row(
        record.key,
        record.cells,
        _picture(record, first, pictures),
        tuple(_further(f, record.place, pictures) for f in further if f is not None),
        record.table,
        record.line,
        _is_by_address(record),
    )


def _picture(record: Record, first: object, pictures: Pictures) -> Callable[[], Picture]:
    def fetch() -> Picture:
        if record.problem is not None:
            raise record.problem
        if first is None:
            raise ImageError("missing", Message("The row names no picture."))
        return pictures.fetch(first, "" if record.file else record.place)

    return fetch


def _further(reference: object, place: str, pictures: Pictures) -> Callable[[], Picture]:
    def fetch() -> Picture:
        return pictures.fetch(reference, place)

    return fetch


def rejections(table: Table) -> list[Rejection]:
    """The refused lines of a table as a report has them."""
    return [
        Rejection(f"line {r.line}", r.reason, r.sentence, table.name, r.line)
        for r in table.refusals
    ]


def count_hosts(records: Iterable[Record]) -> Counter:
    """How many pictures are named by address, by host."""
    from urllib.parse import urlsplit

    hosts: Counter = Counter()
    for record in records:
        for reference in record.references:
            if isinstance(reference, str) and is_url(reference) and not is_data(reference):
                hosts[urlsplit(reference).hostname or shown(reference)] += not record.file
    return +hosts
