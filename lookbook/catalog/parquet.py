"""Parquet files, read in small batches, their pictures never decoded here."""

from __future__ import annotations

import glob
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lookbook.catalog.files import (
    all_files,
    choose_splits,
    fingerprint,
    split_of_table,
    unread_splits,
)
from lookbook.catalog.items import Row, Source
from lookbook.catalog.matching import PictureFinder, is_picture
from lookbook.catalog.reading import Reading
from lookbook.catalog.references import Pictures
from lookbook.catalog.values import understand
from lookbook.images.loading import Picture
from lookbook.schema.columns import (
    PLAIN_KINDS,
    CatalogError,
    Columns,
    Field,
    Roles,
    find_picture,
    find_roles,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 64  # of up to 20 MB each
_PLAIN_ROWS = 8192  # without their pictures


@dataclass(frozen=True)
class _Part:
    """One parquet file: what its own columns are called in the whole, and its picture's column."""

    name: str
    image: str
    names: Mapping[str, str]  # own name -> name in the whole
    fields: tuple[Field, ...]
    rows: int


def parquet_source(
    path: Path, name: str, split: str | None, columns: Columns, pictures: Pictures | None = None
) -> Source:
    """Read one parquet file, a glob of them, or a folder with some; raises CatalogError.

    The picture's column is a struct of bytes and path as the Hub's Image feature stores it, raw
    bytes, a list of either, or text with paths relative to the file, addresses or data URIs. In a
    folder, `train-*.parquet` and the like tell the split, and files without pictures are left out.
    Parts whose columns differ are united.
    """
    folder, names = _found(path, name)
    opened = {n: _opened(folder / n, n) for n in names}
    opened, split, notes = _in_split(opened, split, name)
    parts, roles, part_notes = _parts(opened, columns, name)
    first = opened[parts[0].name]
    sources = {p.name: _pictures_of(folder, p, pictures) for p in parts}
    reading = _understood(folder, parts, columns, name, roles)
    return Source(
        "parquet",
        name,
        reading.fields,
        reading.roles,
        lambda: _rows(folder, parts, sources, reading.roles.image or ""),
        split=split,
        identity={"fingerprint": fingerprint(folder, [p.name for p in parts])},
        total=sum(p.rows for p in parts),
        licence=_hub_info(first.schema_arrow).get("license") or None,
        reading=reading,
        notes=(*notes, *part_notes),
        parallel=pictures.parallel if pictures and _are_texts(parts) else 1,
        rows_from=lambda start: _rows(folder, parts, sources, reading.roles.image or "", start),
    )


def holds_pictures(folder: Path, columns: Columns) -> bool:
    """Whether a folder is one of parquet files with pictures in them, or of nothing else.

    A copy from the Hub may hold pictures beside; a parquet file that only tells of the pictures
    in the folder, as img2dataset writes, is a table like any other.
    """
    names = all_files(folder)
    tables = [n for n in names if n.lower().endswith(".parquet") and (folder / n).is_file()]
    if not tables:
        return False
    finder = PictureFinder(n for n in names if is_picture(n))
    return not finder.names or any(_has_pictures(folder / n, n, finder, columns) for n in tables)


def _has_pictures(path: Path, name: str, finder: PictureFinder, columns: Columns) -> bool:
    """Whether a file holds pictures, or says in a column of that name where they lie."""
    try:
        file = _opened(path, name)
        fields = fields_of(file.schema_arrow)
        column = columns.image or find_picture([f.name for f in fields if f.kind == "text"])
        if any(f.kind in ("image", "binary", "images") for f in fields):
            return True
        if column is None or column not in file.schema_arrow.names:
            return False
        first = next(file.iter_batches(batch_size=100, columns=[column]), None)
    except (CatalogError, OSError, ValueError):
        return False
    cells = first.to_pydict()[column] if first is not None else []
    place = name.rpartition("/")[0]
    return any(isinstance(c, str) and finder.holds(c, place) for c in cells)


def _found(path: Path, name: str) -> tuple[Path, list[str]]:
    if path.is_dir():
        names = [n for n in all_files(path) if n.lower().endswith(".parquet")]
        return path, [n for n in names if (path / n).is_file()]
    if path.is_file():
        return path.parent, [path.name]
    found = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207 (may be absolute)
    found = [p for p in found if p.is_file() and p.suffix.lower() == ".parquet"]
    if not found:
        raise CatalogError(f"{name}: no parquet file matches")
    folder = found[0].parent
    while not all(p.is_relative_to(folder) for p in found):
        folder = folder.parent
    return folder, [p.relative_to(folder).as_posix() for p in found]


def _opened(path: Path, name: str) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{name}: not a parquet file that can be read: {error}") from None


def _in_split(
    opened: dict[str, pq.ParquetFile], split: str | None, name: str
) -> tuple[dict[str, pq.ParquetFile], str | None, list[str]]:
    splits = {n: split_of_table(n) for n in opened}
    if not all(splits.values()):
        if split not in (None, "all"):
            choose_splits((), split, name)
        return opened, None, []
    sizes: Counter = Counter()
    for n, file in opened.items():
        sizes[splits[n]] += file.metadata.num_rows
    chosen = choose_splits([s for s in splits.values() if s], split, name)
    kept = {n: f for n, f in opened.items() if splits[n] in chosen}
    return kept, "+".join(chosen) or None, unread_splits(sizes, chosen, "rows")


def _parts(
    opened: Mapping[str, pq.ParquetFile], columns: Columns, name: str
) -> tuple[list[_Part], Roles, list[str]]:
    """The files that have pictures, their columns called as in the first of them."""
    problem, roles, parts, notes = None, None, [], []
    for file, one in opened.items():
        fields = fields_of(one.schema_arrow)
        try:
            found = find_roles(fields, columns, name)
        except CatalogError as error:
            problem = problem or error
            notes.append(f"{file} is not read: it has no column of pictures")
            continue
        roles = roles or found
        names = _united(fields, found, roles)
        parts.append(_Part(file, found.image or "", names, fields, one.metadata.num_rows))
    if roles is None:
        raise problem or CatalogError(f"{name} holds no parquet file")
    return parts, roles, notes + _differences(parts)


def _united(fields: Sequence[Field], own: Roles, first: Roles) -> dict[str, str]:
    """Names in the whole: the columns of one role are one column, whatever a part calls them."""
    known = {f.name for f in fields}
    names = {f.name: f.name for f in fields}
    for mine, united in ((own.image, first.image), (own.title, first.title), (own.id, first.id)):
        if mine and united and mine != united and united not in known:
            names[mine] = united
    return names


def _differences(parts: Sequence[_Part]) -> list[str]:
    """What parts have more or less than the first, and what they call otherwise."""
    notes, first = [], {parts[0].names[f.name] for f in parts[0].fields}
    for part in parts[1:]:
        own = {part.names[f.name] for f in part.fields}
        differences = [f"calls {new!r} {old!r}" for old, new in part.names.items() if old != new]
        differences += [f"has {n!r} more" for n in sorted(own - first)]
        differences += [f"lacks {n!r}" for n in sorted(first - own)]
        if differences:
            notes.append(f"{part.name} {', '.join(differences)} than {parts[0].name}: united")
    return notes


def _understood(
    folder: Path, parts: Sequence[_Part], columns: Columns, name: str, roles: Roles
) -> Reading:
    """The columns as all parts fill them, their pictures unread."""
    fields: dict[str, Field] = {}
    for part in parts:
        for f in part.fields:
            new = part.names[f.name]
            kind = fields[new].kind if new in fields else f.kind
            mixed = {kind, f.kind} == {"text", "scalar"}
            fields[new] = Field(new, "text" if mixed else kind)

    def rows() -> Iterator[tuple[int, Mapping[str, object]]]:
        number = 0
        for part in parts:
            for cells in _cells_of(folder, part, None, _PLAIN_ROWS, number):
                yield number, cells
                number += 1

    named = replace(columns, image=columns.image or roles.image)
    return understand(rows(), named, name, fields=list(fields.values()))


def _cells_of(
    folder: Path,
    part: _Part,
    image: str | None,
    batch_rows: int,
    number: int,
    start: int = 0,
) -> Iterator[dict[str, object]]:
    """Rows of one file by the names of the whole, the picture's column with them if asked for.

    `number` is that of the file's first row; row groups that end before `start` are read without
    the picture's column.
    """
    import pyarrow as pa

    file = _opened(folder / part.name, part.name)
    read = [f.name for f in part.fields if f.kind in PLAIN_KINDS and f.name != part.image]
    read += [part.image] if image is not None else []
    classes = _class_names(file.schema_arrow)
    if not read:
        yield from ({} for _ in range(part.rows))
        return
    try:
        for batch in _batches(file, read, part.image, batch_rows, start - number):
            for row in batch.to_pylist():
                for column, names in classes.items():
                    if column in row:
                        row[column] = class_name(row[column], names)
                yield {part.names[n]: v for n, v in row.items()}
                number += 1
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{part.name}: damaged at row {number}: {error}") from None


def _batches(
    file: pq.ParquetFile, columns: list[str], image: str, batch_rows: int, start: int
) -> Iterator[pa.RecordBatch]:
    """All rows in batches; without the column `image` in row groups that end before `start`."""
    plain = [c for c in columns if c != image]
    ends = itertools.accumulate(
        file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)
    )
    before = sum(end <= start for end in ends) if plain else 0
    if before:
        yield from file.iter_batches(_PLAIN_ROWS, range(before), plain)
    rest = range(before, file.num_row_groups)
    yield from file.iter_batches(batch_rows, rest, columns)


