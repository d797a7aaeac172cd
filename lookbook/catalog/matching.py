"""Which picture file a name in a table means, in spite of how it is written."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from lookbook.catalog.files import PICTURE_SUFFIXES
from lookbook.images.loading import ImageError
from lookbook.schema.message import Message

_NAMED = 3  # files that a message names
_MISSING = Message("The file {name} is not there.")
_MISSING_NEAR = Message("The file {name} is not there; the nearest is {near}.")
_OUTSIDE = Message("The file {name} is outside of the data set's folder.")
_OUTSIDE_NEAR = Message(
    "The file {name} is outside of the data set's folder; the nearest is {near}."
)
_MIN_DIGITS = 6  # of a number that is compared without its leading zeros: a shorter one is a count


class PictureFinder:
    """The picture files of a folder, found by the names that tables give them.

    A name is compared in this order, and the first comparison that one file meets decides: as it
    is; without regard to case, NFC or NFD, backslashes, doubled slashes and `./`; with `%20` and
    the like decoded; without its extension, a number without its leading zeros; by the end of its
    path, so that a missing folder and an absolute path of another machine do no harm. Only files
    of `names` are ever returned.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._hints = 20
        self._exact = set(self.names)
        self._by_path: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._by_file: dict[str, list[str]] = defaultdict(list)
        self._by_file_stem: dict[str, list[str]] = defaultdict(list)
        self._by_number: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            path = canonical(name)
            file = path.rpartition("/")[2]
            self._by_path[path].append(name)
            self._by_stem[_stem(path)].append(name)
            self._by_file[file].append(name)
            self._by_file_stem[_stem(file)].append(name)
            if _stem(file).isdecimal():
                self._by_number[_stem(file).lstrip("0")].append(name)

    def find(self, name: str, folder: str = "") -> str:
        """The one file that `name`, in a table in `folder`, means.

        Raises ImageError: `missing` with the nearest name, `ambiguous` with the files that fit, or
        `outside` for a name that climbs out of the data set.
        """
        if not name.strip():
            raise ImageError("missing", Message("The row names no picture."))
        plain = _joined(folder, name)
        if plain in self._exact:
            return plain
        if plain.startswith(".."):  # it climbs out: only a whole path inside may be meant
            inside = self._by_path.get(canonical(name), [])
            if "/" in canonical(name) and len(inside) == 1:
                return inside[0]
            raise self._missing(name, plain)
        found: list[str] = []
        for written in dict.fromkeys((name, unquote(name))):
            found = self._candidates(canonical(written), canonical(folder))
            if len(found) == 1:
                return found[0]
            if found:
                message = Message(
                    "The file {name} fits several: {files}; write the folder before it.",
                    name=repr(name[:100]),
                    files=_listed(found),
                )
                raise ImageError("ambiguous", message)
        raise self._missing(name, plain)

    def holds(self, name: str, folder: str = "") -> bool:
        """Whether one file or several fit `name`."""
        plain = _joined(folder, name)
        return plain in self._exact or any(
            self._candidates(canonical(written), canonical(folder))
            for written in (name, unquote(name))
        )

    def nearest(self, name: str) -> str | None:
        """The file whose name is most like `name`, or None where none is like it."""
        file = _stem(canonical(name).rpartition("/")[2])
        found = difflib.get_close_matches(file, list(self._by_file_stem)[:20_000], 1, 0.6)
        return self._by_file_stem[found[0]][0] if found else None

    def _candidates(self, path: str, folder: str) -> list[str]:
        for place in dict.fromkeys((_joined(folder, path), path)):
            for known, key in ((self._by_path, place), (self._by_stem, place)):
                if key in known and (known is self._by_path or not _has_suffix(place)):
                    return known[key]
        file = path.rpartition("/")[2]
        among = self._by_file.get(file)
        if not among and not _has_suffix(file):
            among = self._by_file_stem.get(file)
            long = file.isdecimal() and len(file) >= _MIN_DIGITS and file == path
            if not among and long:  # zeros that a spreadsheet took away
                among = self._by_number.get(file.lstrip("0"))
        return _longest_end(path, among or [])

    def _missing(self, name: str, plain: str) -> ImageError:
        near = None
        if self._hints:  # comparing with every name takes time: done for the first few
            self._hints -= 1
            near = self.nearest(name)
        values = {"name": repr(name[:100])} | ({"near": repr(near)} if near else {})
        if "\0" in name or plain.startswith(("..", "/")):
            template = _OUTSIDE_NEAR if near else _OUTSIDE
            return ImageError("outside", Message(template.template, **values))
        template = _MISSING_NEAR if near else _MISSING
        return ImageError("missing", Message(template.template, **values))


def canonical(name: str) -> str:
    """A name as it is compared: NFC, no case, `/` between, no `.`, `..` resolved where it can be.

    The folder of another machine (`C:\\\\photos`, `/home/anna`) stays as a part like any other.
    """
    text = unicodedata.normalize("NFC", name.strip()).casefold().replace("\\", "/")
    return unicodedata.normalize("NFC", _resolved(text))


def file_of_url(url: str) -> str:
    """The file name that a URL ends in: `12871.jpg` of `https://cdn/files/12871.jpg?v=1`."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""


def _joined(folder: str, name: str) -> str:
    """The path of `name` in `folder`; it begins with `..` or `/` where it leaves the data set."""
    text = name.strip().replace("\\", "/")
    if text.startswith("/"):
        return text
    return _resolved(f"{folder}/{text}" if folder else text, keep=True)


def _resolved(text: str, keep: bool = False) -> str:
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == "..":
            if keep:
                parts.append(part)
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _has_suffix(path: str) -> bool:
    return os.path.splitext(path)[1] in PICTURE_SUFFIXES  # noqa: PTH122 (called for every file)


def _stem(path: str) -> str:
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 (called for every file)
    return stem if suffix in PICTURE_SUFFIXES else path


def _longest_end(path: str, names: list[str]) -> list[str]:
    """Those of `names` that share the most folders with the end of `path`."""
    if len(names) < 2:
        return names
    folders = _stem(path).split("/")[::-1]

    def shared(name: str) -> int:
        parts = _stem(canonical(name)).split("/")[::-1]
        same = [a == b for a, b in zip(folders, parts, strict=False)]
        return same.index(False) if False in same else len(same)

    most = max(map(shared, names))
    return [name for name in names if shared(name) == most]


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def is_picture(name: str) -> bool:
    """Whether a file's name ends like that of a picture."""
    return _has_suffix(name.lower())
