"""What an owner uploads: a table or feed as it is, or a zip whose files stay inside its folder."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from lookbook.catalog.feeds import FEED_SUFFIXES
from lookbook.catalog.files import PICTURE_SUFFIXES
from lookbook.schema.message import Message

_TABLES = (*FEED_SUFFIXES, ".parquet")
ACCEPTED = (".zip", *_TABLES)
_CHUNK = 2**20
_MIB = 2**20
_MAX_DIRECTORY = 32 * _MIB  # bytes of a zip's list of files: some 400,000 of them
# what zipfile and the decompressors raise for bytes that were changed
_DAMAGED = (
    *(zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError),
    *(struct.error, zlib.error, lzma.LZMAError, OverflowError),
)
_IGNORED = re.compile(r"(^|/)(__MACOSX|\.[^/]*|Thumbs\.db|desktop\.ini)(/|$)")


class UploadRefused(ValueError):  # noqa: N818
    """An upload that is not taken; the message says what was found and what is expected."""


@dataclass(frozen=True)
class UploadLimits:
    """At most so many `files` in a zip, of so many `bytes` together when unpacked."""

    files: int = 200_000
    bytes: int = 8 * 1024 * _MIB


def store_upload(
    file: IO[bytes], name: str, folder: Path, limits: UploadLimits = UploadLimits()
) -> Path:
    """Store an upload in an empty `folder`; return the data set in it. Raises UploadRefused.

    Of a zip only pictures and tables are unpacked. One with a name that leads out of the folder, a
    link or a password is refused as a whole.
    """
    suffix = PurePosixPath(name.casefold()).suffix
    if suffix not in ACCEPTED:
        endings = ", ".join(ACCEPTED)
        if not suffix:
            message = Message(
                "Expected {endings}, found a file without an ending.", endings=endings
            )
        else:
            message = Message(
                "Expected {endings}, found a {found} file.", endings=endings, found=suffix
            )
        raise UploadRefused(message)
    stem = _plain_stem(name)
    if suffix != ".zip":
        return _copy(file, folder / f"{stem}{suffix}", limits.bytes)
    target = folder / stem
    target.mkdir()
    try:
        _refuse_large_directory(file)
        with zipfile.ZipFile(file) as archive:
            _unpack(archive, target, limits)
    except UploadRefused:
        raise
    except OSError as error:  # its text may name a folder of the server
        reason = error.strerror or type(error).__name__
        raise UploadRefused(Message("The zip cannot be read: {reason}.", reason=reason)) from None
    except _DAMAGED as error:
        raise UploadRefused(
            Message("The zip cannot be read: {reason}.", reason=str(error))
        ) from None
    return _data_set(target)


def _refuse_large_directory(file: IO[bytes]) -> None:
    """Refuse a zip whose list of files takes too much memory: zipfile reads it as a whole."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if end is not None and end[zipfile._ECD_SIZE] > _MAX_DIRECTORY:  # type: ignore[attr-defined]
        raise UploadRefused(
            Message(
                "The list of files in the zip has {size} MB, at most {limit} are read.",
                size=round(end[zipfile._ECD_SIZE] / _MIB),  # type: ignore[attr-defined]
                limit=_MAX_DIRECTORY // _MIB,
            )
        )


def _plain_stem(name: str) -> str:
    """Return the name without folder and ending, of letters, digits, - and _ only."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return re.sub(r"[^\w-]+", "-", stem, flags=re.ASCII).strip("-")[:60] or "catalogue"


def _unpack(archive: zipfile.ZipFile, target: Path, limits: UploadLimits) -> None:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in entries:  # all of them before the first is written
        _refuse_unsafe(entry)
    wanted = [entry for entry in entries if _is_wanted(entry.filename)]
    if not wanted:
        raise UploadRefused(Message("The zip holds neither pictures nor a table."))
    if len(wanted) > limits.files:
        raise UploadRefused(
            Message(
                "The zip holds {count} files; up to {limit} are taken.",
                count=len(wanted),
                limit=limits.files,
            )
        )
    announced = sum(entry.file_size for entry in wanted)
    room = min(limits.bytes, shutil.disk_usage(target).free // 2)
    if announced > room:
        raise UploadRefused(
            Message(
                "Unpacked, the zip has {size} MB; there is room for {room}.",
                size=round(announced / _MIB),
                room=round(room / _MIB),
            )
        )
    left = room
    for entry in wanted:
        path = target / entry.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source:  # whatever the zip announces, the bytes are counted
            left -= _copy(source, path, left).stat().st_size


def _refuse_unsafe(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = PurePosixPath(name).parts
    shown = repr(name[:80])
    if not parts or name.startswith("/") or ".." in parts or re.search(r"[\\\0]|^[A-Za-z]:", name):
        raise UploadRefused(
            Message("The zip names {name}, which leads out of its folder.", name=shown)
        )
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise UploadRefused(
            Message("The zip holds {name}, which is a link and not a file.", name=shown)
        )
    if entry.flag_bits & 1:
        raise UploadRefused(Message("The zip has a password: upload one without."))


def _is_wanted(name: str) -> bool:
    suffix = PurePosixPath(name.casefold()).suffix
    return (suffix in PICTURE_SUFFIXES or suffix in _TABLES) and not _IGNORED.search(name)


def _copy(source: IO[bytes], path: Path, limit: int) -> Path:
    size = 0
    try:
        with path.open("xb") as out:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise UploadRefused(
                        Message(
                            "More than {limit} MB: this is too large.", limit=round(limit / _MIB)
                        )
                    )
                out.write(chunk)
    except FileExistsError:
        raise UploadRefused(
            Message("The zip holds {name} twice.", name=repr(path.name[:80]))
        ) from None
    except OSError as error:
        raise UploadRefused(
            Message("The upload cannot be stored: {reason}.", reason=error.strerror)
        ) from None
    return path


def _data_set(folder: Path) -> Path:
    """Return the folder of the data, below folders that hold nothing but one other, or a table."""
    entries = list(folder.iterdir())
    if len(entries) != 1:
        return folder
    return _data_set(entries[0]) if entries[0].is_dir() else entries[0]