def _are_texts(parts: Sequence[_Part]) -> bool:
    """Whether pictures are named, by path or address, and not held by the files themselves."""
    return any(f.name == p.image and f.kind in ("text", "list") for p in parts for f in p.fields)


def _rows(
    folder: Path,
    parts: Sequence[_Part],
    sources: Mapping[str, Pictures],
    image: str,
    start: int = 0,
) -> Iterator[Row]:
    """All rows; those in row groups that end before `start` without their pictures."""
    number = 0
    for part in parts:
        for cells in _cells_of(folder, part, image, _BATCH_ROWS, number, start):
            cell = cells.pop(image, None)
            first, *others = cell if isinstance(cell, list) and cell else [cell]
            fetch = sources[part.name].fetch
            yield Row(
                str(number),
                cells,
                partial(fetch, first),
                tuple(partial(fetch, other) for other in others if other is not None),
                part.name,
                number,
            )
            number += 1


def _pictures_of(folder: Path, part: _Part, pictures: Pictures | None) -> Pictures:
    """Where the references of a file are looked up: beside it, should they be texts."""
    downloader = pictures.downloader if pictures else None
    kinds = {f.name: f.kind for f in part.fields}
    if kinds.get(part.image) in ("binary", "image"):
        return Pictures((folder / part.name).parent, downloader=downloader)
    home = (folder / part.name).parent
    return Pictures(home, PictureFinder(all_files(home)), downloader)


