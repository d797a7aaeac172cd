"""Parts of an encoded catalogue: files in a folder or an object store that several machines reach.

A part is the encoded rows of a range: what became of each row, and the embeddings of its pictures.
It is written under another name and renamed, so it is whole or not there.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

from lookbook.catalog import Item, Rejection
from lookbook.catalog.cell_values import value_from_json
from lookbook.indexing.embedding_cache import EmbeddingCache, EncodedImage, pack, unpack
from lookbook.indexing.encode_catalog import EncodedCatalog

_NOTES = "catalogue"  # of a safetensors file: where a part says what became of its rows
_NAME = re.compile(r"(\d{12})\.safetensors")


class PartStore:
    """The parts of one run by the number of their first row, in the folder `key` of `url`.

    `url` is a path or any address of fsspec, as s3://bucket/folder. Raises ValueError for an
    address that cannot be used.
    """

    def __init__(self, url: str, key: str) -> None:
        import fsspec

        try:
            self._files, root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:  # a package for the protocol, or no protocol
            raise ValueError(f"--parts {url}: {error}") from None
        self._files.use_listings_cache = False  # other processes write, too
        self._folder = f"{root.rstrip('/')}/{key}"

    def starts(self) -> set[int]:
        """Return the first rows of the parts that are there."""
        try:
            self._files.invalidate_cache()
            paths = self._files.ls(self._folder, detail=False)
        except FileNotFoundError:
            return set()
        names = (PurePosixPath(path).name for path in paths)
        return {int(found[1]) for name in names if (found := _NAME.fullmatch(name))}

    def write(self, start: int, content: bytes) -> None:
        """Write a part; another process may be writing the same."""
        self._files.makedirs(self._folder, exist_ok=True)
        partial = f"{self._folder}/{uuid.uuid4().hex}.partial"
        self._files.pipe_file(partial, content)
        self._files.mv(partial, self._path(start))

    def read(self, start: int) -> bytes:
        """Return a part; raises OSError."""
        return self._files.cat_file(self._path(start))

    def delete(self, start: int | None = None) -> None:
        """Delete the part that begins with a row, None: all of them."""
        path = self._folder if start is None else self._path(start)
        if self._files.exists(path):
            self._files.rm(path, recursive=start is None)

    def _path(self, start: int) -> str:
        return f"{self._folder}/{start:012d}.safetensors"


def pack_part(
    encoded: EncodedCatalog, unreadable: list[Rejection], images: list[EncodedImage]
) -> bytes:
    """Return a part as a file; `unreadable` are the rows whose picture could not be fetched."""
    notes = {
        "items": [[item.id, item.title, item.attributes] for item in encoded.items],
        "photos": encoded.photos,
        "rejected": encoded.rejected,
        "unreadable": [asdict(rejection) for rejection in unreadable],
    }
    return pack(images, {_NOTES: json.dumps(notes)})


def take_part(
    content: bytes, encoded: EncodedCatalog, unreadable: list[Rejection], cache: EmbeddingCache
) -> None:
    """Append a part to what precedes it in the catalogue; raises ValueError where it is damaged."""
    hashes, notes = unpack(content)
    if _NOTES not in notes:
        raise ValueError("not a part of a catalogue")
    try:
        items, photos, rejected, failed = _read(json.loads(notes[_NOTES]))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise ValueError("damaged") from None
    if any(digest not in hashes and digest not in cache for of in photos for digest in of):
        raise ValueError("damaged")
    cache.add_packed(content)
    encoded.items += items
    encoded.photos += photos
    encoded.rejected += rejected
    unreadable += failed


def _read(
    notes: dict[str, Any],
) -> tuple[list[Item], list[list[str]], list[dict[str, Any]], list[Rejection]]:
    """Return items, their photos, what was rejected and which rows had no picture."""
    items = [
        Item(id, b"", title, {name: value_from_json(value) for name, value in attributes.items()})
        for id, title, attributes in notes["items"]
    ]
    photos = [list(of) for of in notes["photos"]]
    if len(photos) != len(items) or not all(photos):
        raise ValueError("each item has photos")
    rejected = [dict(row) for row in notes["rejected"]]
    return items, photos, rejected, [Rejection(**row) for row in notes["unreadable"]]
