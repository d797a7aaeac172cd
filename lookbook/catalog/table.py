"""Tables read strictly: each row whole and named by its line, or refused and named by its line."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lookbook.schema.columns import CatalogError
from lookbook.schema.message import Message

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx")
CELL_LIMIT = 2**20  # characters of a cell of text; pictures as data URIs are longer, see below
PICTURE_LIMIT = 32 * 2**20  # characters of a data URI or of base64
_DELIMITERS = ",;\t|"
_DELIMITER_NAMES = {
    ",": Message("commas"),
    ";": Message("semicolons"),
    "\t": Message("tabs"),
    "|": Message("bars"),
}
_SEVERAL_LINES = Message("cells that belong to several lines")
_SEP = re.compile(r"^sep=(.)\s*$", re.IGNORECASE)

csv.field_size_limit(PICTURE_LIMIT)


@dataclass(frozen=True)
class TableRow:
    """One row: the line of the file that it begins in (the row of the sheet), and its cells."""

    line: int
    cells: Mapping[str, object]


@dataclass(frozen=True)
class LineRefusal:
    """A row that could not be read: its line, a slug to count by, a sentence to read."""

    line: int
    reason: str
    sentence: str


@dataclass
class Table:
    """The rows of one file in its order, the rows that were refused, and notes on how it was read.

    `typed`: numbers are numbers already (JSON, Excel); in a CSV every cell is text. Headers and
    texts are stripped; an empty cell is None.
    """

    name: str
    columns: list[str] = field(default_factory=list)
    rows: list[TableRow] = field(default_factory=list)
    refusals: list[LineRefusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    typed: bool = False

    def refuse(self, line: int, reason: str, sentence: str) -> None:
        """Note a row that cannot be used."""
        whole = Message(
            "{table}, line {line}: {problem}", table=self.name, line=str(line), problem=sentence
        )
        self.refusals.append(LineRefusal(line, reason, whole))

    def check(self) -> Table:
        """Raise CatalogError with the first refusal where not one row can be used."""
        if self.refusals and not self.rows:
            raise CatalogError(self.refusals[0].sentence)
        return self


def is_table(name: str) -> bool:
    """Whether a file's name is that of a table that `read_table` reads."""
    return name.lower().endswith(SUFFIXES)


