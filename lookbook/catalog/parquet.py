"""Parquet files, read in small batches, their pictures never decoded here."""

from __future__ import annotations

import functools
import glob
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lookbook.catalog.files import all_files, choose_split, fingerprint, inner_file, split_of_table
from lookbook.catalog.items import Row, Source
from lookbook.images.loading import ImageError, Picture
from lookbook.schema.columns import CatalogError, Columns, Field, Roles, find_roles

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 64  # of up to 20 MB each
_PICTURE_KINDS = ("image", "binary")


def parquet_source(path: Path, name: str, split: str | None, columns: Columns) -> Source:
    """Read one parquet file, a glob of them, or a folder with some; raises CatalogError.

    The picture's column is a struct of bytes and path as the Hub's Image feature stores it, raw
    bytes, or text with paths relative to the file. In a folder, `train-*.parquet` and the like
    tell the split, and files without pictures are left out.
    """
    folder, names = _found(path, name)
    splits = {n: split_of_table(n) for n in names}
    if all(splits.values()):
        split = choose_split([s for s in splits.values() if s], split, name)
        names = [n for n in names if splits[n] == split]
    else:
        split = choose_split((), split, name)
    files = {n: _opened(folder / n, n) for n in names}
    files, roles = _with_pictures(files, columns, name)
    first = next(iter(files.values()))
    return Source(
        "parquet",
        name,
        fields_of(first.schema_arrow),
        roles,
        lambda: _rows(folder, list(files), roles),
        split=split,
        identity={"fingerprint": fingerprint(folder, files)},
        total=sum(f.metadata.num_rows for f in files.values()),
        licence=_hub_info(first.schema_arrow).get("license") or None,
    )


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


def _with_pictures(
    files: Mapping[str, pq.ParquetFile], columns: Columns, name: str
) -> tuple[dict[str, pq.ParquetFile], Roles]:
    """The files that have the picture's column, and the roles that the first of them settles."""
    problem, roles, kept = None, None, {}
    for file, opened in files.items():
        fields = fields_of(opened.schema_arrow)
        try:
            found = find_roles(fields, columns, name)
        except CatalogError as error:
            problem = problem or error
            continue
        roles = roles or found
        if found.image == roles.image:
            kept[file] = opened
    if roles is None:
        raise problem or CatalogError(f"{name} holds no parquet file")
    return kept, roles


def _rows(folder: Path, names: list[str], roles: Roles) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    for name in names:
        file = _opened(folder / name, name)
        schema = file.schema_arrow
        nested = {f.name for f in fields_of(schema) if f.kind in ("nested", *_PICTURE_KINDS)}
        wanted = [c for c in schema.names if c == roles.image or c not in nested]
        classes = _class_names(schema)
        try:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                for cells in _cells(batch, classes):
                    yield _row(str(number), cells, roles, (folder / name).parent)
                    number += 1
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{name}: damaged at row {number}: {error}") from None


def _row(key: str, cells: dict[str, object], roles: Roles, folder: Path) -> Row:
    cell = cells.pop(roles.image or "", None)
    return Row(key, cells, functools.partial(picture_of, cell, folder))


def picture_of(cell: object, folder: Path, links: bool = False) -> Picture:
    """What an image cell holds: its bytes, else the file it names in `folder`; or ImageError."""
    path = None
    if isinstance(cell, Mapping):
        cell, path = cell.get("bytes"), cell.get("path")
    if isinstance(cell, str):
        cell, path = None, cell
    if isinstance(cell, (bytes, bytearray)) and len(cell):
        return bytes(cell)
    if not path:
        raise ImageError("missing", "The row has no picture.")
    if "://" in path:
        raise ImageError("missing", f"The picture is only named by an address, {path[:100]!r}.")
    return inner_file(folder, path, links)


def _cells(batch: pa.RecordBatch, classes: Mapping[str, list[str]]) -> Iterator[dict]:
    for row in batch.to_pylist():
        for column, names in classes.items():
            row[column] = class_name(row.get(column), names)
        yield row


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
        return (
            "image" if "bytes" in [kind.field(i).name for i in range(kind.num_fields)] else "nested"
        )
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "binary"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    return "nested" if types.is_nested(kind) or types.is_null(kind) else "scalar"


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