def picture_of(cell: object, folder: Path, links: bool = False) -> Picture:
    """What an image cell holds: its bytes, else the file it names in `folder`; or ImageError."""
    return Pictures(folder, links=links).fetch(cell)


def class_name(value: object, names: list[str]) -> object:
    """The name of a class number, None for the Hub's -1, which means unlabelled."""
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value


def fields_of(schema: pa.Schema) -> tuple[Field, ...]:
    """The columns of an arrow schema by kind; class labels count as the text they stand for."""
    classes = _class_names(schema)
    return tuple(Field(f.name, "text" if f.name in classes else _kind(f.type)) for f in schema)


def _kind(kind: pa.DataType) -> str:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_struct(kind):
        inside = [kind.field(i).name for i in range(kind.num_fields)]
        return "image" if "bytes" in inside else "nested"
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _kind(kind.value_type)
        return "images" if inner in ("image", "binary") else _KIND_OF_LIST.get(inner, "nested")
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "binary"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    return "nested" if types.is_nested(kind) or types.is_null(kind) else "scalar"


_KIND_OF_LIST = {"text": "list", "scalar": "list"}


def _hub_info(schema: pa.Schema) -> dict:
    """What the library `datasets` notes about the columns in the files that it writes."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {})
    except (ValueError, AttributeError):
        return {}
    return info if isinstance(info, dict) else {}


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    features = _hub_info(schema).get("features")
    if not isinstance(features, dict):
        return {}
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict)
        and feature.get("_type") == "ClassLabel"
        and feature.get("names")
    }