def read_table(path: Path, name: str | None = None) -> Table:
    """Read a .csv, .tsv, .jsonl, .json or .xlsx file; raises CatalogError, which calls it `name`.

    A row with too many or too few cells, an unclosed quote, a cell that is too long or a line that
    is not JSON is refused by its line and the rest is read; `Table.check` raises where not one row
    can be used.
    """
    name = name or str(path)
    if not path.exists():
        raise CatalogError(f"{name}: cannot be read: no such file")
    if not path.is_file():  # a pipe or a device would be read for ever
        raise CatalogError(f"{name}: expected a file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".xlsx":
            table = _xlsx(path, name)
        else:
            table = parse_text(path.read_bytes(), name, suffix)
    except OSError as error:
        raise CatalogError(f"{name}: cannot be read: {error.strerror or error}") from None
    return table


def parse_text(data: bytes, name: str, suffix: str) -> Table:
    """Read the bytes of a table of text; `suffix` says which kind."""
    table = Table(name)
    text = _decoded(data, table)
    if suffix in (".jsonl", ".ndjson"):
        _read_lines(text, table)
    elif suffix == ".json":
        _read_json(text, table)
    else:
        _read_csv(text, table, "\t" if suffix == ".tsv" else None)
    return table


def _decoded(data: bytes, table: Table) -> str:
    """UTF-8, UTF-16 by its mark or its zero bytes, else cp1252 with a note."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _or_error(data, "utf-16", table)
    head = data[:1000]
    if head.count(0) > len(head) // 4:
        even = head[::2].count(0) > head[1::2].count(0)
        return _or_error(data, "utf-16-be" if even else "utf-16-le", table)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    text = _or_error(data, "cp1252", table)
    table.notes.append(
        f"{table.name}: not UTF-8 (line {line}), read as Windows cp1252; save as CSV UTF-8 if "
        "letters look wrong"
    )
    return text


def _or_error(data: bytes, encoding: str, table: Table) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = Message(
            "{table}: expected UTF-8 (in Excel: save as CSV UTF-8), found byte {byte} that is "
            "neither that nor {encoding}",
            table=table.name,
            byte=str(error.start),
            encoding=encoding,
        )
        raise CatalogError(message) from None


# CSV


def _read_csv(text: str, table: Table, delimiter: str | None) -> None:
    lines = io.StringIO(text, newline="").readlines()
    start = 0
    if lines and (separator := _SEP.match(lines[0])):  # Excel's own line
        delimiter, start = separator[1], 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    if start >= len(lines):
        return
    delimiter = delimiter or _delimiter(lines[start])
    records = _records(lines, start, delimiter, table)
    header = next(records, None)
    if table.refusals:  # what would be read as the header then is a row
        raise CatalogError(table.refusals[0].sentence)
    if header is None:
        return
    width = _header(header[1], header[0], table)
    for line, cells in records:
        if any(cell.strip() for cell in cells):
            _take(line, cells, width, table, delimiter)


def _take(line: int, cells: list[str], width: int, table: Table, delimiter: str) -> None:
    extra = cells[width:]
    if len(cells) < width or any(cell.strip() for cell in extra):
        advice = Message("put cells that hold one in quotes")
        if len(cells) < width:
            advice = Message("leave a cell empty rather than out")
        sentence = Message(
            "expected {width} cells divided by {mark}, found {count}; {advice}",
            width=width,
            mark=_DELIMITER_NAMES.get(delimiter, delimiter),
            count=len(cells),
            advice=advice,
        )
        table.refuse(line, f"too {'few' if len(cells) < width else 'many'} cells", sentence)
        return
    long = next((cell for cell in cells if len(cell) > CELL_LIMIT and not _is_picture(cell)), None)
    if long is not None:
        sentence = Message(
            "a cell has {count} characters, at most {most}", count=len(long), most=CELL_LIMIT
        )
        table.refuse(line, "cell too long", sentence)
        return
    stripped = [cell.strip() or None for cell in cells]
    named = zip(table.columns, stripped, strict=False)
    table.rows.append(TableRow(line, {column: cell for column, cell in named if column}))


def _is_picture(cell: str) -> bool:
    head = cell[:64].lstrip()
    return head.startswith("data:") or re.fullmatch(r"[A-Za-z0-9+/=_-]{64}", head) is not None


def _header(cells: Iterable[object], line: int, table: Table) -> int:
    """Set the table's columns: stripped, a doubled one numbered; returns how many cells it has."""
    found = [" ".join(str(cell).split()) if cell is not None else "" for cell in cells]
    while found and not found[-1]:  # a delimiter at the end of the line
        found.pop()
    table.columns = []
    seen: Counter[str] = Counter()
    taken = set(found)
    for name in found:
        seen[name] += 1
        new = name
        if name and seen[name] > 1:
            number = seen[name]
            while (new := f"{name}_{number}") in taken:
                number += 1
            taken.add(new)
            table.notes.append(
                f"{table.name}, line {line}: the header {name!r} stands twice; the second is read "
                f"as {new!r}"
            )
        table.columns.append(new)
    return len(found)


def _delimiter(header: str) -> str:
    """What divides the header line into the most columns; a comma where all divide it alike."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=bare.count)


class _Lines:
    """Lines to be read from any place on, so that a record that fails costs one line only."""

    def __init__(self, lines: list[str], at: int) -> None:
        self.lines, self.at = lines, at

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _records(
    lines: list[str], start: int, delimiter: str, table: Table
) -> Iterator[tuple[int, list[str]]]:
    """(line number from 1, cells) of every record that is whole.

    Of a record that is not well formed, or that spans lines and has another number of cells than
    the header, one line is refused and reading goes on with the next: a stray quote must not
    swallow the rows behind it.
    """
    source, width = _Lines(lines, start), None
    reader = _reader(source, delimiter)
    while source.at < len(lines):
        first, cells = source.at, None
        problem: str = _SEVERAL_LINES
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problem = str(error)
        if cells is None and source.at >= len(lines) and problem == _SEVERAL_LINES:
            return
        spans = source.at - first > 1
        if cells is not None and not (spans and width is not None and len(cells) != width):
            width = len(cells) if width is None else width
            yield first + 1, cells
            continue
        source.at = first + 1
        reader = _reader(source, delimiter)
        literal = _literal(lines[first], delimiter, width)
        if literal is not None:
            table.notes.append(
                f"{table.name}, line {first + 1}: quotes inside a cell are read as they stand"
            )
            yield first + 1, literal
        else:
            sentence = Message("cannot be read: {problem}", problem=_problem(problem))
            table.refuse(first + 1, "quotes", sentence)


def _reader(source: _Lines, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)


def _literal(line: str, delimiter: str, width: int | None) -> list[str] | None:
    """The cells of one line with quotes taken as letters, where they are as many as the header's.

    `"Anna" leather bag` is such a cell; one quote without its partner stays an error.
    """
    try:
        cells = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    except csv.Error:  # a cell longer than any picture: `_records` says so
        return None
    paired = all(cell.count('"') % 2 == 0 for cell in cells)
    return [_unquoted(c) for c in cells] if paired and len(cells) == width else None


def _unquoted(cell: str) -> str:
    bare = cell.strip()
    whole = len(bare) > 1 and bare[0] == bare[-1] == '"' and '"' not in bare[1:-1]
    return bare[1:-1] if whole else cell


def _problem(error: str) -> str:
    if "unexpected end" in error:
        return Message("a quote opens that nothing closes")
    if "expected after" in error:
        return Message('text stands behind a closing quote; write a quote inside a cell as ""')
    return error


# JSON


def _read_lines(text: str, table: Table) -> None:
    table.typed = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            table.refuse(number, "not JSON", Message("not JSON: {reason}", reason=str(error)))
            continue
        _take_object(number, found, table)
    _set_columns(table)


def _read_json(text: str, table: Table) -> None:
    """A list of objects, or an object that holds one list of them."""
    table.typed = True
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "Extra data" in str(error):  # JSON lines under the name of JSON
            return _read_lines(text, table)
        reason = Message("not JSON: {reason}", reason=str(error))
        raise CatalogError(
            Message("{table}: {problem}", table=table.name, problem=reason)
        ) from None
    if isinstance(found, Mapping):
        lists = [v for v in found.values() if isinstance(v, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list):
        raise CatalogError(f"{table.name}: expected a list, found {type(found).__name__}")
    for number, value in enumerate(found, 1):
        _take_object(number, value, table)
    return _set_columns(table)


def _take_object(number: int, found: object, table: Table) -> None:
    if not isinstance(found, dict):
        sentence = Message("expected an object, found {found}", found=type(found).__name__)
        table.refuse(number, "not an object", sentence)
        return
    cells = {" ".join(str(k).split()): _stripped(v) for k, v in found.items()}
    table.rows.append(TableRow(number, cells))


def _stripped(value: object) -> object:
    return (value.strip() or None) if isinstance(value, str) else value


def _set_columns(table: Table) -> None:
    table.columns = list(dict.fromkeys(name for row in table.rows for name in row.cells))


# Excel


def _xlsx(path: Path, name: str) -> Table:
    from openpyxl import load_workbook

    table = Table(name, typed=True)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if (sheet.max_row or 2) > 1]
        if not sheets:
            raise CatalogError(f"{name}: it has no sheet with rows")
        if len(sheets) > 1:
            others = ", ".join(repr(sheet.title) for sheet in sheets[1:])
            table.notes.append(f"{name}: the sheet {sheets[0].title!r} is read, not {others}")
        _read_sheet(sheets[0].iter_rows(values_only=True), table)
        book.close()
    except CatalogError:
        raise
    except Exception as error:  # of zip, of XML, of the library: a damaged file has many ways
        message = Message(
            "{table}: not an Excel file that can be read: {reason}", table=name, reason=str(error)
        )
        raise CatalogError(message) from None
    return table


def _read_sheet(rows: Iterable[tuple], table: Table) -> None:
    width = None
    for line, cells in enumerate(rows, 1):
        if all(cell is None or str(cell).strip() == "" for cell in cells):
            continue
        if width is None:
            width = _header(cells, line, table)
            continue
        extra = [cell for cell in cells[width:] if cell is not None]
        if extra:
            table.refuse(line, "too many cells", f"expected {width} cells, found {len(cells)}")
            continue
        padded = [*cells, *[None] * width][:width]
        named = zip(table.columns, map(_stripped, padded), strict=True)
        table.rows.append(TableRow(line, {column: cell for column, cell in named if column}))
