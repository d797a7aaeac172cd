"""A folder of pictures, laid out as the Hub's imagefolder."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from lookbook.catalog.files import (
    PICTURE_SUFFIXES,
    all_files,
    choose_split,
    fingerprint,
    inner_file,
    split_of_picture,
)
from lookbook.catalog.items import Row, Source
from lookbook.images.loading import Picture
from lookbook.schema.columns import CatalogError, Columns, Field, find_picture, find_roles, is_price

_METADATA = ("metadata.csv", "metadata.jsonl")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?\d+\.\d+([eE][+-]?\d+)?")
_COMMA = re.compile(r"-?\d+,\d{1,2}")  # in columns of prices: "38,40" may be two sizes elsewhere
_DELIMITERS = ",;\t"  # Excel writes what its country's settings say


def folder_source(folder: Path, name: str, split: str | None, columns: Columns) -> Source:
    """Read an imagefolder: pictures, class folders, `metadata.csv` or `metadata.jsonl`.

    Without metadata the folder that a picture lies in is its `label`, and below two or more
    folders the whole way is its `folder`. Raises CatalogError.
    """
    names = all_files(folder)
    names, split = _in_split(names, split, name)
    pictures = [n for n in names if PurePosixPath(n).suffix.lower() in PICTURE_SUFFIXES]
    tables = [n for n in names if PurePosixPath(n).name in _METADATA]
    if not pictures and not tables:
        raise CatalogError(f"{name} holds no pictures: {len(names)} files, none a picture")
    file_column = columns.image or "file_name"
    rows = _metadata_rows(folder, tables, file_column, name)
    described = {file for file, _ in rows}
    rows += [(p, {}) for p in pictures if p not in described]
    rows = _labelled(sorted(rows, key=lambda row: row[0]), split)
    fields = _fields(rows, file_column)
    roles = find_roles(fields, columns, name, image=file_column)
    return Source(
        "folder",
        name,
        fields,
        roles,
        lambda: _rows(folder, rows),
        split=split,
        identity={"fingerprint": fingerprint(folder, [*pictures, *tables])},
        total=len(rows),
    )


def _rows(folder: Path, rows: list[tuple[str, dict]]) -> Iterator[Row]:
    for file, cells in rows:

        def picture(file: str = file) -> Picture:
            return inner_file(folder, file)

        yield Row(file, cells, picture)


def _in_split(names: list[str], split: str | None, name: str) -> tuple[list[str], str | None]:
    """Only `train/...` of a folder whose pictures all lie in folders named for splits."""
    splits = {n: split_of_picture(n) for n in names}
    inside = [n for n in names if PurePosixPath(n).suffix.lower() in PICTURE_SUFFIXES]
    found = {splits[n] for n in inside}
    if None in found or not found:
        choose_split((), split, name)
        return names, None
    chosen = choose_split([s for s in found if s], split, name)
    return [n for n in names if splits[n] == chosen or "/" not in n], chosen


def _metadata_rows(
    folder: Path, tables: list[str], column: str, name: str
) -> list[tuple[str, dict]]:
    rows = []
    for table in tables:
        place = str(Path(name) / table)
        if not (folder / table).is_file():  # a pipe or a device would be read for ever
            raise CatalogError(f"{place}: expected a file")
        read = csv_rows if table.endswith(".csv") else _jsonl_rows
        for cells in read(folder / table, place):
            if column not in cells:
                raise CatalogError(_without(column, cells, place))
            file = str(cells[column] or "").strip()
            parent = PurePosixPath(table).parent
            inside = os.path.normpath(parent / file).replace(os.sep, "/") if file else ""
            rows.append((inside, cells))
    return rows


def _without(column: str, cells: dict, place: str) -> str:
    found = ", ".join(cells) or "none"
    picture = find_picture(list(cells))
    wish = f"add --image-column {picture}" if picture else "name it by --image-column"
    return f"{place}: expected a column {column!r} of the pictures' files, found {found}; {wish}"


def csv_rows(path: Path, name: str) -> list[dict[str, object]]:
    """Rows of a CSV whose header is divided by commas, semicolons or tabs, numbers as numbers.

    A column is a number when every cell of it reads so; in a column of prices 12,50 is one too.
    Raises CatalogError, which calls the file `name`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            rows = [{k: v or None for k, v in row.items() if k} for row in reader]
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{name}: expected UTF-8 (in Excel: save as CSV UTF-8), found byte {error.start} that "
            "is not"
        ) from None
    except (csv.Error, OSError) as error:
        raise CatalogError(f"{name}: cannot be read: {error}") from None
    for column in rows[0] if rows else ():
        convert = _number_kind([row[column] for row in rows], is_price(column))
        for row in rows:
            row[column] = convert(row[column]) if row[column] is not None else None
    return rows


def _delimiter(header: str) -> str:
    """What divides the header line into the most columns; a comma where all divide it alike."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=bare.count)


def _number_kind(texts: list, price: bool = False) -> Callable[[str], object]:
    """int or float when a whole column reads as such; an id as 0108775015 must stay text."""
    found = [t for t in texts if t is not None]
    if found and all(_WHOLE.fullmatch(t) for t in found):
        return int
    if found and all(_WHOLE.fullmatch(t) or _DECIMAL.fullmatch(t) for t in found):
        return float
    if price and found and all(_WHOLE.fullmatch(t) or _COMMA.fullmatch(t) for t in found):
        return lambda text: float(text.replace(",", "."))
    return str


def _jsonl_rows(path: Path, name: str) -> list[dict[str, object]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{name}: expected UTF-8, found byte {error.start} that is not"
        ) from None
    found = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return [_object(line, f"{name}, line {number}") for number, line in found]


def _object(line: str, place: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{place}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CatalogError(f"{place}: expected an object, found {type(found).__name__}")
    return found


def _labelled(rows: list[tuple[str, dict]], split: str | None) -> list[tuple[str, dict]]:
    """Class folders as attributes, unless metadata speaks and all lie in the same folder."""
    parents = [PurePosixPath(file).parent.parts for file, _ in rows]
    parents = [p[1:] if split and p[:1] == (split,) else p for p in parents]
    described = any(cells for _, cells in rows)
    if not any(parents) or (described and len(set(parents)) == 1):
        return rows
    deep = any(len(p) > 1 for p in parents)
    labelled = []
    for (file, cells), parts in zip(rows, parents, strict=True):
        extra = {"label": parts[-1] if parts else None}
        extra |= {"folder": "/".join(parts) or None} if deep else {}
        labelled.append((file, {**extra, **cells}))
    return labelled


def _fields(rows: list[tuple[str, dict]], file_column: str) -> tuple[Field, ...]:
    kinds: dict[str, str] = {file_column: "text"}
    for _, cells in rows:
        for column, value in cells.items():
            kind = _kind(value)
            if kind and kinds.get(column) not in ("nested", "text"):
                kinds[column] = kind
            else:
                kinds.setdefault(column, "text")
    return tuple(Field(n, k) for n, k in kinds.items())


def _kind(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        return "nested"
    return "text" if isinstance(value, str) else "scalar"
