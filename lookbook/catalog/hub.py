"""Data sets on the Hugging Face Hub, streamed: nothing has to fit on the disk."""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookbook.catalog.files import choose_splits, unread_splits
from lookbook.catalog.hub_lookup import HubError, query_hub, unreachable_message
from lookbook.catalog.items import Row, Source
from lookbook.catalog.parquet import class_name, picture_of
from lookbook.catalog.values import understand
from lookbook.images.loading import ImageError, Limits, Picture
from lookbook.schema.columns import PLAIN_KINDS, CatalogError, Columns, Field, find_roles

if TYPE_CHECKING:
    from datasets import IterableDataset

_SAMPLE = 500  # rows that say what the columns hold
_SAMPLED = (
    f"the columns are understood by the first {_SAMPLE} rows; those of a downloaded folder by all"
)
_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}(?::[\w.-]+)?", re.ASCII)


def is_hub_id(text: str) -> bool:
    """Whether a text has the form `owner/name`, `name` or `owner/name:config`."""
    return bool(_ID.fullmatch(text)) and ".." not in text and "--" not in text


def hub_source(name: str, split: str | None, columns: Columns) -> Source:
    """Open a data set of the Hub by its id, or its cached copy where there is no network.

    `owner/name:config` picks one of several configurations. Raises CatalogError, within 5 seconds
    where the Hub does not answer.
    """
    repository, _, config = name.partition(":")
    info, folder = _info_or_cache(repository)
    where, revision = (
        (str(folder), folder.name) if folder else (repository, getattr(info, "sha", None))
    )
    streams, read = _load(name, where, config or None, revision, split)
    dataset, split = streams[0], "+".join(read)
    fields = _fields(dataset.features)
    columns = replace(columns, image=find_roles(fields, columns, name).image)
    plain = [f.name for f in fields if f.kind in PLAIN_KINDS and f.name != columns.image]
    whole = _whole_columns(name, folder, config or None, split, plain) if folder else None
    sample, is_whole = _sample(whole or streams, plain, name, None if whole else _SAMPLE)
    reading = understand(sample, columns, name, fields=fields)
    if not is_whole:
        reading = replace(reading, doubled_ids=0, missing_ids=0, cell_refusals=())
    roles = reading.roles
    sizes = dataset.info.splits or {}
    return Source(
        "hub",
        name,
        fields,
        roles,
        lambda: _rows(streams, roles.image, name, folder),
        split=split,
        identity={"revision": folder.name if folder else str(revision)},
        total=_total(sizes, read),
        licence=_licence(info, dataset),
        reading=reading,
        notes=(
            *unread_splits({s: i.num_examples or 0 for s, i in sizes.items()}, read, "rows"),
            *([] if is_whole else [_SAMPLED]),
        ),
    )


def _info_or_cache(repository: str) -> tuple[Any, Path | None]:
    """Return what the Hub says of a data set, or else the folder of its cached copy.

    Raises CatalogError where there is neither.
    """
    try:
        info = query_hub(repository, "dataset")
    except HubError as error:
        raise CatalogError(str(error)) from None
    folder = _cached_folder(repository) if info is None else None
    if info is None and folder is None:
        raise CatalogError(
            f"{unreachable_message(repository)}; give a local folder of pictures, a parquet file, "
            "or nothing for the house collection"
        )
    return info, folder


def _licence(info: Any, dataset: IterableDataset) -> str | None:
    """Return what the data set's card, or else its own description, says of its licence."""
    card = getattr(info, "card_data", None) or {}
    licence = card.get("license") or dataset.info.license or None
    return ", ".join(licence) if isinstance(licence, list) else licence


def _total(sizes: Any, read: list[str]) -> int | None:
    counts = [sizes[s].num_examples if s in sizes else None for s in read]
    known = [count for count in counts if count]
    return sum(known) if len(known) == len(counts) else None


def _whole_columns(
    name: str, folder: Path, config: str | None, split: str, columns: list[str]
) -> list[IterableDataset] | None:
    """These columns of a cached copy without its pictures; None where they are not stored apart.

    Parquet stores columns apart. Over the network that is of no use: a request fetches megabytes,
    which hold the pictures between two pieces of a column.
    """
    try:
        return _load(name, str(folder), config, folder.name, split, columns=columns)[0]
    except CatalogError:  # the format has no option `columns`
        return None


def _sample(
    streams: list[IterableDataset], columns: list[str], name: str, most: int | None
) -> tuple[list[tuple[int, dict]], bool]:
    """Up to `most` rows with their numbers, without pictures; whether these are all there are."""
    if not columns:
        return [], True
    try:
        rows = _plain_rows(streams, columns)
        sample = list(enumerate(itertools.islice(rows, most)))
        return sample, next(rows, None) is None
    except Exception as error:  # of any of the libraries below
        raise CatalogError(_ended(name, error)) from error


