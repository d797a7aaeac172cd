"""A folder of pictures, laid out as the Hub's imagefolder or with a table of any other name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lookbook.catalog.feeds import Feed, feed_of, parquet_table
from lookbook.catalog.files import (
    Walk,
    choose_splits,
    fingerprint,
    split_of_picture,
    unread_splits,
    walk,
)
from lookbook.catalog.items import Rejection, Source
from lookbook.catalog.matching import PictureFinder, is_picture
from lookbook.catalog.records import (
    Record,
    files_of,
    join_photos,
    match,
    parallel_for,
    pictures_column,
    records_of,
    rejections,
    rows_of,
    without_doubles,
)
from lookbook.catalog.references import Pictures
from lookbook.catalog.table import Table, is_table, read_table
from lookbook.schema.columns import CatalogError, Columns, find_picture
from lookbook.schema.message import Message

FILE_COLUMN = "file_name"
_METADATA = tuple(f"metadata.{s}" for s in ("csv", "tsv", "jsonl", "ndjson", "json", "xlsx"))
_MAX_TABLE = 2**30  # bytes
_MAX_NAMED = 5  # tables that are not read and pictures without a row are named, others counted
_FOREIGN = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")  # spreadsheets of other formats


@dataclass
class _Read:
    """What the tables of a folder say."""

    column: str
    records: list[Record] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[Rejection] = field(default_factory=list)
    typed: bool = True
    feed: str | None = None


def folder_source(
    folder: Path, name: str, split: str | None, columns: Columns, pictures: Pictures | None = None
) -> Source:
    """Read a folder of pictures, class folders, and a table that names the pictures.

    The tables are `metadata.csv`, `.tsv`, `.jsonl`, `.json` or `.xlsx` with a column `file_name`,
    or else any table of the folder that has a column of the pictures' names. Without one the
    folder that a picture lies in is its `label`, and below two or more folders the whole way is
    its `folder`. `pictures` fetches what a table names by address. Raises CatalogError.
    """
    walked = walk(folder)
    names, split, notes = _in_split(walked, split, name)
    inside = [n for n in names if is_picture(n)]
    finder = PictureFinder(inside)
    pictures = Pictures(folder, finder, pictures.downloader if pictures else None, copies=True)
    read = _read_tables(folder, names, finder, columns, name)
    if not inside and not read.tables:
        message = Message(
            "{name} holds no pictures: {count} files, none a picture", name=name, count=len(names)
        )
        raise CatalogError(message)
    notes += read.notes + match(read.records, pictures, name)
    records, doubled = without_doubles(read.records)
    described = files_of(records, pictures)
    bare = [p for p in inside if p not in described]
    records += [Record({}, [p], file=p) for p in bare]
    if read.feed is None:
        records = _labelled(sorted(records, key=lambda r: r.file or r.key), split)
    records, reading, joined = join_photos(records, columns, name, read.column, read.typed)
    return Source(
        "folder",
        name,
        reading.fields,
        reading.roles,
        lambda: iter(rows_of(records, pictures)),
        split=split,
        identity={"fingerprint": fingerprint(folder, [*inside, *read.tables])},
        total=len(records),
        reading=reading,
        notes=(*walked.notes, *notes, *doubled, *joined, *_without_row(bare, read.tables)),
        refusals=tuple(read.refusals),
        parallel=parallel_for(records, pictures),
        feed=read.feed,
    )


def _without_row(pictures: list[str], tables: list[str]) -> list[str]:
    """A note on pictures that lie beside a table and are named by no row of it."""
    if not pictures or not tables:
        return []
    more = len(pictures) - _MAX_NAMED
    names = [*map(repr, pictures[:_MAX_NAMED]), *([f"{more:,} more"] if more > 0 else [])]
    count = "1 picture is" if len(pictures) == 1 else f"{len(pictures):,} pictures are"
    where = " or ".join(tables[:_MAX_NAMED])
    return [f"{count} in no row of {where}, indexed under the file's name: {', '.join(names)}"]


def _in_split(
    walked: Walk, split: str | None, name: str
) -> tuple[list[str], str | None, list[str]]:
    """Only `train/...` of a folder whose pictures all lie in folders named for splits."""
    names = walked.names
    splits = {n: split_of_picture(n) for n in names}
    inside = [n for n in names if is_picture(n)]
    sizes = Counter(splits[n] for n in inside)
    if None in sizes or not sizes:
        if split not in (None, "all"):
            choose_splits((), split, name)
        return names, None, []
    known = {s: n for s, n in sizes.items() if s}
    chosen = choose_splits(known, split, name)
    left = unread_splits(known, chosen, "pictures")
    return [n for n in names if splits[n] in chosen or "/" not in n], "+".join(chosen), left


# tables


def _read_tables(
    folder: Path, names: list[str], finder: PictureFinder, columns: Columns, name: str
) -> _Read:
    metadata = [n for n in names if PurePosixPath(n).name.lower() in _METADATA]
    read = _Read(columns.image or FILE_COLUMN)
    if not metadata:
        return _read_naming(folder, names, finder, columns, name)
    for table_name in metadata:
        table = read_table(folder / table_name, str(Path(name) / table_name))
        feed = feed_of(table, columns)
        if feed and FILE_COLUMN not in table.columns:
            _take_feed(read, feed, table_name)
        else:
            _take(read, table, table_name, columns.image or FILE_COLUMN, finder)
    return read


def _read_naming(
    folder: Path, names: list[str], finder: PictureFinder, columns: Columns, name: str
) -> _Read:
    """The tables that name the pictures, where none is called metadata."""
    read = _Read(columns.image or FILE_COLUMN)
    unread: list[str] = []
    for table_name in _tables(names, finder, read.notes):
        place = str(Path(name) / table_name)
        table = _tried(folder / table_name, place, unread)
        if table is None:
            continue
        feed = feed_of(table, columns)
        column = None if feed else pictures_column(table, finder, columns)
        if feed:
            _take_feed(read, feed, table_name)
        elif column is None:
            unread.append(f"{place} is not read: no column of it names these pictures")
        else:
            read.notes.append(f"{place} is read: its column {column!r} names the pictures")
            if find_picture([column]) or columns.image:
                read.column = column  # else it is an id that the files are called by
            _take(read, table, table_name, column, finder)
    more = len(unread) - _MAX_NAMED
    read.notes += [
        *unread[:_MAX_NAMED],
        *([f"{more:,} more tables are not read"] if more > 0 else []),
    ]
    return read


def _tables(names: list[str], finder: PictureFinder, notes: list[str]) -> list[str]:
    """The files that may be tables of the pictures; the one beside each picture is none."""
    pictures = {n.rpartition(".")[0] for n in finder.names}
    tables = [n for n in names if is_table(n) or n.lower().endswith(".parquet")]
    sidecars = [n for n in tables if n.rpartition(".")[0] in pictures]
    if sidecars:
        notes.append(
            f"{len(sidecars):,} files that are called as a picture beside them are not read, the "
            f"first {sidecars[0]!r}"
        )
    foreign = [n for n in names if n.lower().endswith(_FOREIGN)]
    notes += [f"{n} is not read: save it as .xlsx or .csv" for n in foreign[:_MAX_NAMED]]
    beside = set(sidecars)
    return [n for n in tables if n not in beside]


def _tried(path: Path, place: str, notes: list[str]) -> Table | None:
    try:
        if path.stat().st_size > _MAX_TABLE:
            raise CatalogError(f"{place}: has more than {_MAX_TABLE:,} bytes")
        if path.suffix.lower() == ".parquet":
            return parquet_table(path, place)
        return read_table(path, place)
    except (CatalogError, OSError) as error:
        notes.append(f"{place} is not read: {error}")
        return None


def _take_feed(read: _Read, feed: Feed, table_name: str) -> None:
    parent = PurePosixPath(table_name).parent.as_posix()
    place = "" if parent == "." else parent
    for record in feed.records:
        record.place = place
    read.records += feed.records
    read.tables.append(table_name)
    read.notes += feed.notes
    read.refusals += feed.refusals
    read.feed, read.column = feed.kind, feed.image
    read.typed = read.typed and feed.typed


def _take(read: _Read, table: Table, table_name: str, column: str, finder: PictureFinder) -> None:
    if table.columns and column not in table.columns:
        raise CatalogError(_without(column, table.columns, table.name))
    table.check()
    if not table.rows:
        read.notes.append(f"{table.name} has no rows")
    parent = PurePosixPath(table_name).parent.as_posix()
    records, notes = records_of(table, column, finder)
    for record in records:
        record.place = "" if parent == "." else parent
        read.records.append(record)
    read.notes += notes
    read.tables.append(table_name)
    read.notes += table.notes
    read.refusals += rejections(table)
    read.typed = read.typed and table.typed


def _without(column: str, columns: list[str], place: str) -> str:
    found = ", ".join(columns) or "none"
    picture = find_picture(columns)
    advice = f"add --image-column {picture}" if picture else "name it by --image-column"
    return f"{place}: expected a column {column!r} of the pictures' files, found {found}; {advice}"


# class folders


def _labelled(records: list[Record], split: str | None) -> list[Record]:
    """Class folders as attributes, but not where a table describes pictures of one folder."""
    splits = (split or "").split("+") if split else []
    parents = [PurePosixPath(r.file or "").parent.parts for r in records]
    parents = [p[1:] if p and p[0] in splits else p for p in parents]
    described = any(r.cells for r in records)
    if not any(parents) or (described and len(set(parents)) == 1):
        return records
    deep = any(len(p) > 1 for p in parents)
    for record, parts in zip(records, parents, strict=True):
        extra: Mapping[str, object] = {"label": parts[-1] if parts else None}
        if deep:
            extra = {**extra, "folder": "/".join(parts) or None}
        record.cells = {**extra, **record.cells}
    return records
