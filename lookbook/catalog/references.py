"""From what a cell says of a picture to the picture: bytes, data URI, base64, file, address."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from lookbook.catalog.files import inner_file
from lookbook.catalog.matching import PictureFinder, file_of_url, is_picture
from lookbook.images.loading import ImageError, Picture
from lookbook.schema.message import Message
from lookbook.schema.missing import is_missing

if TYPE_CHECKING:
    from lookbook.catalog.download import Downloader

_ADDRESSES = re.compile(r"[\s,;|]+(?=https?://)")  # between two addresses of one cell
_FILES = re.compile(r"\s*[,;|]\s*")  # between two file names of one cell
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}:/{0,2}[^\s]", re.IGNORECASE)
_SCHEMES = ("http", "https", "ftp", "ftps", "file", "s3", "gs", "az", "hf", "data")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}", re.ASCII)
_BASE64_LEAST = 64  # characters: a shorter text is a name
_SIGNS = (b"\xff\xd8\xff", b"\x89PNG", b"WEBP", b"GIF8", b"ftyp", b"BM")  # of pictures' first bytes
_SHOWN = 100  # characters of a reference that a message shows


def references_in(cell: object) -> list[object]:
    """The pictures that a cell names: one, a list, or several addresses or files in a row."""
    if is_missing(cell):
        return []
    if isinstance(cell, (list, tuple)):
        return [r for r in cell if not is_missing(r)]
    if isinstance(cell, str) and not is_data(cell):
        addresses = [p for p in _ADDRESSES.split(cell.strip()) if p]
        files = [] if is_url(cell) else [f for f in _FILES.split(cell.strip()) if f]
        several = len(files) > 1 and all(is_picture(f) for f in files)
        return list(files if several else addresses)
    return [str(cell) if isinstance(cell, (int, float)) else cell]


def is_data(reference: str) -> bool:
    """Whether a text is a data URI."""
    return reference[:5].lower() == "data:"


def is_url(reference: str) -> bool:
    """Whether a text is an address, not a file name (`C:\\\\photos` is one)."""
    return reference.partition(":")[0].lower() in _SCHEMES and bool(_URL.match(reference))


def shown(reference: object) -> str:
    """A reference as a message may print it: never the picture itself."""
    if isinstance(reference, (bytes, bytearray)):
        return f"{len(reference):,} bytes"
    text = str(reference)
    if is_data(text):
        return f"a data URI of {len(text):,} characters"
    return repr(text[:_SHOWN])


def decoded(reference: str) -> bytes | None:
    """The bytes of a data URI or of base64; None for any other text. Raises ImageError."""
    if is_data(reference):
        kind, comma, data = reference.partition(",")
        if not comma:
            raise ImageError(
                "not-a-picture", Message("The data URI has no comma, and so no picture.")
            )
        if kind.lower().endswith(";base64"):
            return _base64(data, Message("The data URI is not base64."))
        return unquote_to_bytes(data)
    bare = "".join(reference.split()) if len(reference) >= _BASE64_LEAST else ""
    if len(bare) < _BASE64_LEAST or not _BASE64.fullmatch(bare):
        return None
    not_base64 = Message("The text is not base64.")
    head = _base64(bare[:32], not_base64)
    return _base64(bare, not_base64) if any(sign in head[:12] for sign in _SIGNS) else None


def _base64(text: str, message: str) -> bytes:
    bare = "".join(unquote_to_bytes(text).decode("latin-1").split())
    bare = bare.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ImageError("not-a-picture", message) from None


def _not_there(reference: str) -> ImageError:
    return ImageError("missing", Message("The file {name} is not there.", name=shown(reference)))


class Pictures:
    """Where the references of one data set are looked up: its files first, then the network.

    `folder` and `finder` are its files, both None where it has none; `links` lets links of a cache
    lead out of it; `downloader` None refuses addresses. Where `copies`, a file that is called as
    an address ends is its copy.
    """

    def __init__(
        self,
        folder: Path | None = None,
        finder: PictureFinder | None = None,
        downloader: Downloader | None = None,
        links: bool = False,
        copies: bool = False,
    ) -> None:
        self.folder, self.finder, self.links, self.copies = folder, finder, links, copies
        self.downloader = downloader

    @property
    def parallel(self) -> int:
        """How many pictures may be fetched at once."""
        return self.downloader.parallel if self.downloader else 1

    def file(self, reference: str, place: str = "") -> str:
        """The file that a name, or the end of an address, means; raises ImageError."""
        if self.finder is None or (is_url(reference) and not self.copies):
            raise _not_there(reference)
        name = file_of_url(reference) if is_url(reference) else reference
        return self.finder.find(name, place)

    def fetch(self, reference: object, place: str = "") -> Picture:
        """The picture that a reference means; raises ImageError when it cannot be had."""
        if isinstance(reference, Mapping):
            return self._of_mapping(reference, place)
        if isinstance(reference, (list, tuple)):
            reference = next(iter(reference), None)
            return self.fetch(reference, place)
        if isinstance(reference, (bytes, bytearray)) and len(reference):
            return bytes(reference)
        if not isinstance(reference, str) or not reference.strip():
            raise ImageError("missing", Message("The row has no picture."))
        reference = reference.strip()
        if (data := self._decoded(reference)) is not None:
            return data
        if is_url(reference):
            return self._of_url(reference, place)
        return self._of_file(reference, place)

    def _of_mapping(self, cell: Mapping, place: str) -> Picture:
        for key in ("bytes", "path", "url", "src", "link", "image"):
            if cell.get(key):
                return self.fetch(cell[key], place)
        raise ImageError("missing", Message("The row has no picture."))

    def _decoded(self, reference: str) -> bytes | None:
        if not is_data(reference) and self.finder and self.finder.holds(reference):
            return None
        return decoded(reference)

    def _of_url(self, reference: str, place: str) -> Picture:
        if self.copies:
            try:
                return self._open(self.file(reference, place))
            except ImageError:
                pass  # no file beside the table is called so
        if self.downloader is None:
            message = Message(
                "The picture is only named by an address, {address}.", address=shown(reference)
            )
            raise ImageError("missing", message)
        return self.downloader.fetch(reference)

    def _of_file(self, reference: str, place: str) -> Picture:
        if self.finder is not None:
            return self._open(self.file(reference, place))
        if self.folder is None:
            raise _not_there(reference)
        return inner_file(self.folder / place, reference, self.links)

    def _open(self, name: str) -> Path:
        assert self.folder is not None
        return inner_file(self.folder, name, self.links)