def _plain_rows(streams: list[IterableDataset], columns: list[str]) -> Iterator[dict]:
    for dataset in streams:
        classes = _classes(dataset)
        known = [c for c in columns if c in dataset.features]
        for cells in dataset.select_columns(known):
            yield _named(cells, classes)


def _cached_folder(repository: str) -> Path | None:
    """The folder of `hf download --repo-type dataset`, if that was done once."""
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(repository, repo_type="dataset", local_files_only=True)
    except Exception:  # not there, or only half
        return None
    names = [n for _, _, files in os.walk(found) for n in files]
    return Path(found) if any(n != "README.md" for n in names) else None


def _load(
    name: str,
    where: str,
    config: str | None,
    revision: str | None,
    split: str | None,
    **options: Any,
) -> tuple[list[IterableDataset], list[str]]:
    """The streams of the splits, pictures undecoded: `images.loading` checks its limits first."""
    from datasets import load_dataset

    try:
        splits = load_dataset(where, config, revision=revision, streaming=True, **options)
        chosen = choose_splits(splits, split, name)
        found = [splits[s] for s in chosen]
        found = [d if d.features else d._resolve_features() for d in found]
        return [d.decode(False) for d in found], chosen
    except CatalogError:
        raise
    except Exception as error:  # of any of the libraries below
        raise CatalogError(_sentence(name, error)) from error


def _sentence(name: str, error: Exception) -> str:
    message = " ".join(str(error).split())
    if "onfig name is missing" in message:
        configs = re.search(r"available configs: (\[.*?\])", message)
        choice = configs.group(1) if configs else "its page lists them"
        return f"{name} has several configurations, name one as {name}:CONFIG: {choice}"
    return f"{name}: cannot be opened: {message[:300] or type(error).__name__}"


def _fields(features: Any) -> tuple[Field, ...]:
    import datasets

    def kind(feature: Any) -> str:
        if isinstance(feature, datasets.Image):
            return "image"
        if isinstance(feature, datasets.ClassLabel):
            return "text"
        if isinstance(feature, (datasets.List, datasets.LargeList)):
            inner = kind(feature.feature)
            return {"image": "images", "text": "list", "scalar": "list"}.get(inner, "nested")
        if not isinstance(feature, datasets.Value):
            is_picture = isinstance(feature, dict) and "bytes" in feature
            return "image" if is_picture else "nested"
        if feature.dtype in ("string", "large_string"):
            return "text"
        if "binary" in feature.dtype:
            return "binary"
        return "nested" if feature.dtype == "null" else "scalar"

    return tuple(Field(name, kind(feature)) for name, feature in features.items())


def _classes(dataset: IterableDataset) -> dict[str, list[str]]:
    import datasets

    return {n: f.names for n, f in dataset.features.items() if isinstance(f, datasets.ClassLabel)}


def _named(cells: dict, classes: dict[str, list[str]]) -> dict:
    return {n: class_name(v, classes[n]) if n in classes else v for n, v in cells.items()}


def _rows(
    streams: list[IterableDataset], image: str | None, name: str, folder: Path | None
) -> Iterator[Row]:
    number = 0
    try:
        for dataset in streams:
            classes = _classes(dataset)
            for row in dataset:
                cells = _named(row, classes)
                cell = cells.pop(image, None)
                first, *others = cell if isinstance(cell, list) and cell else [cell]
                photos = tuple(functools.partial(_picture, other, folder) for other in others)
                fetch = functools.partial(_picture, first, folder)
                yield Row(str(number), cells, fetch, photos, None, number)
                number += 1
    except Exception as error:  # of any of the libraries below: the line broke, a file is damaged
        raise CatalogError(_ended(name, error)) from error


def _picture(cell: Any, folder: Path | None) -> Picture:
    path = cell.get("path") if isinstance(cell, dict) and not cell.get("bytes") else cell
    if isinstance(path, str) and path.startswith("hf://"):
        return _fetched(path)
    if isinstance(path, str) and folder is None:  # never a file of this machine
        raise ImageError("missing", "The row names a picture that the data set does not hold.")
    return picture_of(cell, folder or Path(), links=True)


def _fetched(path: str) -> bytes:
    """A picture that is a file of the repository, no more of it than is needed to refuse it."""
    import fsspec

    try:
        with fsspec.open(path, "rb") as file:
            return file.read(Limits.max_bytes + 1)
    except FileNotFoundError:
        raise ImageError("missing", "The picture is not in the repository.") from None
    except Exception as error:  # of any of the libraries below
        raise CatalogError(_ended(path, error)) from error


def _ended(name: str, error: Exception) -> str:
    return f"{name}: the stream ended early: {' '.join(str(error).split())[:300]}"
